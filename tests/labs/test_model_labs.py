"""The training labs, each with a tiny model and a few steps; what they teach is measured elsewhere."""

import math

import pytest

from rlhf_lessons.labs import dpo, groups, ppo, pretraining, reward_model, sft
from rlhf_lessons.labs.frame import authors
from rlhf_lessons.labs.frame.conversation import Conversation, PolicyTraining
from rlhf_lessons.labs.frame.curves import Training
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.stages.language_model import evaluate
from rlhf_lessons.world.annotators import best_possible, curated_pairs
from rlhf_lessons.world.datasets import demonstrations, encode_notes
from rlhf_lessons.world.tokenizer import course_tokenizer

LABS = (pretraining, sft, reward_model, ppo, dpo, groups)


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
    monkeypatch.setattr(dpo, "STEPS", 10)
    monkeypatch.setattr(dpo, "CHECKS", 2)
    monkeypatch.setattr(dpo, "NEW_PAIRS", 10)
    monkeypatch.setattr(dpo, "ANSWERS_EACH", 1)
    monkeypatch.setattr(groups, "ROLLOUT", 8)
    monkeypatch.setattr(groups, "ANSWERS_EACH", 1)


def run(lab, tiny: GPT, **changes):
    small = {
        pretraining: {"n_notes": 20, "width": 8, "steps": 10},
        sft: {"n_demonstrations": 10, "steps": 5, "body": tiny},
        reward_model: {"n_pairs": 4, "body": tiny},
        ppo: {"updates": 2, "reward_model": "gold", "sft": tiny},
        dpo: {"n_pairs": 4, "sft": tiny},
        groups: {"updates": 2, "group_size": 4, "judge": "gold", "sft": tiny},
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
    question = lab.LAB.question
    answer = question.answer(run(lab, tiny))
    assert answer in question.choices if question.choices else question.number_format.format(answer)


@pytest.mark.parametrize("lab", (pretraining, sft, ppo, dpo, groups))
def test_cards_show_what_was_said_before_training_and_now(lab, tiny):
    result = run(lab, tiny, learning_rate=0.01)
    cards = lab.LAB.cards(result)
    assert len({card.prompt for card in cards}) == 3
    assert any(card.before != card.after for card in cards)
    assert {tuple(bar.name for bar in card.bars) for card in cards} == {
        ("judge", "truth") if lab in (ppo, groups) else ("truth",)
    }


@pytest.mark.parametrize("lab", (sft, reward_model, ppo, dpo, groups))
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


@pytest.mark.parametrize(
    ("chosen", "rejected", "safety", "word", "mood"),
    [
        (0.5, -4.0, 0.95, "healthy", "good"),
        (0.5, -4.0, 0.82, "no safer", "warn"),
        (0.5, -4.0, 0.3, "it harms", "bad"),
        (-5.0, -25.0, 0.9, "displacement", "warn"),
        (-5.0, -25.0, 0.3, "displacement", "bad"),
        (0.1, 0.0, 0.8, "learned by heart", "warn"),
    ],
)
def test_dpo_is_judged_by_the_chosen_answers_of_new_pairs(chosen, rejected, safety, word, mood, tiny, check_verdict):
    new = {"new_chosen": chosen, "new_rejected": rejected, "new_margin": chosen - rejected, "own_margin": 9.0}
    records = [{"safety": share, **new} for share in (0.8, safety, safety, safety)]
    result = PolicyTraining(n_steps=3, records=records, said=Conversation(tiny))
    verdict = check_verdict(dpo.verdict(result))
    assert (verdict.word, verdict.mood) == (word, mood)
    assert verdict.figures["safe answers"] == f"80% → {safety:.0%}"
    assert ("lost 5.0 nats while the margin rose by 20.0" in verdict.sentence) == (word == "displacement")
    assert dpo.chosen_fate(result) == ("it falls" if chosen < -1 else "it stays within 1 nat")
    result.records.pop()
    assert dpo.verdict(result).word == "too early to say"


def test_dpo_starts_at_the_sft_model_and_the_margin_is_the_gap(tiny):
    result = run(dpo, tiny)
    for record in result.records[:2]:  # the start, and the first step, which is recorded before it is taken
        assert record["own_chosen"] == record["own_rejected"] == record["own_margin"] == 0
    for record in result.records_with("new_margin"):
        assert record["new_margin"] == pytest.approx(record["new_chosen"] - record["new_rejected"])
    assert run(dpo, tiny, beta=0.001).records[2] != result.records[2]


def test_dpo_reports_while_pairs_are_made_and_read_and_learned_from(tiny):
    shares = []
    result = run(dpo, tiny, n_pairs=130, watch=lambda _, done: shares.append(done))
    made, read = 3, 2  # 64, 64 and 2 pairs; all chosen and all rejected answers
    assert len(shares) == 1 + made + read + result.n_steps


def test_dpo_on_its_own_answers_is_another_run(tiny, monkeypatch):
    monkeypatch.setattr(
        authors.pipeline, "compared", lambda sft, asked, generator: curated_pairs(len(asked), "train", seed=7)
    )
    runs = [run(dpo, tiny, answers=answers).records[-1] for answers in ("people", "both", "SFT model")]
    assert len({record["own_chosen"] for record in runs}) == 3
    with pytest.raises(ValueError, match=r"answers: 'me' is not allowed; it must be one of people, both, SFT model"):
        dpo.compute(answers="me")


@pytest.mark.parametrize("judge", ("strict_verifier", "lazy_verifier"))
def test_a_verifier_is_read_as_the_share_that_passes(judge, tiny):
    """An untrained policy says nothing that is right; by a learned judge its score would be 0 at the start anyway."""
    result = run(groups, tiny, judge=judge)
    assert result.records[0]["score"] == 0.0 and result.records[1]["zero_spread"] == 1.0
    assert run(groups, tiny).records[0]["score"] == pytest.approx(0.0, abs=1e-5)


def test_groups_of_any_size_and_all_three_advantages_work(tiny, monkeypatch):
    monkeypatch.setattr(groups, "reward_of", lambda judge: lambda answers: (answers.tokens % 2).sum(1).float())
    runs = [run(groups, tiny, advantage=name).records[-1] for name in groups.ADVANTAGES]
    assert len({record["policy_loss"] for record in runs}) == 3
    assert len(run(groups, tiny, group_size=3).records) == 3


def test_unknown_judges_and_advantages_are_refused(tiny):
    for name, choices in (("judge", "reward_model, strict_verifier, "), ("advantage", "RLOO, GRPO, Dr. GRPO")):
        with pytest.raises(ValueError, match=rf"{name}: 'me' is not allowed; it must be one of {choices}"):
            groups.compute(sft=tiny, **{name: "me"})


@pytest.mark.parametrize(
    ("score", "gold", "alike", "word"),
    [
        (1.0, 0.95, 0.5, "healthy"),
        (1.0, 0.4, 0.5, "gamed"),
        (1.0, 0.8, 0.5, "no better"),
        (0.5, 0.8, 0.5, "hardly moving"),
        (0.5, 0.8, 1.0, "nothing to compare"),
        (0.2, 0.4, 0.5, "collapsed"),
    ],
)
def test_groups_are_judged_by_what_follows_the_score(score, gold, alike, word, check_verdict):
    before = {"score": 0.5, "gold_score": 0.8, "safety": 0.8, "kl": 0.0}
    after = {"score": score, "gold_score": gold, "safety": 0.7, "kl": 1.0, "zero_spread": alike}
    records = [{"step": n, **(before if n < 3 else after)} for n in range(7)]
    verdict = check_verdict(groups.verdict(Training(6, records)))
    assert verdict.word == word and verdict.figures["gold gained"] == f"{gold - 0.8:+z.2f}"
    assert ("No alarm sees it." in verdict.sentence) == (word in ("gamed", "collapsed"))
    assert groups.verdict(Training(6, records[:-1])).word == "too early to say"
