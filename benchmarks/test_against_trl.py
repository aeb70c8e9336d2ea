"""The stages against TRL, once. `python -m benchmarks.against_trl --runs 9` keeps what several runs find."""

from dataclasses import asdict

import pytest

pytest.importorskip("trl", reason="needs the extra `scale`: pip install -e '.[scale]'")

from benchmarks.against_trl import measure, table, twins


@pytest.fixture(scope="module")
def found():
    twins.be_silent()
    return measure.run()


def test_at_width_64_every_stage_takes_less_time_than_trl(found):
    """Wider models, where the margin is small, are printed and not asserted."""
    print("\n" + table.table({"runs": [asdict(found)]}))
    assert min(found.ratios["width 64"].values()) > 1
    assert min(found.ratios["width 64, TRL as it comes"].values()) > 1


def test_the_first_step_comes_before_trls(found):
    print("\n" + table.notes([asdict(found)]))
    assert found.starts["our first step"] < found.starts["TRL's first step"]
