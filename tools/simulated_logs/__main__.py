"""How well the log reader does on simulated runs.

python -m tools.simulated_logs                     the rates on the seeds for tuning, 0 to 99
python -m tools.simulated_logs --held-out          the rates to be quoted, on seeds from 1000 on
python -m tools.simulated_logs rm dpo/unstable     of some kinds alone, by the beginnings of their names
python -m tools.simulated_logs --misses            and what was said of each run that was read wrongly
python -m tools.simulated_logs --show rm/overfit 3 the log of one run, a record a line, and what the reader says of it
"""

import argparse
import sys

from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.refusals import shown
from tools.simulated_logs import KINDS
from tools.simulated_logs.planted import Planted
from tools.simulated_logs.rates import HEADER, TUNING, measure, summary


def chosen(beginnings: list[str]) -> list[Planted]:
    """The kinds whose names begin so; all for none. Raises ValueError for a beginning that no name has."""
    for beginning in beginnings:
        if not any(name.startswith(beginning) for name in KINDS):
            raise ValueError(f"kind: {shown(beginning)} is not allowed; it must begin one of {', '.join(KINDS)}")
    return [planted for name, planted in KINDS.items() if name.startswith(tuple(beginnings) or "")]


def show(name: str, seed: str) -> None:
    """Print one log and its diagnosis. Raises ValueError for an unknown kind, and for a seed that is held out."""
    if name not in KINDS:
        raise ValueError(f"kind: {shown(name)} is not allowed; it must be one of {', '.join(KINDS)}")
    if not seed.isdecimal() or int(seed) >= TUNING:
        raise ValueError(f"seed: {shown(seed)} is not allowed; it must be a whole number from 0 to {TUNING - 1}")
    records = KINDS[name].records(int(seed))
    print(*records, "", diagnose(records), sep="\n")


def main(arguments: list[str] | None = None) -> int:
    """Print the table, or one log; 2 for an argument that is not allowed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help="beginnings of kinds' names, such as rm or dpo/unstable")
    parser.add_argument("--held-out", action="store_true", help="seeds from 1000 on, to be quoted and not to tune on")
    parser.add_argument("--misses", action="store_true", help="what was said of runs that were read wrongly")
    parser.add_argument("--show", nargs=2, metavar=("KIND", "SEED"), help="one log and its diagnosis")
    asked = parser.parse_args(arguments)
    try:
        if asked.show:
            show(*asked.show)
            return 0
        if asked.held_out and asked.misses:
            raise ValueError("misses: True is not allowed; it must be False with held-out runs, or they are tuned on")
        kinds = chosen(asked.kinds)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(HEADER)
    done = []
    for rates in measure(diagnose, kinds, asked.held_out):
        done.append(rates)
        print(rates, flush=True)
    print(f"\n{summary(done)}")
    if asked.misses:
        print("", *(miss for rates in done for miss in rates.misses), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
