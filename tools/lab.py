"""Opens the course in JupyterLab: `make lab`. Options of JupyterLab may follow, such as --no-browser --port 9999.

JupyterLab itself refuses to run as root, which is all there is in many containers and cloud machines; here it
runs, says so, and answers its own machine alone. Where no browser can open, it prints the address to open.
"""

import os
import sys
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIRST = "notebooks/00_start_here.ipynb"
SETTINGS = ROOT / "tools" / "jupyter"  # texts, such as the glossary, open to be read; what users have set goes first
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
SHOWS_WINDOWS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")  # on Linux, one of them is set where a browser can open


def can_open_browser() -> bool:
    """Whether this machine has a browser, and a screen to show it on."""
    if sys.platform.startswith("linux") and not any(map(os.environ.get, SHOWS_WINDOWS)):
        return False  # a browser for the terminal would hide what JupyterLab prints
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def arguments(own: list[str], is_root: bool, has_browser: bool) -> list[str]:
    """JupyterLab's arguments: the user's own, and those that this machine needs and the user did not give."""
    given = {word.partition("=")[0] for word in own}
    words = [f"--LabApp.default_url=/lab/tree/{FIRST}"]  # and not a file, whose address JupyterLab does not print
    if is_root:
        words += ["--allow-root"] if "--allow-root" not in given else []
        words += ["--ServerApp.ip=127.0.0.1"] if not given & {"--ip", "--ServerApp.ip"} else []
    if not has_browser and not given & {"--no-browser", "--browser", "--ServerApp.browser"}:
        words.append("--no-browser")
    return [*words, *own]


def notices(words: list[str], is_root: bool) -> list[str]:
    """What the user should know before JupyterLab starts."""
    found = []
    if is_root:
        where = "to this machine alone" if "--ServerApp.ip=127.0.0.1" in words else "where you told it to"
        found.append(f"You are root, so the notebooks may change anything on this machine. JupyterLab answers {where}.")
    if "--no-browser" in words:
        found.append("No browser opens here: open the address that JupyterLab prints below, with its token.")
    return found


def main() -> None:
    """The program; ends with JupyterLab."""
    from jupyterlab.labapp import LabApp

    os.chdir(ROOT)
    paths = [os.environ.get("JUPYTER_CONFIG_PATH", ""), str(SETTINGS)]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    words = arguments(sys.argv[1:], IS_ROOT, can_open_browser())
    for notice in notices(words, IS_ROOT):
        print(notice, file=sys.stderr, flush=True)
    LabApp.launch_instance(words)


if __name__ == "__main__":
    main()
