"""Best of n against each reward model, and the policies that need no PPO: judged on held-out cases, and remembered."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd
import torch

from rlhf_lessons.evaluation.best_of_n import best_of_n, expected_of_best, sampled_answers
from rlhf_lessons.evaluation.scorecard import MAX_NEW_TOKENS, judged, measures
from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.objectives.kl import best_of_n_kl
from rlhf_lessons.pipeline import ensure, key_of
from rlhf_lessons.stages.rollout import RewardFunction, ScoreScale
from rlhf_lessons.sweeps.policy_runs import FINAL_ANSWERS, VIEWS, Measured, judge_policy, views
from rlhf_lessons.sweeps.results import columns, remembered
from rlhf_lessons.sweeps.reward_models import BROKEN, GOLD, REWARD_MODELS, reward_function, reward_key
from rlhf_lessons.world.datasets import encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

SIZES = (1, 2, 4, 8, 16, 32, 64)
JUDGES = (BROKEN, *REWARD_MODELS, GOLD)
CHOSEN_OF = (4, 16)  # the n of the scorecard's best-of-n


def best_of(n: int) -> str:
    """The name of best-of-n among the policies."""
    return f"best_of_{n}"


def chosen_answers(seed: int) -> dict[str, Any]:
    """`curves` and `looks` as in `curves`. `cases`: policy -> view -> measures, as in PolicyRun.views.

    The policies are the pretrained model, the SFT model, and best of 4 and of 16 of it by the full reward model.
    """

    def measure() -> dict[str, Any]:
        pretrained, sft = ensure("pretrained", progress=False).model, ensure("sft", seed, progress=False).model
        rewards = {name: reward_function(name, seed) for name in JUDGES}
        return curves(sft, rewards, seed) | {"cases": cases(pretrained, sft, rewards["full"], seed)}

    return remembered(chosen_key(seed), measure)


def chosen_key(seed: int) -> Key:
    """What `chosen_answers(seed)` depends on; nothing is trained."""
    parents = [key_of("pretrained"), key_of("sft", seed), *(reward_key(name, seed) for name in JUDGES)]
    return Key.of("chosen_answers", {"seed": seed, "judges": JUDGES}, [curves, cases], parents)


@torch.no_grad()
def curves(sft: GPT, rewards: Mapping[str, RewardFunction], seed: int) -> dict[str, Any]:
    """`curves`: columns reward, n, kl (nats, by the formula), score (sd of the SFT model), gold_score and safety.

    `looks`: for each row, the expected gold score of every held-out case, in order.
    """
    generator, prompts = torch.Generator().manual_seed(seed), held_out()
    drawn = sampled_answers(sft, prompts, max(SIZES), MAX_NEW_TOKENS, 1.0, generator)
    answers, shape = judged(drawn), (-1, max(SIZES))
    gold = torch.tensor([a.judgement.score for a in answers]).reshape(shape)
    safe = torch.tensor([float(a.judgement.safe) for a in answers]).reshape(shape)
    rows, looks = [], []
    for name, reward in rewards.items():
        scores = reward(drawn)
        scores = ScoreScale.of(scores)(scores).reshape(shape)
        for n in SIZES:
            values = {"score": scores, "gold_score": gold, "safety": safe}
            by_case = {measure: expected_of_best(scores, v, n) for measure, v in values.items()}
            means = {measure: float(v.mean()) for measure, v in by_case.items()}
            rows.append({"reward": name, "n": n, "kl": best_of_n_kl(n), **means})
            looks.append(by_case["gold_score"].tolist())
    return {"curves": columns(pd.DataFrame(rows)), "looks": looks}


def cases(pretrained: GPT, sft: GPT, reward: RewardFunction, seed: int) -> dict[str, dict[str, Measured]]:
    """Each policy by `VIEWS`; of best-of-n, which has no greedy answer, the sampled ones."""
    generator = torch.Generator().manual_seed(seed)
    scale = ScoreScale.of(reward(sampled_answers(sft, held_out(), 4, MAX_NEW_TOKENS, 1.0, generator)))
    plain = {"pretrained": pretrained, "sft": sft}
    found = {name: views(partial(judge_policy, model, sft, reward, scale, seed)) for name, model in plain.items()}
    for n in CHOSEN_OF:
        found[best_of(n)] = {
            view: best_answers(sft, n, reward, scale, split, generator)
            for view, (split, temperature) in VIEWS.items()
            if temperature
        }
    return found


def best_answers(
    sft: GPT, n: int, reward: RewardFunction, scale: ScoreScale, split: str, generator: torch.Generator
) -> Measured:
    """Best of n answers to each case of a split, `FINAL_ANSWERS` times; the KL is the formula's."""
    asked = [prompt for prompt in prompts_in(split) for _ in range(FINAL_ANSWERS)]
    best = best_of_n(sft, encode_prompts(course_tokenizer(), asked), n, reward, generator)
    table = measures(judged(best)).assign(kl=best_of_n_kl(n), score=scale(reward(best)).tolist())
    return columns(table.groupby("prompt", sort=False).mean())


def held_out() -> Sequences:
    """The held-out prompts as tensors."""
    return encode_prompts(course_tokenizer(), prompts_in("held_out"))
