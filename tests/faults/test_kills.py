"""Killed in the middle, whenever that is: what was stored before is whole, and what was not is made again."""

import pytest
import torch

from rlhf_lessons import cache, files, locks, pipeline, store
from tests.faults import victims

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("error::rlhf_lessons.store.CorruptCacheWarning")]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path))
    return tmp_path


def test_a_save_that_is_killed_is_whole_or_not_there(rounds, tally):
    found = 0
    for _ in victims.killed_at_random(victims.save_for_ever, rounds(10, 100), seed=0):
        stored = store.load("sft", victims.FINGERPRINT)
        if stored:
            found += 1
            assert stored.tensors["a"].shape == (victims.SIZE,)
            assert bool((stored.tensors["a"] == stored.meta["value"]).all())
        tally("kills survived")
    assert found, "no save ever came through: the kills came too early to say anything"


def test_what_killed_saves_leave_goes_with_the_next_save(home, rounds, tally):
    for _ in victims.killed_at_random(victims.save_for_ever, rounds(5, 50), seed=1):
        tally("kills survived")
    store.save("sft", victims.FINGERPRINT, {}, {})
    kept = {path.name for path in (home / f"sft-{victims.FINGERPRINT}").iterdir()} - {locks.SAVING}
    assert len(kept) == 2 and store.META in kept


def test_what_killed_saves_leave_is_listed_and_cleaned(home, rounds, tally):
    for _ in victims.killed_at_random(victims.save_for_ever, rounds(5, 50), seed=2):
        tally("kills survived")
    store.save("sft", victims.FINGERPRINT, {}, {"whole": True})
    folder = home / f"sft-{victims.FINGERPRINT}"
    half = [folder / f"{store.META}-0a{files.UNFINISHED}", folder / store.WEIGHTS.replace("*", "0" * 16)]
    for path in half:
        path.write_bytes(b"half")
    left = [entry for entry in cache.entries() if entry.state == cache.LEFT_OVER]
    assert {entry.path for entry in left} == set(half)
    with locks.hold(folder / locks.SAVING):
        assert cache.clean(left) == [], "another process may be saving just now"
    assert cache.clean(left) == left and store.leftovers(folder) == []
    assert store.load("sft", victims.FINGERPRINT).meta == {"whole": True}


def test_a_training_that_is_killed_is_made_again_and_is_the_same(home, rounds, tally, monkeypatch):
    for _ in victims.killed_at_random(victims.train_for_ever, rounds(6, 60), seed=3):
        tally("kills survived")
    again = pipeline.ensure("pretrained", progress=False, **victims.TINY)
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(home / "another"))
    undisturbed = pipeline.ensure("pretrained", progress=False, **victims.TINY)
    assert again.history.records == undisturbed.history.records
    pairs = zip(again.model.parameters(), undisturbed.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
