"""Installs PyTorch's CPU build where it is wanted and offered, before `make` lets pip install all the rest.

On Linux, pip's own choice may bring libraries for NVIDIA's cards of several gigabytes. A build without them is told by
its version (2.13.0+cpu), but only some indexes have one, and pip compares versions, not sizes. So on a machine without
an NVIDIA driver this asks pip for the versions that its indexes offer, and installs the newest CPU build that
pyproject.toml allows. Where there is none, or anything is in doubt, it says so and leaves the choice to pip.

python tools/torch_build.py [pip's arguments]
"""

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

PIP = [sys.executable, "-m", "pip"]
PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
DRIVER = Path("/proc/driver/nvidia/version")
PATIENCE = 60  # seconds for the question; it takes one


def is_wanted(arguments: list[str]) -> bool:
    """Only Linux has builds to choose from. Neither a card, nor a torch that is there or named, is passed over."""
    has_card = DRIVER.exists() or shutil.which("nvidia-smi")
    is_named = any(re.fullmatch(r"torch([^\w-].*)?", word) for word in arguments)
    return sys.platform == "linux" and not (has_card or is_named or importlib.util.find_spec("torch"))


def allowed() -> tuple[list[int], list[int]]:
    """The lowest release of torch that the course takes, and the first that it no longer takes."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    (bounds,) = (found for text in project["dependencies"] if (found := re.fullmatch(r"torch>=(.*),<(.*)", text)))
    return numbers(bounds[1]), numbers(bounds[2])


def numbers(release: str) -> list[int]:
    return [int(part) for part in release.split(".")]


def newest_cpu_build(offered: str) -> str | None:
    """The version to take, from what `pip index versions` prints; None if there is none."""
    lowest, too_high = allowed()
    releases = [numbers(release) for release in re.findall(r"(?<![\w.+])([0-9.]+)\+cpu(?![\w.+])", offered)]
    fitting = [release for release in releases if lowest <= release < too_high]
    return f"{'.'.join(map(str, max(fitting)))}+cpu" if fitting else None


def main(arguments: list[str]) -> None:
    """The program. It says what it does, and never fails."""
    if not is_wanted(arguments):
        return
    try:
        question = [*PIP, "index", "versions", "torch", "--retries", "1", *arguments]
        asked = subprocess.run(question, capture_output=True, text=True, timeout=PATIENCE)
        version = newest_cpu_build(asked.stdout)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        print(f"torch: which builds there are could not be found out ({error}); pip chooses")
        return
    if version is None:
        why = "is offered no CPU build" if asked.returncode == 0 else "did not say which builds it is offered"
        print(f"torch: no NVIDIA driver here, but pip {why}; its choice may have GPU support and several gigabytes")
        print('torch: for the small build, name PyTorch\'s CPU index: make PIP_ARGS="--extra-index-url ..."')
        return
    print(f"torch: no NVIDIA driver here, so the CPU build {version}", flush=True)
    install = [*PIP, "install", "--quiet", "--disable-pip-version-check", "--no-deps", *arguments, f"torch=={version}"]
    if subprocess.run(install).returncode:
        print("torch: that did not succeed; pip chooses")


if __name__ == "__main__":
    main(sys.argv[1:])
