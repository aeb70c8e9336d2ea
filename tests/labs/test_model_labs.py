"""The training labs, each with a tiny model and a few steps; what they teach is measured elsewhere."""

import math

import pytest

from rlhf_lessons.labs import ppo, pretraining, reward_model, sft
from rlhf_lessons.labs.frame.conversation import Conversation
from rlhf_lessons.labs.frame.curves import Training
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.stages.language_model import evaluate
from rlhf_lessons.world.annotators import best_possible, curated_pairs
from rlhf_lessons.world.datasets import demonstrations, encode_notes
from rlhf_lessons.world.tokenizer import course_tokenizer

LABS = (pretraining, sft, reward_model, ppo)


@pytest.fixture
def tiny() -> GPT:
    return GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=8), seed=0)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(reward_model, "STEPS", 10)
    monkeypatch.setattr(reward_model, "TUNING_PAIRS", 10)
    monkeypatch.setattr(sft, "CHECK_NOTES", 10)
    monkeypatch.setattr(sft, "ANSWERS_EACH", 1)
    monkeypatch.setattr(ppo, "ROLLOUT", 8)
    monkeypatch.setattr(pretraining, "CHECK_NOTES", 10)


def run(lab, tiny: GPT, **changes):
    small = {
        pretraining: {"n_notes": 20, "width": 8, "steps": 10},
        sft: {"n_demonstrations": 10, "steps": 5, "body": tiny},
        reward_model: {"n_pairs": 4, "body": tiny},
        ppo: {"updates": 2, "reward_model": "gold", "sft": tiny},
    }
    return lab.compute(**(small[lab] | changes))


@pytest.mark.parametrize("lab", LABS)
def test_it_computes_draws_and_speaks(lab, tiny, draw_small, check_verdict):
    result = run(lab, tiny)
    for ax in draw_small(lab, result).panels:
        assert any(line.get_visible() and len(line.get_xdata()) > 1 for line in ax.lines)
    check_verdict(lab.verdict(result))
    if lab.LAB.text:
        assert lab.text(result).splitlines()[0].split()[0] in ("safe", "UNSAFE", "Alarms:")


@pytest.mark.parametrize("lab", LABS)
def test_the_same_seed_gives_the_same_run(lab, tiny):
    assert run(lab, tiny).records == run(lab, tiny).records
    assert run(lab, tiny).records != run(lab, tiny, seed=1).records


@pytest.mark.parametrize("lab", LABS)
def test_every_live_state_can_be_drawn_and_the_first_is_too_early(lab, tiny, draw_small, check_verdict):
    shares, words = [], []

    def watch(result, done: float) -> None:
        shares.append(done)
        draw_small(lab, result)
        words.append(check_verdict(lab.verdict(result)).word)

    run(lab, tiny, watch=watch)
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == 1
    assert words[0] == "too early to say"


@pytest.mark.parametrize("lab", LABS)
def test_presets_are_allowed_and_the_question_has_an_answer(lab, tiny, check_lab):
    check_lab(lab)
    assert lab.LAB.question.number_format.format(lab.LAB.question.answer(run(lab, tiny)))


@pytest.mark.parametrize("lab", (pretraining, sft, ppo))
def test_cards_show_what_was_said_before_training_and_now(lab, tiny):
    result = run(lab, tiny, learning_rate=0.01)
    cards = lab.LAB.cards(result)
    assert len({card.prompt for card in cards}) == 3
    assert any(card.before != card.after for card in cards)
    assert {tuple(bar.name for bar in card.bars) for card in cards} == {
        ("judge", "truth") if lab is ppo else ("truth",)
    }


@pytest.mark.parametrize("lab", (sft, reward_model, ppo))
def test_the_model_it_starts_from_is_left_alone(lab, tiny):
    notes = encode_notes(course_tokenizer(), demonstrations(10))
    before = evaluate(tiny, notes, answers_only=True)
    run(lab, tiny)
    assert evaluate(tiny, notes, answers_only=True) == before


def test_a_saturated_head_learns_nothing(tiny):
    assert reward_model.verdict(run(reward_model, tiny, bound="tanh", reward_offset=10.0)).word == "nothing learned"


def test_the_best_possible_is_that_of_the_tuning_pairs(tiny):
    """As far as people disagree on them; the verdict tells it beside what was reached."""
    result = run(reward_model, tiny, seed=3)
    assert result.best == best_possible(curated_pairs(10, "tuning", seed=3))
    assert f"best possible on new ones: {result.best.accuracy:.0%}" in reward_model.verdict(result).sentence


def test_a_rate_of_nearly_nothing_stays_at_chance(tiny):
    assert pretraining.verdict(run(pretraining, tiny, learning_rate=1e-6, steps=20)).word == "at chance"


@pytest.mark.parametrize(
    ("last", "fresh", "word"), [(1.2, 1.3, "learning"), (0.2, 2.0, "learned by heart"), (math.nan, 9.0, "at chance")]
)
def test_pretraining_is_judged_by_fresh_notes(last, fresh, word, tiny):
    records = [{"loss": last, "held_out_loss": fresh}] * 20
    result = pretraining.Pretraining(n_steps=20, said=Conversation(tiny), vocab_size=300, records=records)
    assert pretraining.verdict(result).word == word


@pytest.mark.parametrize(("after", "word"), [(0.9, "it helps"), (0.82, "changes little"), (0.3, "it harms")])
def test_sft_is_judged_by_what_safety_gained(after, word, tiny):
    records = [{"safety": safety, "held_out_loss": 1.0} for safety in (0.8, 0.5, after)]
    verdict = sft.verdict(sft.FineTuning(n_steps=2, said=Conversation(tiny), records=records))
    assert verdict.word == word and verdict.figures["safe answers"] == f"80% → {after:.0%}"


@pytest.mark.parametrize(
    ("scores", "safety", "word"),
    [
        ((0, 2), (0.8, 0.95), "healthy"),
        ((0, 2), (0.8, 0.04), "over-optimised"),
        ((0, 2), (0.8, 0.8), "no safer"),
        ((0, 0), (0.8, 0.8), "hardly moving"),
        ((0, -1), (0.8, 0.2), "collapsed"),
    ],
)
def test_ppo_is_judged_by_what_follows_the_score(scores, safety, word, check_verdict):
    records = [
        {"step": n, "score": scores[half], "safety": safety[half], "kl": 1.0}
        for n, half in enumerate((0, 0, 0, 0, 1, 1, 1))
    ]
    verdict = check_verdict(ppo.verdict(Training(6, records)))
    assert verdict.word == word
    assert verdict.figures["safe answers"] == f"{safety[0]:.0%} → {safety[1]:.0%}"
    assert ("No alarm sees it." in verdict.sentence) == (word in ("over-optimised", "collapsed"))
    assert ppo.verdict(Training(6, records[:-1])).word == "too early to say"


def test_widths_that_four_heads_do_not_divide_work_too(tiny):
    assert len(run(pretraining, tiny, width=9).records) == 10
