"""Labels drawn as Bradley and Terry say: what the doctor and the log reader make of perfect scorers and others."""

import numpy as np
import pytest

from rlhf_lessons.diagnostics.findings import CANNOT_TELL, HEALTHY
from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.reward_report import reward_report
from rlhf_lessons.plots.reward import report_picture
from rlhf_lessons.world.datasets import Pair

TEMPERATURE = 0.25
SEEDS = range(10)


class World:
    """N pairs of answers with gold scores from 0 to `spread`, labelled with probability sigma(gap / temperature)."""

    def __init__(self, seed, spread=1.0, n=800, name="q"):
        rng = np.random.default_rng(seed)
        both = np.round(rng.random((n, 2)) * spread, 1) / TEMPERATURE
        first_better = 1 / (1 + np.exp(both[:, 1] - both[:, 0]))
        likelier = np.maximum(first_better, 1 - first_better)
        self.ceiling = float(likelier.mean())
        self.best_loss = float(-(likelier * np.log(likelier) + (1 - likelier) * np.log(1 - likelier)).mean())
        first = [Pair(f"{name}{letters(i)} ?", f"a {i}", f"b {i}", "") for i in range(n)]
        self.rewards = {}
        for pair, (a, b) in zip(first, both, strict=True):
            self.rewards |= {(pair.prompt, pair.chosen): a, (pair.prompt, pair.rejected): b}
        right = rng.random(n) < first_better
        self.pairs = [pair if so else pair.swapped() for pair, so in zip(first, right, strict=True)]

    def learned(self):
        """The labels by heart: 4 for each chosen answer."""
        return {(p.prompt, p.chosen): 4.0 for p in self.pairs} | {(p.prompt, p.rejected): 0.0 for p in self.pairs}


def letters(number):
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def scoring(rewards):
    return lambda answers: [rewards[answer] for answer in answers]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("spread", [1.0, 0.7, 0.5])
def test_a_perfect_scorer_is_healthy_and_ready_if_the_ceiling_is_given(seed, spread):
    world, train = World(seed, spread), World(seed + 100, spread, name="t")
    given = {"train_pairs": train.pairs, "policy_pairs": train.pairs, "ceiling": world.ceiling}
    report = reward_report(scoring(world.rewards | train.rewards), world.pairs, **given)
    assert report.names == (HEALTHY,) and report.ready_for_ppo
    assert f"of {world.ceiling:.1%} that anybody could reach" in report.verdict
    assert report.cautions == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_ceiling_the_bar_is_that_of_labels_without_noise(seed):
    world = World(seed, spread=0.7)
    report = reward_report(scoring(world.rewards), world.pairs)
    assert not report.ready_for_ppo and "too low or too uncertain" in report.verdict
    (note,) = report.cautions
    assert "no ceiling was given" in note and "63% to 77%" in note and "75% to 87%" in note


