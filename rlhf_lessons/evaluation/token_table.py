"""One update of PPO, number by number: the answers, one answer's tokens, and what the update did to them."""

import copy

import pandas as pd
import torch

from rlhf_lessons.evaluation.scorecard import texts
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import ValueModel
from rlhf_lessons.stages.loop import optimiser
from rlhf_lessons.stages.ppo import Optimizers, PPOSettings, update_policy
from rlhf_lessons.stages.rollout import Rollout, response_logprobs
from rlhf_lessons.world.tokenizer import course_tokenizer


def answer_table(rollout: Rollout) -> pd.DataFrame:
    """One line an answer: prompt, answer, its score (sd of the SFT model), and its length in tokens, eos included."""
    scored = zip(texts(rollout.sequences), rollout.scores.tolist(), strict=True)
    rows = [(prompt, answer, score) for (prompt, answer), score in scored]
    table = pd.DataFrame(rows, columns=["prompt", "answer", "score"])
    return table.assign(tokens=rollout.response_mask.sum(1).tolist())


def token_table(rollout: Rollout, row: int) -> pd.DataFrame:
    """A table with one line a token of answer `row`; eos is the last line.

    Columns: token, logprob, ref_logprob, kl (their difference, nats), reward (KL price, and on the last token
    the score), value, advantage (whitened), return.
    """
    n = int(rollout.response_mask[row].sum())
    names = [course_tokenizer().words[int(token)] for token in rollout.responses[row, :n]]
    columns = {
        "logprob": rollout.logprobs,
        "ref_logprob": rollout.ref_logprobs,
        "kl": rollout.logprobs - rollout.ref_logprobs,
        "reward": rollout.rewards,
        "value": rollout.values,
        "advantage": rollout.advantages,
        "return": rollout.returns,
    }
    return pd.DataFrame({"token": names} | {name: column[row, :n].tolist() for name, column in columns.items()})


def updated(policy: GPT, rollout: Rollout, settings: PPOSettings) -> GPT:
    """A copy of the policy after one PPO update on the rollout; the policy itself stays as it is."""
    moved, critic = copy.deepcopy(policy), ValueModel.from_policy(policy)
    optimizers: Optimizers = {model: optimiser(model, settings.learning_rate) for model in (moved, critic)}
    update_policy(moved, critic, optimizers, rollout, settings, torch.Generator().manual_seed(settings.seed))
    return moved


@torch.no_grad()
def ratio_table(rollout: Rollout, row: int, moved: GPT, clip_range: float) -> pd.DataFrame:
    """One line a token of answer `row`, after an update: its advantage, ratio and terms of the clipped objective.

    Columns: token, advantage, ratio (new probability / old), plain (ratio x advantage), clipped (the same with the
    ratio kept within clip_range of 1), counts (the smaller of the two: the term that PPO raises).
    """
    before = token_table(rollout, row)
    one = rollout[torch.tensor([row])]
    logprobs = response_logprobs(moved, one.sequences, one.responses)
    ratio = (logprobs - one.logprobs)[0, : len(before)].exp()
    advantage = torch.tensor(before["advantage"].to_numpy())
    plain, clipped = ratio * advantage, ratio.clamp(1 - clip_range, 1 + clip_range) * advantage
    columns = {"ratio": ratio, "plain": plain, "clipped": clipped, "counts": torch.minimum(plain, clipped)}
    return before[["token", "advantage"]].assign(**{name: column.tolist() for name, column in columns.items()})
