"""Labels on disk: kept at each press, cut files mended, foreign files left alone, in TRL's form."""

import json
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlhf_lessons import files, locks
from rlhf_lessons.real import labels
from rlhf_lessons.real.labels import HEAD, Label, journal_of

A, B = "mine", "theirs"  # two windows


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.jsonl"


def label(question="Safe?", choice="1", window=A, answers=("yes .", "no .")) -> Label:
    return Label(window=window, question=question, answers=answers, choice=choice, source="a model")


def rows(path) -> list[dict]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def test_a_press_is_read_again_and_its_row_is_trls(path):
    first, second = label(), label("Really?", "2")
    assert labels.append(path, first) == [first]
    assert labels.append(path, second) == [first, second] == labels.read(path)
    assert rows(path) == labels.trl_rows([first, second])
    assert rows(path)[1] == {
        "prompt": [{"role": "user", "content": "Really?"}],
        "chosen": [{"role": "assistant", "content": "no ."}],
        "rejected": [{"role": "assistant", "content": "yes ."}],
    }


def test_ties_skips_and_pairs_shown_again_make_no_row():
    again = label(choice="1", answers=("no .", "yes ."))  # sides changed, and another opinion
    made = [label(), label("tie?", "tie"), label("skip?", "skip"), again, label("tie?", "1"), label("skip?", "2")]
    assert [row["prompt"][0]["content"] for row in labels.trl_rows(made)] == ["Safe?", "skip?"]
    assert [row["chosen"][0]["content"] for row in labels.trl_rows(made)] == ["yes .", "no ."]
    first, second = labels.opinions(made), labels.opinions(made, time=1)
    assert [*first.values()] == ["second", "tie", "first"] and [*second.values()] == ["first", "second"]
    assert made[0].pair == again.pair == ("Safe?", "no .", "yes .")


def test_undo_takes_back_the_last_of_its_own_window_alone(path):
    mine, theirs, later = label(), label("b"), label("c", window=B)
    for each in (mine, theirs, later):
        labels.append(path, each)
    assert labels.undo(path, A) == [mine, later]
    assert labels.undo(path, A) == [later] == labels.read(path)
    with pytest.raises(ValueError, match=r"^undo: this window has made no label that stands; those of other windows"):
        labels.undo(path, A)
    assert len(rows(path)) == 1 and labels.read(path) == [later]


def test_an_undo_of_another_windows_label_in_the_journal_counts_for_nothing(path):
    theirs = label(window=B)
    labels.append(path, theirs)
    undo = labels.Undo(window=A, undo=theirs.id)
    with journal_of(path).open("ab") as file:
        file.write(undo.model_dump_json().encode() + b"\n")
    assert labels.read(path) == [theirs]


TEXT = st.text(min_size=1, max_size=30)
PRESS = st.one_of(
    st.builds(
        lambda question, answers, choice, window: label(question, choice, window, tuple(answers)),
        TEXT, st.lists(TEXT, min_size=2, max_size=2, unique=True), st.sampled_from(["1", "2", "tie", "skip"]),
        st.sampled_from([A, B]),
    ),
    st.sampled_from([A, B]),
)  # fmt: skip


@given(st.lists(PRESS, max_size=6), PRESS.filter(lambda press: isinstance(press, Label)), st.integers(0, 10_000))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_pressed_stands_and_of_a_cut_journal_only_the_last_press_is_lost(
    tmp_path_factory, presses, last, cut
):
    path = tmp_path_factory.mktemp("cut") / "labels.jsonl"
    expected: list[Label] = []
    for press in presses:
        if isinstance(press, Label):
            expected = [*expected, press]
            assert labels.append(path, press) == expected
        elif own := [each for each in expected if each.window == press]:
            expected = [each for each in expected if each is not own[-1]]
            assert labels.undo(path, press) == expected
        assert labels.read(path) == expected
        assert not path.exists() or rows(path) == labels.trl_rows(expected)
    journal = journal_of(path)
    before = journal.read_bytes() if journal.exists() else b""
    training = path.read_bytes() if path.exists() else b""
    labels.append(path, last)
    whole = journal.read_bytes()
    kept = len(before) + cut % (len(whole) - len(before))
    journal.write_bytes(whole[:kept])  # killed while it wrote: the training file is that of the press before
    path.write_bytes(training)
    assert labels.read(path) == expected == labels.refresh(path)
    assert labels.append(path, last) == [*expected, last] and journal.read_bytes() == whole


