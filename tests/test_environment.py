"""The files that describe the project agree with each other."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from rlhf_lessons import __version__

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib", "playwright-python": "playwright"}
CONDA_SPEC = re.compile(r"(?P<name>[a-z0-9-]+)( (?P<range>>=[\d.]+,<[\d.]+))?( (?P<build>[a-z]+_\*))?")


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def conda_specs() -> dict[str, re.Match]:
    """Package name on conda-forge to its parsed spec."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    matches = [(spec, CONDA_SPEC.fullmatch(spec)) for spec in environment["dependencies"]]
    assert all(match for _, match in matches), [spec for spec, match in matches if not match]
    return {match["name"]: match for _, match in matches}


def test_both_name_the_same_packages_and_ranges():
    extras = project()["optional-dependencies"]
    more = [line for extra in extras.values() for line in extra]
    wanted = [Requirement(line) for line in [*project()["dependencies"], *more]]
    specs = conda_specs()
    got = {CONDA_NAMES.get(name, name): SpecifierSet(match["range"] or "") for name, match in specs.items()}
    python = got.pop("python")
    assert got.pop("pip") == SpecifierSet()
    assert got == {requirement.name: requirement.specifier for requirement in wanted}
    assert python == SpecifierSet(project()["requires-python"])


def test_binder_installs_what_the_course_needs_and_no_more():
    core = {Requirement(line).name for line in project()["dependencies"]}
    lines = [match.string for name, match in conda_specs().items() if CONDA_NAMES.get(name, name) in core]
    environment = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text(encoding="utf-8"))
    assert environment["dependencies"] == ["python =3.12", "pip", *lines]
    assert "3.12" in SpecifierSet(project()["requires-python"])


def test_binder_can_run_its_script():
    script = ROOT / ".binder" / "postBuild"
    assert os.access(script, os.X_OK) and subprocess.run(["bash", "-n", script]).returncode == 0


def test_every_range_has_both_ends():
    for spec in conda_specs().values():
        assert spec["name"] == "pip" or spec["range"], spec.string


def test_citation_and_changelog_name_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (__version__, project()["license"])
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\d[\d.]*), \d{4}-\d\d-\d\d$", changes, re.MULTILINE)
    assert versions[0] == __version__


def test_torch_is_the_cpu_build():
    assert conda_specs()["pytorch"]["build"] == "cpu_*"


def test_python_3_11_to_3_13_are_allowed():
    allowed = SpecifierSet(project()["requires-python"])
    assert [v for v in ("3.10", "3.11", "3.12", "3.13", "3.14") if v in allowed] == ["3.11", "3.12", "3.13"]
