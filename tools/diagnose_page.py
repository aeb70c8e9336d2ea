"""Runs the commands of docs/diagnose.md again and writes what they print: `python -m tools.diagnose_page`."""

import os
import re
import shlex
from contextlib import chdir
from pathlib import Path

from typer.testing import CliRunner

from rlhf_lessons.cli import app

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "diagnose.md"
BLOCK = re.compile(r"```console\n\$ rlhf-lessons (.+)\n(?:.*\n)*?```\n")


def renewed(page: str) -> str:
    """The page with today's output, and the exit code, under each command."""
    return BLOCK.sub(lambda block: f"```console\n$ rlhf-lessons {block[1]}\n{printed(block[1])}```\n", page)


def printed(words: str) -> str:
    """What a command of the page prints, run in the project's root, and its exit code if it is not 0."""
    with chdir(ROOT):
        result = CliRunner().invoke(app, shlex.split(words), env={**os.environ, "COLUMNS": "120"})
    return result.output + (f"$ echo $?\n{result.exit_code}\n" if result.exit_code else "")


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
