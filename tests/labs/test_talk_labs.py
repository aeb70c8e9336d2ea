"""Chat and labelling without a browser: what the page is told, what it may do, with a stand-in for the model."""

import json
import threading

import pytest

from rlhf_lessons import progress
from rlhf_lessons.labs import chat, label_pairs
from rlhf_lessons.labs.frame.turns import turn
from rlhf_lessons.real import labels
from rlhf_lessons.real.kept_answers import PAIRS, WARNING, answer_pairs, conversation

NO_SECONDS = 30  # in which nothing takes so long


class Parrot:
    """Says one word after another: as many as are asked for, or without end until it is told to stop."""

    name = "parrot"

    def __init__(self, endless: bool = False, words: tuple[str, ...] = ("yes", "no")):
        self.endless, self.words = endless, words
        self.spoke, self.asked, self.pieces = threading.Event(), [], 0

    def answer(self, messages, max_new_tokens, temperature, seed, on_piece):
        self.asked.append((messages, max_new_tokens, temperature, seed))
        said = ""
        while self.endless or self.pieces < max_new_tokens:
            self.pieces += 1
            said += "word "
            if on_piece("word "):
                break
            self.spoke.set()
        return said.strip()

    def answers(self, question, n, max_new_tokens, temperature, seed):
        self.asked.append(question)
        return [f"{word} {seed}" for word in self.words]


def done(panel) -> dict:
    panel.thread.join(NO_SECONDS)
    assert not panel.thread.is_alive()
    return panel.view.state


def test_it_answers_and_remembers_what_was_said():
    model = Parrot()
    panel = chat.show(model, seed=7)
    panel.receive({"do": "say", "text": " Hello ", "temperature": "0", "max_new_tokens": "3", "n": 5})
    state = done(panel)
    assert state["messages"] == [
        {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "word word word"}
    ]  # fmt: skip
    assert state["status"].startswith("Answered in ") and state["answered"] == 5 and state["message"] == ""
    panel.receive({"do": "say", "text": "And?"})
    done(panel)
    assert model.asked[1][0][:2] == state["messages"] and [asked[1:] for asked in model.asked] == [
        (3, 0.0, 8),
        (3, 0.0, 10),
    ]
    assert progress.find("lab", "chat") == {"used": 1}
    panel.receive({"do": "anew"})
    assert panel.messages == []


def test_stop_ends_it_within_a_token_and_keeps_what_was_said():
    model = Parrot(endless=True)
    panel = chat.show(model)
    panel.receive({"do": "say", "text": "Hello"})
    assert model.spoke.wait(NO_SECONDS)
    panel.receive({"do": "say", "text": "Are you there?"})
    assert panel.view.state["message"] == "an answer is being drawn; wait for it or press Stop first"
    panel.receive({"do": "stop"})
    pieces = model.pieces
    state = done(panel)
    assert model.pieces <= pieces + 1 and not state["running"] and state["status"] == "Stopped."
    assert state["messages"][1]["content"].split() == ["word"] * model.pieces


def test_while_another_lab_has_its_turn_it_waits_and_can_be_stopped():
    panel = chat.show(Parrot())
    with turn(threading.Event(), lambda: None):
        panel.receive({"do": "say", "text": "Hello"})
        panel.receive({"do": "stop"})
        state = done(panel)
    assert state["messages"] == [] and state["status"] == "Stopped. There was no answer; your message is taken back."


