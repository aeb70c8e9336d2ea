"""What the course's own trainers of DPO, RLOO and GRPO record: log reader and alarms see the same in it."""

import itertools
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from rlhf_lessons.cli import app
from rlhf_lessons.diagnostics.alarms import ALARMS, ringing
from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.stages.direct import DPOSettings, train_dpo
from rlhf_lessons.stages.group import GroupSettings, GRPOSettings, train_group

STEPS = 50
WOBBLE = (0.3, -0.5, 0.1, 0.6, -0.4, -0.2, 0.5, -0.4)  # noise whose mean is 0, the same in every run


def run(**curves) -> pd.DataFrame:
    """A frame of records; of each metric the level at first and at the end, or one for all, and some noise."""
    wobble, rows = itertools.cycle(WOBBLE), []
    for step in range(1, STEPS + 1):
        ends = {name: curve if isinstance(curve, tuple) else (curve, curve) for name, curve in curves.items()}
        values = {name: low + (high - low) * step / STEPS + 0.02 * next(wobble) for name, (low, high) in ends.items()}
        rows.append({"step": step, **values})
    return pd.DataFrame(rows)


def groups(**changes) -> pd.DataFrame:
    """A run of RLOO on a verifier, in order; answers have about 12 tokens."""
    curves = {
        "score": (0.7, 0.9), "reward_std": (0.3, 0.2), "zero_spread": (0.3, 0.4), "kl": (0.1, 1.0), "kl_coef": 0.05,
        "response_length": (11.5, 12.0), "ended": 1.0, "gold_score": (0.7, 0.9), "policy_loss": 0.0,
        "clip_fraction": 0.03, "approx_kl": 0.005, "entropy": (0.35, 0.3), "grad_norm": 0.3,
    } | changes  # fmt: skip
    return run(**curves)


def pairs(**changes) -> pd.DataFrame:
    """A run of DPO at beta 0.1 that moves only the rejected answers."""
    curves = {
        "epoch": 1.0, "loss": (0.69, 0.45), "accuracy": (0.5, 0.8), "margin": (0.0, 1.0), "reward_chosen": 0.03,
        "reward_rejected": (0.0, -1.0), "logps_chosen": (-5.5, -5.2), "logps_rejected": (-8.0, -18.0),
        "grad_norm": 0.6, "learning_rate": 5e-5,
    } | changes  # fmt: skip
    return run(**curves).assign(epoch=1.0, learning_rate=5e-5)


