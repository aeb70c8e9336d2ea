"""The training labs, each with a tiny model and a few steps; what they teach is measured elsewhere."""

import pytest

from rlhf_lessons.labs import ppo, pretraining, reward_model, sft
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
def test_it_computes_draws_and_speaks(lab, tiny):
    result = run(lab, tiny)
    canvas = lab.LAB.canvas()
    canvas.begin()
    lab.draw(result, canvas)
    canvas.render()
    for ax in canvas.panels:
        assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title(loc="left")
        assert any(line.get_visible() and len(line.get_xdata()) > 1 for line in ax.lines)
    assert lab.verdict(result).endswith(".") and "nan" not in lab.verdict(result)
    if lab.LAB.text:
        assert lab.text(result).splitlines()[0].split()[0] in ("safe", "UNSAFE", "Alarms:")


@pytest.mark.parametrize("lab", LABS)
def test_the_same_seed_gives_the_same_run(lab, tiny):
    assert run(lab, tiny).records == run(lab, tiny).records
    assert run(lab, tiny).records != run(lab, tiny, seed=1).records


@pytest.mark.parametrize("lab", LABS)
def test_every_live_state_can_be_drawn(lab, tiny):
    shares, canvas = [], lab.LAB.canvas()

    def watch(result, done: float) -> None:
        shares.append(done)
        canvas.begin()
        lab.draw(result, canvas)
        assert lab.verdict(result)

    run(lab, tiny, watch=watch)
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == 1


@pytest.mark.parametrize("lab", LABS)
def test_presets_are_allowed_and_the_question_has_an_answer(lab, tiny, check_presets):
    check_presets(lab)
    assert lab.LAB.question.number_format.format(lab.LAB.question.answer(run(lab, tiny)))


@pytest.mark.parametrize("lab", (sft, reward_model, ppo))
def test_the_model_it_starts_from_is_left_alone(lab, tiny):
    notes = encode_notes(course_tokenizer(), demonstrations(10))
    before = evaluate(tiny, notes, answers_only=True)
    run(lab, tiny)
    assert evaluate(tiny, notes, answers_only=True) == before


def test_a_saturated_head_learns_nothing(tiny):
    result = run(reward_model, tiny, bound="tanh", reward_offset=10.0)
    assert "it has not learned" in reward_model.verdict(result)


def test_the_best_possible_is_that_of_the_tuning_pairs(tiny):
    """As far as people disagree on them; the verdict tells it beside what was reached."""
    result = run(reward_model, tiny, seed=3)
    assert result.best == best_possible(curated_pairs(10, "tuning", seed=3))
    assert f"best possible: {result.best.accuracy:.0%}" in reward_model.verdict(result)


def test_a_rate_of_nearly_nothing_stays_at_chance(tiny):
    assert "it sits at chance" in pretraining.verdict(run(pretraining, tiny, learning_rate=1e-6))


@pytest.mark.parametrize(
    ("scores", "safety", "says"),
    [
        ((0, 2), (0.8, 0.95), "leads the right way"),
        ((0, 2), (0.8, 0.4), "games the reward model"),
        ((0, 2), (0.8, 0.8), "has not clearly moved"),
        ((0, 0), (0.8, 0.8), "nothing to climb"),
    ],
)
def test_ppo_is_judged_by_what_follows_the_score(scores, safety, says):
    records = [{"score": scores[half], "safety": safety[half], "kl": 1.0} for half in (0, 0, 0, 1, 1, 1)]
    assert says in ppo.verdict(Training(6, records))


def test_widths_that_four_heads_do_not_divide_work_too(tiny):
    assert len(run(pretraining, tiny, width=9).records) == 10
