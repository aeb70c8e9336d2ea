"""The wheel holds the whole package with its data, and the command line in it works away from the repository."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rlhf_lessons.diagnostics.logs.seed_log import LOG

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rlhf_lessons"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel built from this checkout, unpacked as pip unpacks it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("rlhf_lessons-*.whl")
    zipfile.ZipFile(built).extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.fixture
def installed(wheel, tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the wheel's command line in an empty folder."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "rlhf_lessons.cli", *words]
        environment = os.environ | {"PYTHONPATH": str(wheel), "RLHF_LESSONS_HOME": str(tmp_path / "home")}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


def test_every_file_of_the_package_is_in_the_wheel_and_nothing_else(wheel):
    def files(folder: Path) -> set[str]:
        found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return {path.as_posix() for path in found if "__pycache__" not in path.parts}

    assert files(wheel / PACKAGE.name) == files(PACKAGE)
    assert {path.name.partition("-")[0] for path in wheel.iterdir()} == {PACKAGE.name}


def test_without_the_repository_it_says_where_the_notebooks_are(installed, wheel):
    for words in (["list"], ["run", "06"], ["course"]):
        result = installed(*words)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.count("\n") == 1
        assert str(wheel / "notebooks") in result.stderr and "name their folder with --notebooks" in result.stderr


def test_it_works_where_the_notebooks_are_named_or_not_needed(installed):
    listed = installed("list", "--notebooks", str(ROOT / "notebooks"))
    assert listed.returncode == 0 and "06_ppo" in listed.stdout
    diagnosed = installed("diagnose", str(LOG))
    assert diagnosed.returncode == 1 and "Common-mode drift" in diagnosed.stdout
    cached = installed("cache")
    assert cached.returncode == 0 and "0 stored, 0.0 MB" in cached.stdout
