"""One sampled answer, token by token: everything PPO knows about it, to point at."""

import pandas as pd

from rlhf_lessons.stages.rollout import Rollout
from rlhf_lessons.world.tokenizer import course_tokenizer


def token_table(rollout: Rollout, row: int) -> pd.DataFrame:
    """A table with one line a token of answer `row`; eos is the last line.

    Columns: token, logprob, ref_logprob, kl (their difference, nats), reward (KL price, and on the last token
    the score), value, advantage (whitened), return.
    """
    n = int(rollout.response_mask[row].sum())
    names = [course_tokenizer().words.id_to_token(int(token)) for token in rollout.responses[row, :n]]
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
