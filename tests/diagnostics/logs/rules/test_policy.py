"""Each rule for policies finds its fault in logs as trainers print them, and leaves its look-alikes alone."""

import itertools

import pytest

from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.logs.policy_curves import change_in_errors
from rlhf_lessons.diagnostics.logs.rule import POLICY
from rlhf_lessons.diagnostics.logs.rules import RULES

ROWS = 40
WOBBLE = (0.3, -0.5, 0.1, 0.6, -0.4, -0.2, 0.5, -0.4)  # noise whose mean is 0, the same in every run


def rows(curves, count=ROWS) -> list[dict[str, float]]:
    """Records of `count` steps; a curve is a value, or a function of the share of the run that is done."""
    return [
        {
            "step": step + 1,
            **{name: curve(step / count) if callable(curve) else curve for name, curve in curves.items()},
        }
        for step in range(count)
    ]


def noisy(start, end, noise=0.05):
    """A curve that goes from `start` to `end`, with noise."""
    wobble = itertools.cycle(WOBBLE)
    return lambda done: start + (end - start) * done + noise * next(wobble)


def grpo(**changes):
    """A GRPO run in order, as TRL prints it; "__" stands for "/"."""
    curves = {
        "loss": noisy(0, 0.002, 0.01), "grad_norm": noisy(0.2, 0.2, 0.02), "reward": noisy(0.3, 0.9),
        "reward_std": noisy(0.4, 0.3), "frac_reward_zero_std": noisy(0.2, 0.3), "kl": lambda done: 0.03 * done,
        "completions__mean_length": noisy(210, 220, 9), "completions__max_length": noisy(490, 490, 9),
        "completions__clipped_ratio": 0.01, "entropy": noisy(0.6, 0.4),
        "rewards__accuracy_reward__mean": noisy(0.2, 0.6),
        "rewards__format_reward__mean": noisy(0.5, 0.95),
    } | changes  # fmt: skip
    return rows({name.replace("__", "/"): curve for name, curve in curves.items() if curve is not None})


def ppo(**changes):
    """A PPO run in order, as verl prints it."""
    curves = {
        "critic__score__mean": noisy(0.1, 0.7), "critic__vf_loss": noisy(0.4, 0.1),
        "critic__vf_explained_var": noisy(0.2, 0.6),
        "actor__kl_loss": lambda done: 0.02 * done, "actor__ppo_kl": 0.001, "actor__pg_clipfrac": 0.01,
        "actor__entropy": noisy(0.5, 0.3, 0.02), "actor__grad_norm": noisy(0.3, 0.3, 0.02),
        "response_length__mean": noisy(300, 310, 9), "response_length__clip_ratio": 0.02,
    } | changes  # fmt: skip
    return rows({name.replace("__", "/"): curve for name, curve in curves.items() if curve is not None})


def trl_ppo(**changes):
    """A PPO run in order, as TRL's PPOTrainer prints it: KL and entropy are summed over answers of 50 tokens."""
    curves = {
        "eps": 2, "objective__kl": lambda done: 6 * done, "objective__entropy": noisy(60, 50, 2),
        "objective__scores": noisy(-1, 1.5, 0.2), "policy__approxkl_avg": 0.004, "policy__clipfrac_avg": 0.03,
        "loss__value_avg": noisy(0.5, 0.2), "policy__entropy_avg": noisy(1.2, 1.0, 0.04),
        "val__ratio": noisy(1, 1, 0.01),
    } | changes  # fmt: skip
    return rows({name.replace("__", "/"): curve for name, curve in curves.items() if curve is not None})


@pytest.mark.parametrize("run", [grpo, ppo, trl_ppo])
def test_a_run_in_order_is_healthy(run):
    diagnosis = diagnose(run())
    assert diagnosis.state == "healthy" and not diagnosis.ready_for_ppo, str(diagnosis)
    assert diagnosis.kind == ("grpo" if run is grpo else "ppo")


