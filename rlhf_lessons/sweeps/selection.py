"""Best of n against each reward model, and the policies that need no PPO: judged on held-out cases, and remembered."""

from collections.abc import Mapping
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
from rlhf_lessons.sweeps.policy_runs import FINAL_ANSWERS, judge_policy
from rlhf_lessons.sweeps.results import columns, remembered
from rlhf_lessons.sweeps.reward_models import BROKEN, GOLD, REWARD_MODELS, reward_function, reward_key
from rlhf_lessons.world.datasets import encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

SIZES = (1, 2, 4, 8, 16, 32, 64)
JUDGES = (BROKEN, *REWARD_MODELS, GOLD)
CHOSEN_OF = 16  # the n of the scorecard's best-of-n
BEST = f"best_of_{CHOSEN_OF}"


def chosen_answers(seed: int) -> dict[str, Any]:
    """`curves`: best-of-n by reward model and n, as columns. `cases`: measures by policy, as in PolicyRun.cases.

    The policies are the pretrained model, the SFT model, and best-of-16 of it by the full reward model.
    """

    def measure() -> dict[str, Any]:
        pretrained, sft = ensure("pretrained", progress=False).model, ensure("sft", seed, progress=False).model
        rewards = {name: reward_function(name, seed) for name in JUDGES}
        return {"curves": curves(sft, rewards, seed), "cases": cases(pretrained, sft, rewards["full"], seed)}

    return remembered(chosen_key(seed), measure)


def chosen_key(seed: int) -> Key:
    """What `chosen_answers(seed)` depends on; nothing is trained."""
    parents = [key_of("pretrained"), key_of("sft", seed), *(reward_key(name, seed) for name in JUDGES)]
    return Key.of("chosen_answers", {"seed": seed, "judges": JUDGES}, [curves, cases], parents)


@torch.no_grad()
def curves(sft: GPT, rewards: Mapping[str, RewardFunction], seed: int) -> dict[str, list]:
    """Columns reward, n, kl (nats, by the formula), score (sd of the SFT model), gold_score and safety."""
    generator = torch.Generator().manual_seed(seed)
    drawn = sampled_answers(sft, held_out(), max(SIZES), MAX_NEW_TOKENS, 1.0, generator)
    answers, shape = judged(drawn), (-1, max(SIZES))
    gold = torch.tensor([a.judgement.score for a in answers]).reshape(shape)
    safe = torch.tensor([float(a.judgement.safe) for a in answers]).reshape(shape)
    rows = []
    for name, reward in rewards.items():
        scores = reward(drawn)
        scores = ScoreScale.of(scores)(scores).reshape(shape)
        for n in SIZES:
            values = {"score": scores, "gold_score": gold, "safety": safe}
            means = {measure: float(expected_of_best(scores, v, n).mean()) for measure, v in values.items()}
            rows.append({"reward": name, "n": n, "kl": best_of_n_kl(n), **means})
    return columns(pd.DataFrame(rows))


def cases(pretrained: GPT, sft: GPT, reward: RewardFunction, seed: int) -> dict[str, dict[str, list[float]]]:
    """Mean measures of each held-out case; best-of-n's KL is its formula's, so the same for all."""
    plain = {"pretrained": pretrained, "sft": sft}
    generator, prompts = torch.Generator().manual_seed(seed), held_out()
    scale = ScoreScale.of(reward(sampled_answers(sft, prompts, 4, MAX_NEW_TOKENS, 1.0, generator)))
    frames = {name: judge_policy(model, sft, reward, scale, seed, FINAL_ANSWERS) for name, model in plain.items()}
    asked = prompts[torch.arange(len(prompts)).repeat_interleave(FINAL_ANSWERS)]
    best = best_of_n(sft, asked, CHOSEN_OF, reward, generator)
    kl, score = best_of_n_kl(CHOSEN_OF), scale(reward(best)).tolist()
    frames[BEST] = measures(judged(best)).assign(kl=kl, score=score)
    return {name: columns(frame.groupby("prompt", sort=False).mean()) for name, frame in frames.items()}


def held_out() -> Sequences:
    """The held-out prompts as tensors."""
    return encode_prompts(course_tokenizer(), prompts_in("held_out"))
