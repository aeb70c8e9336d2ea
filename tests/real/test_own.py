"""A head of the learner's own labels; the network's features are stood in for."""

import json

import pytest
import torch

from rlhf_lessons.real import own

MODEL = object()
PAIRS = 40


def said(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


@pytest.fixture
def labels(tmp_path):
    """A training file of so many pairs, in TRL's form."""

    def write(n):
        rows = [
            {"prompt": said("user", f"{k}?"), "chosen": said("assistant", "yes"), "rejected": said("assistant", "no")}
            for k in range(n)
        ]
        path = tmp_path / "labels.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return path

    return write


@pytest.fixture
def width(monkeypatch):
    """Features are noise of this width, and the first of them, on request, says which answer was chosen."""

    def use(width: int, tells: bool = False) -> None:
        def features(model, texts):
            assert model is MODEL and all([turn["role"] for turn in text] == ["user", "assistant"] for text in texts)
            found = torch.randn(len(texts), width, generator=torch.Generator().manual_seed(len(texts[0][1]["content"])))
            if tells:
                found[:, 0] = torch.tensor([10.0 if text[1]["content"] == "yes" else -10.0 for text in texts])
            return found

        monkeypatch.setattr(own, "features", features)

    return use


def test_too_few_labels_and_no_model_are_told(labels, tmp_path):
    assert own.told(None, tmp_path / "none.jsonl").startswith("You have labelled 0 pairs; a head needs 20 at least.")
    assert own.told(MODEL, labels(own.FEWEST - 1)).startswith("You have labelled 19 pairs; a head needs 20 at least.")
    assert own.told(None, labels(own.FEWEST)).endswith("needs a real model: `make real`.")


def test_what_the_features_tell_is_found_in_every_pair(labels, width):
    width(4, tells=True)
    assert own.told(MODEL, labels(PAIRS)).startswith("100.0% (91.2% to 100.0%) of your 40 pairs")


def test_no_pair_is_ranked_by_a_head_that_saw_it(labels, width):
    """A head of more weights than pairs ranks all that it saw right, whatever the features."""
    width(10 * PAIRS)
    assert not own.told(MODEL, labels(PAIRS)).startswith("100")