SOLVED = {"score": (0.7, 0.98), "zero_spread": (0.3, 0.9)}
PLANTED = {
    "few groups teach": groups(zero_spread=(0.3, 0.8)),
    "no spread within groups": groups(zero_spread=(0.6, 1.05)),
    "solved or gamed": groups(**SOLVED, response_length=(11.0, 17.0)),
    "entropy loss": groups(entropy=(0.4, 0.17)),
    "no variety": groups(entropy=(0.35, 0.0)),
    "length": groups(response_length=(11.0, 17.0)),
    "length pays": groups(response_length=(11.5, 13.0)).assign(score=lambda frame: frame.response_length - 11),
    "far away": groups(kl=(0.0, 15.0)),
    "both probabilities fall": pairs(
        reward_chosen=(0.0, -0.4), logps_chosen=(-5.5, -9.5), reward_rejected=(0.0, -2.0), margin=(0.0, 1.6)
    ),
    "the chosen answers' probability falls far": pairs(
        reward_chosen=(0.0, -0.8), logps_chosen=(-5.5, -13.5), reward_rejected=(0.0, -2.0), margin=(0.0, 1.2)
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_named_by_log_reader_and_alarm(name):
    frame = PLANTED[name]
    assert name in diagnose(frame).names and name in {finding.name for finding in ringing(frame)}


@pytest.mark.parametrize("frame", [*PLANTED.values(), groups(), pairs()])
def test_what_rings_is_what_the_log_reader_finds_of_the_alarms(frame):
    """One rule set: the same findings in the same words."""
    alarms = {alarm.name for alarm in ALARMS}
    assert {(f.name, f.evidence) for f in ringing(frame)} == {
        (f.name, f.evidence) for f in diagnose(frame).findings if f.name in alarms
    }


def test_a_run_in_order_is_quiet():
    assert ringing(groups()) == ringing(pairs()) == []
    assert (diagnose(groups()).kind, diagnose(groups()).state) == ("grpo", "healthy")
    assert diagnose(pairs()).kind == "dpo" and diagnose(pairs()).state != "sick"


@pytest.mark.parametrize("name", ["few groups teach", "entropy loss"])
def test_what_a_run_that_gets_better_may_show_is_no_fault_of_it(name):
    assert diagnose(PLANTED[name]).state == "healthy"


def test_answers_that_grow_for_another_reason_are_not_paid_for_it():
    """The reward rises with them, but the longer batch is not the better one."""
    assert "length pays" not in diagnose(groups(response_length=(11.5, 13.0))).names


def test_alarms_for_groups_do_not_ring_for_ppo():
    surer = groups(entropy=(0.4, 0.17))
    assert [finding.name for finding in ringing(surer)] == ["entropy loss"]
    assert ringing(surer.drop(columns="zero_spread").assign(value_loss=0.2)) == []


@pytest.mark.parametrize("moved", [{"kl": (0.0, 4.0)}, {"response_length": (11.0, 17.0)}, {"entropy": (0.5, 0.15)}])
def test_a_judge_that_is_content_calls_for_a_look_where_the_policy_has_moved(moved):
    found = diagnose(groups(**SOLVED, **moved))
    assert "solved or gamed" in found.names and found.state == "cannot tell"


@pytest.mark.parametrize(
    "changes",
    [
        SOLVED,  # and nothing has moved
        SOLVED | {"score": (0.98, 0.98), "kl": (0.0, 4.0)},  # it was so from the start
        {"score": (0.7, 0.98), "kl": (0.0, 4.0)},  # groups have spread: there is more to earn
    ],
)
def test_half_of_a_sign_of_gaming_is_not_enough(changes):
    assert "solved or gamed" not in diagnose(groups(**changes)).names


def test_kl_of_an_answer_is_read_as_such():
    """At 12 tokens an answer, 4 nats are 0.33 a token, which would be far for a run that prints KL a token."""
    assert "far away" not in diagnose(groups(kl=(0.0, 4.0))).names
    assert "over 10;" in str(diagnose(groups(kl=(0.0, 30.0))))
    of_trl = groups(kl=(0.0, 4.0)).rename(columns={"zero_spread": "frac_reward_zero_std"})
    assert "far away" in diagnose(of_trl).names


def test_displacement_at_a_small_beta_is_told_by_the_log_probabilities():
    """beta 0.01: the rewards are those of 4 and of 14 nats, and hardly to be seen."""
    small = {"reward_chosen": (0.0, -0.04), "reward_rejected": (0.0, -0.14), "margin": (0.0, 0.1)}
    fallen = pairs(**small, logps_chosen=(-5.5, -9.5), logps_rejected=(-8.0, -22.0))
    assert "goes from -5.7 to -9.1 nats" in str(ringing(fallen)[0])
    assert ringing(pairs(**small, logps_chosen=(-5.5, -5.5), logps_rejected=(-8.0, -22.0))) == []


def history(tiny, kind, data, prompts):
    if kind == "dpo":
        return train_dpo(tiny, data, DPOSettings(batch_size=8, epochs=3), held_out=data)
    settings = {"rloo": GroupSettings, "grpo": GRPOSettings}[kind](
        updates=3, rollout_size=16, group_size=4, minibatch_size=16, max_new_tokens=6
    )
    return train_group(tiny, prompts, settings, lambda answers: answers.lengths.float())


@pytest.mark.parametrize("kind", ["dpo", "rloo", "grpo"])
def test_a_history_as_frame_and_as_a_file_of_json_lines(tiny, request, prompts, tmp_path, kind):
    made = history(tiny, kind, request.getfixturevalue("pairs"), prompts)
    path = tmp_path / "log.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in made), encoding="utf-8")
    found = diagnose(made.frame())
    told = json.loads(CliRunner().invoke(app, ["diagnose", str(path), "--json"]).output)["runs"][0]
    assert found.kind == told["kind"] == ("dpo" if kind == "dpo" else "grpo")
    assert told["state"] == found.state and [f["evidence"] for f in told["findings"]] == [
        f.evidence for f in found.findings
    ]
