"""The models behind the simulated logs, where each can be counted out by hand or by enumeration."""

import itertools
import math

import numpy as np
import pytest

from tools.simulated_logs import groups, objectives, preference
from tools.simulated_logs.answers import PROMPTS, Policy, k3, log_softmax, menu
from tools.simulated_logs.optimiser import Adam
from tools.simulated_logs.pairs import World, batches, ceiling, preference_loss, sigmoid
from tools.simulated_logs.tokens import TOKENS, WIDTH, Language, run

METHODS = ("sigmoid", "hinge", "ipo", "kto", "orpo")


def generator() -> np.random.Generator:
    return np.random.default_rng(5)


def test_a_margin_of_0_costs_ln_2_however_smooth_the_labels():
    assert preference_loss(np.zeros(1)) == pytest.approx(math.log(2))
    assert preference_loss(np.zeros(1), smoothing=0.1) == pytest.approx(math.log(2))


def test_smoothed_labels_are_cheapest_at_their_log_odds_and_cost_their_entropy_there():
    margins = np.linspace(0, 6, 601)
    losses = preference_loss(margins, smoothing=0.1)
    assert margins[losses.argmin()] == pytest.approx(math.log(9), abs=0.01)
    assert losses.min() == pytest.approx(-0.9 * math.log(0.9) - 0.1 * math.log(0.1), abs=1e-4)


def test_the_ceiling_is_what_true_margins_score_over_all_the_labels_that_annotators_may_give():
    margins = np.array([0.3, -1.2, 0.8, 2.0])
    every = itertools.product((True, False), repeat=len(margins))
    scores = [_chance(margins, labels) * _score(margins, labels) for labels in every]
    assert ceiling(margins) == pytest.approx(sum(scores))


def _chance(margins: np.ndarray, labels: tuple[bool, ...]) -> float:
    return math.prod(float(sigmoid(m if first else -m)) for m, first in zip(margins, labels, strict=True))


def _score(margins: np.ndarray, labels: tuple[bool, ...]) -> float:
    return float(np.mean([(m > 0) == first for m, first in zip(margins, labels, strict=True)]))


def test_annotators_agree_with_the_true_margin_as_often_as_the_ceiling_says():
    spread = np.ones(2, dtype=np.float32)
    pairs = World(spread, spread, 0 * spread, hidden=0.5).pairs(generator(), 20_000)
    assert (pairs.true > 0).mean() == pytest.approx(ceiling(pairs.true), abs=5 * math.sqrt(0.25 / 20_000))
    assert np.corrcoef((pairs.chosen - pairs.rejected).sum(axis=1), pairs.true)[0, 1] > 0.8


def test_an_epoch_of_batches_has_every_row_once():
    order = batches(generator(), 12, 4)
    for _ in range(2):
        assert sorted(np.concatenate([next(order) for _ in range(3)])) == list(range(12))


def test_the_first_step_of_adam_goes_by_the_gradients_sign():
    assert Adam((3,)).direction(np.array([4.0, -0.01, 100.0])) == pytest.approx([1, -1, 1], rel=1e-5)


def test_the_language_model_knows_the_log_probabilities_of_its_own_answers():
    language = Language(generator(), memory=4)
    prompts = language.prompts(generator(), 3)
    answers = language.answers(prompts, language.sample(generator(), language.start, prompts), np.full(3, 2.0))
    now = run(language.start, answers)
    assert now.probabilities.sum(axis=2) == pytest.approx(np.ones(now.logps.shape), abs=1e-5)
    assert answers.before == pytest.approx(2 * now.logps.sum(axis=1))


def pairs_of(method: str) -> tuple[preference.PreferenceRun, preference.Policy, preference.Preferences]:
    """A run, its policy moved away from the reference, and three pairs."""
    rng = generator()
    run_ = preference.healthy(rng, method)
    made = preference.world(run_, rng)
    policy = preference.Policy(run_, made)
    policy.weights = policy.weights + 0.02 * rng.standard_normal((WIDTH, TOKENS))
    return run_, policy, made.preferences(rng, run_, 3)


@pytest.mark.parametrize("method", METHODS)
def test_what_a_loss_pulls_at_is_its_gradient(method):
    run_, policy, pairs = pairs_of(method)
    both = pairs.chosen + pairs.rejected

    def loss(weights: np.ndarray) -> objectives.Loss:
        now = run(weights, both)
        return objectives.loss(run_, now, now.sums() - both.before, 0.3)

    weights = policy.weights.astype(float)
    gradient = run(weights, both).gradient(loss(weights).pull)
    for at in ((0, 0), (3, 5), (7, 15)):
        step = np.zeros_like(weights)
        step[at] = 1e-4
        measured = (loss(weights + step).value - loss(weights - step).value) / 2e-4
        assert gradient[at] == pytest.approx(measured, rel=0.02, abs=2e-4 * abs(gradient).max())


@pytest.mark.parametrize(("method", "start"), [("sigmoid", math.log(2)), ("hinge", 1), ("kto", 0.5), ("ipo", None)])
def test_at_the_reference_a_loss_is_what_guessing_costs(method, start):
    run_, policy, pairs = pairs_of(method)
    policy.weights = policy.world.language.start
    measured, _ = policy.measure(pairs)
    assert measured["loss"] == pytest.approx(1 / (4 * run_.beta**2) if start is None else start, rel=1e-4)
    assert measured["accuracies"] == measured["margins"] == 0


def test_k3_has_the_kl_for_its_mean():
    policy, reference = (log_softmax(generator().standard_normal(6) * scale) for scale in (1, 2))
    ratio = policy - reference
    assert (np.exp(policy) * k3(ratio)).sum() == pytest.approx((np.exp(policy) * ratio).sum())
    assert k3(ratio).min() >= 0


def test_the_policys_gradient_raises_the_mean_reward():
    listed = menu(generator())
    policy, rows, rewards = Policy(listed), np.arange(PROMPTS), listed.liked
    logps = policy.logps(rows)
    gradient = policy.gradient(rows, logps, np.exp(logps) * rewards / PROMPTS)
    before = policy.reward(rewards)
    policy.weights = policy.weights.astype(float) + 1e-4 * np.eye(len(policy.weights))[0]
    assert (policy.reward(rewards) - before) / 1e-4 == pytest.approx(gradient[0], rel=0.01)


def test_advantages_of_a_group_are_against_its_others():
    rewards = np.array([[1.0, 0.0, 0.0, 0.0]])
    assert groups._advantages("rloo", rewards) == pytest.approx(np.array([[1, -1 / 3, -1 / 3, -1 / 3]]))
    assert groups._advantages("grpo", rewards) == pytest.approx(np.array([[1.5, -0.5, -0.5, -0.5]]), abs=1e-3)
    assert groups._advantages("grpo", np.ones((1, 4))) == pytest.approx(np.zeros((1, 4)))
