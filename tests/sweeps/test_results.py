"""Results are found again by their key: in the cache, among those that ship with the course, or measured anew."""

import math

import pandas as pd
import pytest

from rlhf_lessons import store
from rlhf_lessons.keys import Key
from rlhf_lessons.sweeps import results

KEY = Key("a", {"x": 1}, "code", (), (Key("p", {}, "c"),))


@pytest.fixture(autouse=True)
def places(monkeypatch, tmp_path):
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(results.REMAKE_VARIABLE, raising=False)
    monkeypatch.setattr(results, "FOLDER", tmp_path / "shipped")
    results.shipped.cache_clear()
    yield
    results.shipped.cache_clear()


@pytest.fixture
def ask():
    """Asks for the result of a key; every measurement gives one more than the last."""
    calls = []

    def ask(key=KEY, remake=False):
        def measure():
            calls.append(key)
            return {"n": len(calls)}

        return results.remembered(key, measure, remake)["n"]

    return ask


def test_only_the_same_name_settings_parents_and_code_are_remembered(ask):
    assert [ask(), ask()] == [1, 1]
    others = [Key("b", {"x": 1}, "code"), Key("a", {"x": 2}, "code"), Key("a", {"x": 1}, "code")]
    others += [Key("a", {"x": 1}, "other code", (), KEY.parents)]
    assert [ask(key) for key in others] == [2, 3, 4, 5]
    assert [ask(remake=True), ask()] == [6, 6]


def test_what_is_remembered_is_what_was_measured_the_first_time_too():
    def measure():
        return {"pair": (1, 2.5), 3: math.nan}

    first, again = results.remembered(KEY, measure), results.remembered(KEY, measure)
    assert first["pair"] == again["pair"] == [1, 2.5] and set(first) == set(again) == {"pair", "3"}


def test_a_damaged_result_is_noticed_and_measured_again(ask, tmp_path):
    ask()
    (meta,) = (tmp_path / "home").rglob("meta.json")
    meta.write_text(meta.read_text().replace('"n": 1', '"n": 99'))
    with pytest.warns(store.CorruptCacheWarning, match="a will be made again"):
        assert ask() == 2


def test_a_shipped_result_counts_for_its_key_alone_and_not_when_all_is_remade(ask, monkeypatch):
    results.ship({"a": {KEY.fingerprint: {"key": KEY.as_dict(), "result": {"n": 1234567.89}}}})
    assert ask() == 1234570, "numbers are kept to six digits"
    assert ask(Key("a", {"x": 2}, "code")) == 1
    assert ask(remake=True) == 2
    monkeypatch.setenv(results.REMAKE_VARIABLE, "1")
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(results.FOLDER.parent / "another home"))
    assert ask() == 3


def test_shipped_results_of_another_code_are_named(monkeypatch):
    monkeypatch.setattr(results, "SHIPPED", ("a", "b"))
    assert results.stale() == ["a: 0 of 0", "b: 0 of 0"]
    current = Key.of("a", {}, [results.ship])
    entries = {key.fingerprint: {"key": key.as_dict(), "result": {}} for key in (KEY, current)}
    results.ship({"a": entries, "b": {current.fingerprint: entries[current.fingerprint]}})
    results.shipped.cache_clear()
    assert results.stale() == ["a: 1 of 2"]


def test_the_same_results_make_the_same_file():
    entry = {KEY.fingerprint: {"key": KEY.as_dict(), "result": {"n": 1}}}
    files = []
    for _ in range(2):
        results.ship({"a": entry})
        files.append((results.FOLDER / "a.json.gz").read_bytes())
    assert files[0] == files[1]


def test_a_table_as_columns():
    assert results.columns(pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})) == {"a": [1, 2], "b": [0.5, 1.5]}