nan_later = lambda done: 0.1 if done < 0.6 else float("nan")  # noqa: E731
SICK = [
    ("RL004", ppo(critic__score__mean=lambda done: 0.5 + 4 * min(done, 0.4) - 5 * max(done - 0.4, 0))),
    ("RL005", ppo(actor__kl_loss=lambda done: 3 * done)),
    ("RL005", trl_ppo(objective__kl=lambda done: 400 * done)),
    ("RL006", grpo(entropy=lambda done: 0.9 * (1 - done) ** 4)),
    ("RL008", grpo(completions__clipped_ratio=noisy(0.4, 0.9))),
    ("RL008", grpo(completions__mean_length=512.0, completions__max_length=512.0, completions__clipped_ratio=None)),
    ("RL009", ppo(actor__pg_clipfrac=0.7)),
    ("RL010", ppo(actor__ppo_kl=0.9)),
    ("RL012", trl_ppo(val__ratio=noisy(1, 6))),
    ("RL013", ppo(critic__vf_explained_var=noisy(-0.1, -0.1))),
    ("RL014", grpo(kl=nan_later)),
    ("RL014", grpo(reward=nan_later)),
    ("RL015", grpo(frac_reward_zero_std=1.0, reward_std=0.0, reward=0.5, grad_norm=0.0)),
    ("RL015", grpo(frac_reward_zero_std=None, reward_std=0.0, reward=noisy(0.5, 0.5))),
    ("RL016", grpo(grad_norm=0.0, kl=0.0, reward=noisy(0.4, 0.4))),
    ("RL017", ppo(critic__score__mean=0.0)),
    ("RL018", grpo(rewards__accuracy_reward__mean=noisy(0.6, 0.2), reward=noisy(1.0, 1.2))),
    ("RL019", ppo(actor__kl_loss=lambda done: -0.05 * done)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "run"), SICK, ids=[f"{code}-{place}" for place, (code, _) in enumerate(SICK)])
def test_a_sick_run_is_named_first(code, run):
    diagnosis = diagnose(run)
    assert diagnosis.state == "sick" and diagnosis.findings[0].code == code, str(diagnosis)


ALIKE = {
    "a loss of both signs": grpo(loss=noisy(0, 0, 0.3)),
    "an answer of 300 tokens with KL 12 is near": trl_ppo(
        objective__kl=lambda done: 12 * done, objective__entropy=noisy(360, 300, 9)
    ),
    "one batch of negative KL": trl_ppo(objective__kl=lambda done: -0.2 if done == 0 else 5 * done),
    "a norm that is logged as 0 while KL grows": grpo(grad_norm=0.0),
    "length falls a little": grpo(completions__mean_length=noisy(220, 190, 9)),
    "one infinite gradient": grpo(grad_norm=lambda done: float("inf") if done == 0.5 else 0.2),
}


@pytest.mark.parametrize("name", ALIKE)
def test_a_look_alike_is_no_fault(name):
    assert diagnose(ALIKE[name]).state != "sick", str(diagnose(ALIKE[name]))


def test_what_may_be_either_is_a_remark_and_keeps_the_run_from_being_called_healthy():
    for changes, code in (
        ({"completions__mean_length": lambda done: 200 + 700 * done}, "RL007"),  # reasoning grows too
        ({"completions__clipped_ratio": 0.2}, "RL008"),
        ({"kl": lambda done: 0.4 * done}, "RL005"),
        ({"frac_reward_zero_std": lambda done: 0.1 if done < 0.5 else 1.0}, "RL015"),  # nothing left to learn
        ({"rewards__length_penalty": noisy(0, -3)}, "RL018"),
    ):
        diagnosis = diagnose(grpo(**changes))
        assert diagnosis.state == "cannot tell" and code in {found.code for found in diagnosis.findings}, str(diagnosis)


