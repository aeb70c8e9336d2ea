import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools import torch_build

OFFERED = "torch (2.15.0)\nAvailable versions: 2.15.0+cpu, 2.15.0, 2.13.0+cu126, {}2.13.0, 2.9.1, 2.6.0, 2.5.1+cpu"


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A Linux machine without card and torch; gives the list of what pip is asked to do, and sets what it answers."""
    asked = []

    def machine(answer="", code=0, error=None, install=0):
        def run(command, **_):
            asked.append(command[3:])
            if error:
                raise error
            return SimpleNamespace(stdout=answer, returncode=install if command[3] == "install" else code)

        monkeypatch.setattr(subprocess, "run", run)
        return asked

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(torch_build, "DRIVER", tmp_path / "version")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    return machine


@pytest.mark.parametrize(
    ("builds", "taken"),
    [
        ("2.13.0+cpu, ", "2.13.0+cpu"),
        ("2.10.0+cpu, 2.9.1+cpu, ", "2.10.0+cpu"),  # 10 is more than 9
        ("2.6.0+cpu, ", "2.6.0+cpu"),
        ("2.12.1+cpu.cxx11.abi, 2.7.0+cpu, ", "2.7.0+cpu"),
        ("2.12.1+cpux, 12.13.0+cu1, ", None),
        ("", None),
    ],
)
def test_the_newest_cpu_build_that_the_course_allows_is_taken(builds, taken):
    assert torch_build.newest_cpu_build(OFFERED.format(builds)) == taken


def test_the_cpu_build_is_installed_alone_and_with_the_same_arguments(bare, capsys):
    asked = bare(OFFERED.format("2.13.0+cpu, "))
    torch_build.main(["--extra-index-url", "x"])
    question, install = asked
    assert question[:3] == ["index", "versions", "torch"] and question[-2:] == ["--extra-index-url", "x"]
    assert install[0] == "install" and "--no-deps" in install
    assert install[-3:] == ["--extra-index-url", "x", "torch==2.13.0+cpu"]
    assert capsys.readouterr().out == "torch: no NVIDIA driver here, so the CPU build 2.13.0+cpu\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sys.platform", "darwin"),
        ("shutil.which", lambda name: "/usr/bin/nvidia-smi" if name == "nvidia-smi" else None),
        ("importlib.util.find_spec", lambda name: "it is there"),
        ("tools.torch_build.DRIVER", Path(__file__)),
    ],
)
def test_where_there_is_nothing_to_choose_pip_is_not_asked(name, value, bare, monkeypatch, capsys):
    asked = bare(OFFERED.format("2.13.0+cpu, "))
    monkeypatch.setattr(name, value)
    torch_build.main([])
    assert asked == [] and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("word", "is_named"),
    [("torch", True), ("torch==2.9.0+cu126", True), ("torch @ file:///x", True), ("torch-geometric", False)],
)
def test_a_torch_that_somebody_names_is_theirs(word, is_named, bare):
    asked = bare()
    torch_build.main(["--pre", word])
    assert bool(asked) != is_named


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ({"answer": OFFERED.format("")}, "but pip is offered no CPU build; its choice may have GPU support"),
        ({"answer": "", "code": 1}, "but pip did not say which builds it is offered; its choice may have GPU support"),
        ({"error": subprocess.TimeoutExpired("pip", 60)}, "could not be found out"),
        ({"error": OSError("no pip")}, "could not be found out (no pip); pip chooses"),
        ({"answer": OFFERED.format("2.13.0+cpu, "), "install": 1}, "that did not succeed; pip chooses"),
    ],
)
def test_in_doubt_it_says_so_and_leaves_the_choice_to_pip(machine, said, bare, capsys):
    asked = bare(**machine)
    torch_build.main([])
    assert said in capsys.readouterr().out and sum("install" in command for command in asked) == ("install" in machine)
