"""The long form of tests/faults: how many kills were survived, faults noticed and bad inputs refused, of how many."""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from tools.verify import readme
from tools.verify.rows import Row, compare, missing

ROOT = Path(__file__).parents[2]
LONG_VARIABLE = "RLHF_LESSONS_LONG_FAULTS"
PLANTED = {
    "a process is killed at a random moment": "kills survived",
    "a file is swapped, cut, edited or forged; a disk is full or may only be read": "faults noticed",
    "a bad input is given to the command line or to a function": "bad inputs refused",
}
ALL = "every one that the README counts"


def planted(text: str) -> list[Row]:
    """The README's table of planted faults, remade; one more row for each test that failed."""
    counts, failed = run()
    where = f"README, {readme.FAULTS}"
    quoted = readme.table(text, readme.FAULTS, PLANTED)
    rows = [compare(where, PLANTED[name], cells[0], counts[PLANTED[name]], 0, ALL) for name, cells in quoted.items()]
    return [*rows, *(missing(where, name, "this test failed") for name in failed)]


def run() -> tuple[Counter[str], list[str]]:
    """What the tests tallied, and the names of those that failed."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "faults.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "tests/faults",
            f"--junitxml={page}",
            "-o",
            "junit_family=xunit1",
        ]
        environment = {**os.environ, LONG_VARIABLE: "1", "OMP_NUM_THREADS": "1"}
        subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=False)
        return counted(ElementTree.parse(page).getroot())


def counted(page: ElementTree.Element) -> tuple[Counter[str], list[str]]:
    """The tallies of a JUnit page, and the names of the tests in it that failed."""
    counts: Counter[str] = Counter()
    for told in page.iter("property"):
        if told.attrib["name"] in PLANTED.values():  # hypothesis leaves properties of its own
            counts[told.attrib["name"]] += int(told.attrib["value"])
    tests = page.iter("testcase")
    failed = [test.attrib["name"] for test in tests if {"failure", "error"} & {part.tag for part in test}]
    return counts, failed
