"""Measure, keep in `benchmarks/kept/against_trl.json`, print, and renew the table in the pages that show it.

python -m benchmarks.against_trl --runs 9
"""

import argparse
import datetime
import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from benchmarks.against_trl import measure, table, twins

PACKAGES = ("torch", "transformers", "trl", "accelerate", "rlhf-lessons")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=1, help="nine on a quiet machine, about 100 s each")
    twins.be_silent()
    runs: list[dict[str, Any]] = []
    for number in range(arguments.parse_args().runs):
        runs.append(asdict(measure.run()))
        table.keep({**label(), "runs": runs})
        print(f"run {number + 1}: quiet {runs[-1]['quiet']:.2f}", flush=True)
    table.renew(table.table(table.read()))
    print(table.table(table.read()), table.notes(runs), sep="\n\n")


def label() -> dict[str, Any]:
    """When and where: a reader must be able to tell whether another machine may differ."""
    return {
        "made": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores of {processor()}, {platform.system()}, Python {platform.python_version()}",
        "threads": 1,
        "versions": {name: version(name) for name in PACKAGES},
    }


def processor() -> str:
    """Its name in words where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


if __name__ == "__main__":
    main()
