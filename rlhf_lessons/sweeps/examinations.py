"""The doctor's verdict on a judge before PPO relies on it, from its scores of tuning cases, and remembered.

The doctor sees what a trainer could: curated pairs and pairs of the SFT model's own answers, as the annotators
chose whose comparisons the judge learned from: if they are biased, so are its questions.
"""

from collections.abc import Callable
from typing import Any

from rlhf_lessons.diagnostics.bars import Bars
from rlhf_lessons.diagnostics.doctor.measures import score_pairs
from rlhf_lessons.diagnostics.reward_report import conclude, examination_of
from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.pipeline import ensure, key_of, preference_pairs, sampled_pairs
from rlhf_lessons.stages.rollout import RewardFunction
from rlhf_lessons.sweeps.results import remembered
from rlhf_lessons.world.annotators import PEOPLE, Annotators, best_possible
from rlhf_lessons.world.datasets import encode_pairs
from rlhf_lessons.world.tokenizer import course_tokenizer

N_PAIRS = 500  # curated ones, and as many of the SFT model's answers
NOTHING = "nothing"


def examination(
    judge_key: Key, judge: Callable[[], RewardFunction], seed: int, people: Annotators = PEOPLE
) -> dict[str, Any]:
    """`examine` the judge with this key, or recall what was found."""

    def measure() -> dict[str, Any]:
        return examine(judge(), ensure("sft", seed, progress=False).model, seed, people)

    return remembered(examination_key(judge_key, seed, people), measure)


def examination_key(judge_key: Key, seed: int, people: Annotators = PEOPLE) -> Key:
    """What the examination of a judge depends on; nothing is trained."""
    settings = {"seed": seed, "n_pairs": N_PAIRS, "people": people.model_dump()}
    return Key.of("examination", settings, [examine], [key_of("sft", seed), judge_key])


def examine(reward: RewardFunction, sft: GPT, seed: int, people: Annotators = PEOPLE) -> dict[str, Any]:
    """What the doctor says of a reward function, when these people choose.

    ready, verdict (a sentence), findings (names joined by "; ", or `NOTHING`); accuracy on curated pairs and
    policy_accuracy on pairs of the SFT model's answers, each with the lower end of its interval (low, policy_low) and
    the best possible accuracy (ceiling, policy_ceiling), of which the doctor is told.
    """
    pairs = preference_pairs(sft, N_PAIRS, 0.0, "tuning", seed, people)
    of_policy = sampled_pairs(sft, N_PAIRS, "tuning", seed, people)
    tokenizer = course_tokenizer()
    parts = [score_pairs(reward, encode_pairs(tokenizer, part), tokenizer) for part in (pairs, of_policy)]
    ceilings = [best_possible(part, people).accuracy for part in (pairs, of_policy)]
    bars = {"bars": Bars(ceilings[0]), "policy_bars": Bars(ceilings[1], "policy_ceiling")}
    report = conclude(examination_of(parts[0], policy=parts[1], **bars))
    found = {"ready": report.ready_for_ppo, "verdict": report.verdict, "findings": "; ".join(report.names) or NOTHING}
    scored = {"": report.examination.pairs, "policy_": report.examination.policy}
    for (prefix, part), ceiling in zip(scored.items(), ceilings, strict=True):
        if part is not None:
            interval = part.accuracy.interval
            found |= {f"{prefix}accuracy": interval.value, f"{prefix}low": interval.low, f"{prefix}ceiling": ceiling}
    return found