def test_a_press_that_was_kept_before_a_kill_comes_into_the_training_file_later(path):
    labels.append(path, label())
    before = path.read_bytes()
    labels.append(path, label("b"))
    after = path.read_bytes()
    path.write_bytes(before)
    assert len(labels.refresh(path)) == 2 and path.read_bytes() == after


def test_where_nothing_was_labelled_nothing_is_made(path):
    assert labels.refresh(path) == labels.read(path) == [] and list(path.parent.iterdir()) == []


FOREIGN = {
    "a text in the journal's place": (".journal.jsonl", b"my notes"),
    "another journal": (".journal.jsonl", b'{"journal": "of mine"}\n'),
    "an edited line": (".journal.jsonl", HEAD + b'{"undo": 1}\n'),
    "a line that is no JSON": (".journal.jsonl", HEAD + b"\0\0\n"),
    "a training file of somebody else": (".jsonl", b'{"prompt": "a", "chosen": "b", "rejected": "c"}\n'),
    "a text in the training file's place": (".jsonl", b"my notes"),
}


@pytest.mark.parametrize("ending, content", FOREIGN.values(), ids=FOREIGN)
def test_a_file_that_is_not_ours_is_refused_in_one_line_and_left_as_it_is(path, ending, content):
    foreign = path.with_suffix(ending)
    foreign.write_bytes(content)
    for attempt in (lambda: labels.append(path, label()), lambda: labels.refresh(path), lambda: labels.undo(path, A)):
        with pytest.raises(ValueError, match=r"^file: '.*left as it is[^\n]*$"):
            attempt()
    assert {each.name: each.read_bytes() for each in path.parent.iterdir() if each.suffix != ".lock"} == {
        foreign.name: content
    }


def test_rows_that_somebody_added_to_the_training_file_are_not_lost(path):
    labels.append(path, label())
    added = path.read_bytes() + b'{"prompt": "a", "chosen": "b", "rejected": "c"}\n'
    path.write_bytes(added)
    with pytest.raises(ValueError, match=r"has rows that its journal has not; it is left as it is"):
        labels.append(path, label("b"))
    assert path.read_bytes() == added and len(labels.read(path)) == 1


@pytest.mark.parametrize("name", ["labels.csv", "labels", "labels.journal.jsonl"])
def test_a_training_file_ends_in_jsonl(tmp_path, name):
    with pytest.raises(ValueError, match=r"^file: .* is not allowed; its name must end in \.jsonl, not \.journal"):
        labels.read(tmp_path / name)


def test_a_press_that_does_not_fit_on_the_disk_has_not_happened(path, monkeypatch):
    first = label()
    labels.append(path, first)
    before = {each: each.read_bytes() for each in (path, journal_of(path))}
    monkeypatch.setattr(files, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left on device"):
        labels.append(path, label("b"))
    assert {each: each.read_bytes() for each in before} == before and labels.read(path) == [first]


def test_who_finds_the_file_held_by_another_window_is_told_so(path, monkeypatch):
    monkeypatch.setattr(labels, "PATIENCE", 0.05)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with locks.hold(path.with_suffix(".lock")):
            held.set()
            done.wait(30)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(30)
    with pytest.raises(TimeoutError, match=r"has been held by another window for 0\.05 s; press again"):
        labels.append(path, label())
    done.set()
    other.join()


def test_a_colleagues_training_file_says_what_their_journal_says_but_for_ties(path):
    for each in (label(), label("tie?", "tie"), label("c", "2"), label("skip", "skip")):
        labels.append(path, each)
    journal = labels.read_opinions(journal_of(path))
    assert journal == {
        ("Safe?", "no .", "yes ."): "second",
        ("tie?", "no .", "yes ."): "tie",
        ("c", "no .", "yes ."): "first",
    }
    assert labels.read_opinions(path) == {pair: said for pair, said in journal.items() if said != "tie"}
    path.write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n')
    with pytest.raises(ValueError, match=r"^file: '.*labels\.jsonl', line 1 is no label \(.*\); it is left as"):
        labels.read_opinions(path)
    with pytest.raises(OSError):
        labels.read_opinions(path.with_name("nowhere.journal.jsonl"))


def test_the_default_place_is_beside_what_a_learner_has_done(monkeypatch, tmp_path):
    monkeypatch.setenv("RLHF_LESSONS_PROGRESS", str(tmp_path / "progress"))
    assert labels.default_path() == tmp_path / "progress" / "labels" / "labels.jsonl"