def test_a_model_that_fails_is_told_and_found_by_who_reruns_the_notebook(monkeypatch):
    model = Parrot()
    monkeypatch.setattr(model, "answer", lambda *_, **__: 1 / 0)
    panel = chat.show(model)
    panel.receive({"do": "say", "text": "Hello"})
    assert done(panel)["message"] == "This does not work: division by zero (ZeroDivisionError)"
    assert [error["ename"] for error in panel.view.errors] == ["ZeroDivisionError"]


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"text": "  "}, "your message: 0 characters are not allowed; it must have 1 to 2000"),
        ({"text": "a" * 2001}, "your message: 2001 characters are not allowed; it must have 1 to 2000"),
        ({"text": "a", "temperature": "hot"}, "temperature: 'hot' is not allowed; it must be a number from 0 to 5"),
        ({"text": "a", "max_new_tokens": "0"}, "max new tokens: 0 is not allowed; it must be a whole number from 1 to"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused_in_one_line(given, refused):
    panel = chat.show(Parrot())
    panel.receive({"do": "say", **given})
    assert panel.view.state["message"].startswith(refused) and panel.messages == [] and panel.thread is None


def test_without_a_model_a_kept_conversation_is_shown_and_how_to_get_one():
    panel, (name, messages) = chat.show(), conversation()
    assert name in panel.title and panel.view.state["messages"] == messages and len(messages) >= 4
    assert "`make real`" in panel.view.state["status"] and not panel.view.spec["live"]
    panel.receive({"do": "say", "text": "Hello"})
    assert panel.view.state["message"].startswith("do: 'say' is not allowed")
    assert WARNING in panel.page and panel.view.spec["note"] == WARNING
    named = chat.show(Parrot())
    assert named.page == panel.page, "a page is the same, whatever the machine has that made it"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "labels.jsonl"


def press(panel, *choices: str) -> dict:
    for choice in choices:
        panel.receive({"do": "label", "choice": choice, "number": panel.view.state["number"]})
    return panel.view.state


def test_each_press_is_on_the_disk_and_the_next_window_goes_on(file):
    panel = label_pairs.show(file=file)
    first = panel.shown
    state = press(panel, "1", "tie", "2")
    assert [label.choice for label in labels.read(file)] == ["1", "tie", "2"]
    assert state["progress"] == "3 labelled, 0 repeated" and state["status"] == "Answer 2 is better. Kept."
    assert json.loads(file.read_text().splitlines()[0])["chosen"][0]["content"] == first.answers[0]
    again = label_pairs.show(file=file)
    assert again.shown == panel.shown and again.view.state["progress"] == "3 labelled, 0 repeated"
    panel.receive({"do": "undo"})
    assert again.view.state["can_undo"] is False and panel.shown.question != again.shown.question
    again.receive({"do": "undo"})
    assert again.view.state["message"].startswith("undo: this window has made no label that stands")
    assert press(again, "skip")["progress"] == "2 labelled, 0 repeated", "it sees what the other took back"
    assert len(labels.read(file)) == 3 and progress.find("lab", "label_pairs") == {"used": 2}


def test_a_second_press_for_the_same_pair_counts_for_nothing(file):
    panel = label_pairs.show(file=file)
    number = panel.view.state["number"]
    for _ in range(2):
        panel.receive({"do": "label", "choice": "1", "number": number})
    assert len(labels.read(file)) == 1


def test_a_press_that_cannot_be_kept_says_so_in_one_line_and_the_pair_stays(file, monkeypatch):
    panel = label_pairs.show(file=file)
    panel.receive({"do": "undo"})
    shown = panel.shown

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(label_pairs.labels.files, "replace", full)
        state = press(panel, "1")
    assert state["message"] == f"This press is not kept: No space left on device ({str(file)!r})"
    assert panel.shown == shown and state["progress"] == "0 labelled, 0 repeated" and labels.read(file) == []
    assert press(panel, "1")["message"] == "" and len(labels.read(file)) == 1


def test_pairs_come_again_and_a_colleagues_pairs_come_first(file, tmp_path):
    other = tmp_path / "other.jsonl"
    theirs = label_pairs.show(file=other, seed=1)
    press(theirs, *"12")
    press(theirs, "tie")
    panel = label_pairs.show(file=file, colleague=labels.journal_of(other))
    state = press(panel, *"111111")
    assert state["progress"] == "5 labelled, 1 repeated"
    asked = [label.pair for label in labels.read(file)]
    assert asked[:3] == [label.pair for label in labels.read(other)] and asked[5] == asked[0]
    with_self, with_colleague = state["agreement"]
    assert with_self == "Agreement with yourself: 0 of 1 alike, too few for kappa, which takes 10."
    assert with_colleague.startswith("Agreement with your colleague: ") and " of 3 alike" in with_colleague


def test_a_foreign_file_ends_the_cell_in_one_line(file):
    file.write_text("my notes\n")
    with pytest.raises(ValueError, match=r"^file: .* has rows that its journal has not[^\n]*$"):
        label_pairs.show(file=file)


def test_with_a_model_the_next_pair_is_made_meanwhile_and_an_own_prompt_comes_next(file):
    model = Parrot()
    panel = label_pairs.show(model, file=file)
    assert panel.thread is None and panel.shown.question == answer_pairs()[0].question, "nothing waits for the model"
    press(panel, "1")
    done(panel)
    press(panel, "1")
    assert panel.shown.source == "parrot"
    done(panel)
    panel.receive({"do": "ask", "text": " My own? "})
    assert done(panel)["making"] == ""
    press(panel, "2")
    assert panel.shown.question == "My own?" and sorted(word.split()[0] for word in panel.shown.answers) == [
        "no",
        "yes",
    ]
    panel.receive({"do": "ask", "text": ""})
    assert panel.view.state["message"] == "your prompt: 0 characters are not allowed; it must have 1 to 500"


def test_a_model_that_says_the_same_twice_is_told(file):
    panel = label_pairs.show(Parrot(words=("yes", "yes")), file=file)
    panel.receive({"do": "ask", "text": "Why?"})
    assert done(panel)["message"] == "The model has no two answers to 'Why?'." and panel.made == []


def test_the_page_without_a_kernel_shows_the_pair_and_says_what_it_is(file):
    panel = label_pairs.show(file=file)
    page = panel._bundle["text/html"]
    assert 'class="rlhf-talked"' in page and WARNING in page and "Run this cell to make it live" in page
    assert 'class="rlhf-still"' not in page, "the tests of labs with a picture leave it alone"


def test_the_kept_pairs_differ_are_not_empty_and_say_where_they_come_from():
    pairs = answer_pairs()
    assert len({pair.question for pair in pairs}) == len(pairs) == 40
    assert all(pair.answers[0] != pair.answers[1] and all(pair.answers) for pair in pairs)
    label = json.loads(PAIRS.read_text(encoding="utf-8").splitlines()[0])["label"]
    assert set(label) == {"model", "settings", "made", "by", "note"} and label["note"] == WARNING
