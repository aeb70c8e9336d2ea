"""What the notebook shows without a model, and what a machine that has one would measure."""

import json
import math

import pytest

from rlhf_lessons.real import choosing, lora, ranking, study, tokens
from rlhf_lessons.real.model import NoModelError
from rlhf_lessons.world.annotators import curated_pairs


@pytest.fixture
def without_model(monkeypatch):
    def load(folder):
        raise NoModelError("model: none is here")

    monkeypatch.setattr(study, "load", load)


def test_without_a_model_the_kept_results_are_shown_and_told(without_model, capsys):
    kept = study.begin("", seed=3)
    assert capsys.readouterr().out == "model: none is here\n"
    assert str(kept).startswith("Without a real model, this is what was kept. Made on 20")
    with pytest.raises(NoModelError):
        study.begin("a/folder", seed=3)


def test_every_part_is_kept_and_says_what_the_notebook_reads(without_model):
    kept = study.begin("", seed=0)
    found = {measure: kept(measure) for measure in study.PARTS}
    accuracy = found[ranking.ranking]["accuracy"]
    assert {ranking.HEAD, ranking.TOY_HEAD, ranking.TOY, ranking.WORDS, ranking.LONGER, ranking.FULL} == accuracy.keys()
    assert found[choosing.with_truth]["safe"].keys() == accuracy.keys()
    assert found[choosing.without_truth].keys() == set(choosing.QUESTIONS)
    assert all(len(one["answers"]) == len(one["scores"]) == 16 for one in found[choosing.without_truth].values())
    assert "".join(found[tokens.reading]["pieces"]) in found[tokens.reading]["written"]
    assert set(lora.changes(found[lora.short_dpo])) == {lora.LEARNED, lora.NEW}
    numbers = json.dumps(list(found.values()))
    assert "NaN" not in numbers and "Infinity" not in numbers


def test_what_needs_no_model_is_as_it_was_kept(without_model):
    kept = study.begin("", seed=0)(ranking.ranking)
    held_out = curated_pairs(ranking.HELD_OUT, "held_out")
    facts = [pair for pair in held_out if not ranking.manner_tells(pair)]
    assert kept["pairs"] == {ranking.ALL: 300, ranking.MANNER: 300 - len(facts), ranking.FACTS: len(facts)}
    words = ranking.bag(curated_pairs(ranking.TRAIN, "train", seed=0))
    for name, judge in {ranking.WORDS: words, ranking.LONGER: ranking.length}.items():
        assert math.isclose(kept["accuracy"][name][ranking.FACTS], ranking.ranks(judge, facts), abs_tol=0.01)