def test_half_a_judge_is_too_weak_beside_any_ceiling():
    """It is right about every other pair and silent on the rest: 0.75 of the truth at best, with its interval less."""
    world = World(0, n=200)
    half = {key: reward if i // 2 % 2 else 0.0 for i, (key, reward) in enumerate(world.rewards.items())}
    report = reward_report(scoring(half), world.pairs, ceiling=world.ceiling)
    assert not report.ready_for_ppo
    assert "that anybody could reach is too low or too uncertain" in report.verdict


def test_the_policys_pairs_have_a_ceiling_of_their_own():
    """A perfect scorer falls from clear pairs to close ones by as much as their ceilings differ."""
    clear, close = World(0, spread=4.0), World(1, spread=0.7, name="p")
    score = scoring(clear.rewards | close.rewards)
    given = {"policy_pairs": close.pairs, "ceiling": clear.ceiling}
    assert "weak on the policy's samples" in reward_report(score, clear.pairs, **given).names
    assert reward_report(score, clear.pairs, **given, policy_ceiling=close.ceiling).ready_for_ppo


def test_labels_learned_by_heart_cost_nothing_where_new_pairs_are_ranked_as_well_as_can_be():
    world, train = World(0), World(1, name="t")
    score = scoring(world.rewards | train.learned())
    report = reward_report(score, world.pairs, train_pairs=train.pairs, ceiling=world.ceiling)
    assert report.ready_for_ppo
    assert any("learned single labels by heart" in caution for caution in report.cautions)
    assert "overfit" in reward_report(score, world.pairs, train_pairs=train.pairs).names


def test_labels_learned_by_heart_instead_of_anything_else_are_overfitting_beside_any_ceiling():
    world, train = World(0), World(1, name="t")
    nothing = {key: float(i % 3) for i, key in enumerate(world.rewards)}
    score = scoring(nothing | train.learned())
    assert "overfit" in reward_report(score, world.pairs, train_pairs=train.pairs, ceiling=world.ceiling).names


def test_an_accuracy_over_the_ceiling_is_told():
    world = World(0)
    report = reward_report(scoring(world.learned()), world.pairs, ceiling=world.ceiling)
    assert any("is over the ceiling" in caution for caution in report.cautions)


def test_the_table_and_the_picture_show_the_ceiling():
    world = World(0)
    report = reward_report(scoring(world.rewards), world.pairs, ceiling=0.76, log=log(0)[0])
    assert report.table().healthy["accuracy, held out (95 % interval)"] == "over 60%, of 76.0% that anybody could reach"
    picture = report_picture(report, best_loss=world.best_loss)
    assert "of 76.0% that anybody could reach" in picture.alt and f"loss {world.best_loss:.2f}" in picture.alt
    assert "of 76% possible" in picture.axes[1].get_title()
    assert picture.axes[3].get_legend_handles_labels()[1] == ["best possible", "a coin"]


def log(seed, spread=1.0, steps=200):
    """The log of a scorer that goes the straight way from 0 to perfect rewards, and its ceiling."""
    held_out, rows = World(seed, spread), []
    for step in range(1, steps + 1):
        batch, way = World(1000 * (seed + 1) + step, spread, n=50), 1 - np.exp(-step / 25)
        rows.append({"step": step, **measured(batch, way)})
        if step % 20 == 0:
            rows[-1] |= {f"eval_{name}": value for name, value in measured(held_out, way).items()}
    return rows, held_out.ceiling


def measured(world, way):
    chosen = way * np.array([world.rewards[pair.prompt, pair.chosen] for pair in world.pairs])
    rejected = way * np.array([world.rewards[pair.prompt, pair.rejected] for pair in world.pairs])
    margins = chosen - rejected
    return {
        "loss": float(np.logaddexp(0, -margins).mean()),
        "accuracy": float((margins > 0).mean() + (margins == 0).mean() / 2),
        "margin": float(margins.mean()),
        "reward_chosen": float(chosen.mean()),
        "reward_rejected": float(rejected.mean()),
        "n_pairs": len(margins),
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("spread", [1.0, 0.7, 0.5])
def test_the_log_of_a_scorer_that_becomes_perfect_is_healthy(seed, spread):
    rows, ceiling = log(seed, spread)
    diagnosis = diagnose(rows, ceiling=ceiling)
    assert diagnosis.names == (HEALTHY,) and diagnosis.ready_for_ppo
    assert f"of {ceiling:.1%} that anybody could reach" in diagnosis.findings[0].evidence
    world = World(seed, spread)
    assert reward_report(scoring(world.rewards), world.pairs, log=rows, ceiling=ceiling).names == (HEALTHY,)


def test_without_a_ceiling_such_a_log_cannot_tell():
    diagnosis = diagnose(log(0, spread=0.7)[0])
    assert diagnosis.names == (CANNOT_TELL,) and "give `ceiling` where people disagree" in diagnosis.verdict


def test_a_gap_in_the_log_counts_as_far_as_anybody_could_close_it():
    rows = [{"loss": 0.69 - 0.03 * n, "accuracy": 0.55 + 0.02 * n} for n in range(20)]
    rows[-1] |= {"eval_accuracy": 0.74, "eval_loss": 0.53, "eval_n_pairs": 800}
    assert diagnose(rows).names == ("overfit and overconfident",)
    assert diagnose(rows, ceiling=0.76).names == (HEALTHY,)
    rows[-1] |= {"eval_accuracy": 0.6}
    assert diagnose(rows, ceiling=0.76).names == ("overfit and overconfident",)