def test_a_reward_that_follows_the_length_from_row_to_row_pays_for_length():
    lengths = [200 * 1.03**step + (25 if step % 3 else -30) for step in range(ROWS)]
    hacked = [
        dict(row, **{"completions/mean_length": n, "reward": n / 100}) for row, n in zip(grpo(), lengths, strict=True)
    ]
    diagnosis = diagnose(hacked)
    assert diagnosis.findings[0].code == "RL007" and diagnosis.state == "sick"
    assert "r = 1.00" in diagnosis.findings[0].evidence


@pytest.mark.parametrize(
    ("run", "missing"),
    [
        (grpo()[:1], "1 row with a reward"),
        (grpo()[:6], "too few"),
        (grpo(reward=noisy(0.5, 0.5)), "no more than its noise"),
        (grpo(kl=None), "KL is not logged"),
        (ppo(actor__kl_loss=None, response_length__mean=None), "neither KL nor length is logged"),
    ],
)
def test_what_is_missing_is_said(run, missing):
    diagnosis = diagnose(run)
    assert diagnosis.state == "cannot tell" and missing in diagnosis.verdict
    assert "healthy" not in str(diagnosis).lower()


def test_a_mean_reward_is_a_policys_score_and_a_group_has_no_critic():
    run = [{"mean_reward": row["reward"], "kl": row["kl"], "completion_length": 90.0} for row in grpo()]
    diagnosis = diagnose(run)
    assert (diagnosis.kind, diagnosis.state) == ("grpo", "healthy")
    assert diagnose([row | {"value_loss": 0.1} for row in run]).kind == "ppo"
    old = [{"ppo/mean_scores": row["reward"], "objective/kl": 1.0, "ppo/policy/approxkl": 0.01} for row in grpo()]
    assert diagnose(old).kind == "ppo"
    sft = [{"loss": 2 - row["step"] / 40, "entropy": 1.0, "mean_token_accuracy": 0.6} for row in grpo()]
    assert diagnose(sft).kind == "sft"


def test_a_change_is_counted_in_standard_errors_of_neighbouring_rows():
    """Noise of 1 and -1 has mean square steps of 4, so sd 1.414; six rows against twenty have error 1.414 x 0.465."""
    values = [1.0, -1.0] * 3 + [1.0, -1.0] * 7 + [6.0, 4.0] * 10
    steps = 37 * 4 + 49 + 4
    errors = (steps / 39 / 2 * (1 / 6 + 1 / 20)) ** 0.5
    assert change_in_errors(values) == pytest.approx(5 / errors, rel=0.02)
    assert change_in_errors([1.0] * 20) == 0 and change_in_errors([1.0, 2.0] * 4) == 0


def test_every_rule_for_policies_has_a_page_with_an_example_or_a_source():
    pages = [rule for rule in RULES.values() if rule.kinds & POLICY and rule.code.startswith("RL")]
    assert [rule.code for rule in pages] == sorted({rule.code for rule in pages}, key=[r.code for r in pages].index)
    assert {rule.code for rule in pages} == {f"RL{number:03}" for number in range(1, 25)}
    assert all(len(rule.page) > 200 and rule.advice for rule in pages)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("RL008", {"completions__clipped_ratio": 1.0}),
        ("RL008", {"completions__mean_length": 512.0, "completions__max_length": 512.0}),
        ("RL014", {"grad_norm": float("nan")}),
        ("RL015", {"frac_reward_zero_std": 1.0, "reward_std": 0.0}),
        ("RL016", {"grad_norm": 0.0}),
        ("RUN005", {"learning_rate": 0.0}),
    ],
)
def test_facts_of_the_first_rows_are_said_though_it_is_too_early(code, changes):
    def codes(**curves):
        first = [{**row, "total_steps": 900} for row in grpo(**curves)[:2]]
        return [finding.code for finding in diagnose(first).findings]

    assert code in codes(**changes) and code not in codes(learning_rate=1e-6)
