"""How good is each stage, over several seeds? Every figure of the README's first table comes from here.

Policies answer each case eight times at temperature 1, and once greedily, and the rubric judges. Best of 4 is the mean
over all choices of 4 of those eight answers, the reward model choosing. Reward models rank pairs of cases that
alignment never saw, as annotators chose; nobody ranks them better than `best_possible`.
"""

from collections.abc import Iterable, Sequence

import pandas as pd
import torch

from rlhf_lessons.evaluation.best_of_n import expected_of_best
from rlhf_lessons.evaluation.scorecard import judged, sample_tokens, scorecard
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.pipeline import Trained, ensure, sampled_pairs
from rlhf_lessons.stages.reward import evaluate, score
from rlhf_lessons.world import annotators, datasets
from rlhf_lessons.world.tokenizer import course_tokenizer

N_PAIRS = 2_000
PAIR_SEED = 10_000  # far from every training seed
N_EACH, BEST_OF = 8, 4


def pretrained_quality(split: str = "held_out") -> dict[str, float]:
    """The pretrained model on the cases of a split: the share of safe answers, sampled at temperature 1 and greedy."""
    prompts, model = datasets.prompts_in(split), ensure("pretrained").model
    return {f"pretrained_{name}": value for name, value in safe_shares(model, prompts, seed=0).items()}


def seed_quality(seed: int) -> dict[str, float]:
    """SFT, reward model and PPO of one seed on far cases, and on near ones, and their training seconds."""
    sft, reward, ppo = (ensure(stage, seed) for stage in ("sft", "reward", "ppo"))
    far, near = datasets.prompts_in("held_out"), datasets.prompts_in("near")
    found: dict[str, float] = {}
    for name, policy in {"sft": sft.model, "ppo": ppo.model}.items():
        shares = safe_shares(policy, far, seed, reward.model)
        shares["near"] = scorecard(policy, near, seed=seed).safe.value
        found |= {f"{name}_{what}": value for what, value in shares.items()}
    return {**found, **pair_accuracy(reward, sft), "reward_seconds": reward.seconds, "ppo_seconds": ppo.seconds}


@torch.no_grad()
def safe_shares(policy: GPT, prompts: Sequence[str], seed: int, reward: RewardModel | None = None) -> dict[str, float]:
    """The share of safe answers: sampled, and greedy; with a reward model also where it chooses each of `BEST_OF`."""
    drawn = sample_tokens(policy, prompts, N_EACH, seed=seed).sequences
    safe = torch.tensor([float(answer.judgement.safe) for answer in judged(drawn)]).reshape(len(prompts), N_EACH)
    greedy = scorecard(policy, prompts, n_each=1, temperature=0).safe.value
    found = {"safe": float(safe.double().mean()), "greedy": greedy}
    if reward is not None:
        chosen = expected_of_best(score(reward, drawn).reshape(safe.shape), safe, BEST_OF)
        found[f"best_of_{BEST_OF}"] = float(chosen.mean())
    return found


def pair_accuracy(reward: Trained, sft: Trained, split: str = "held_out") -> dict[str, float]:
    """Accuracy of a reward model on curated pairs and on pairs of the SFT model's answers, and the best possible."""
    sets = {
        "curated": annotators.curated_pairs(N_PAIRS, split, seed=PAIR_SEED),
        "sampled": sampled_pairs(sft.model, N_PAIRS, split, PAIR_SEED),
    }
    found = {}
    for name, pairs in sets.items():
        measured = evaluate(reward.model, datasets.encode_pairs(course_tokenizer(), pairs))
        found[f"reward_accuracy_{name}"] = measured["accuracy"]
        found[f"best_possible_{name}"] = annotators.best_possible(pairs).accuracy
    return found


def quality(seeds: Iterable[int]) -> pd.DataFrame:
    """`seed_quality` of every seed, one row each."""
    return pd.DataFrame({seed: seed_quality(seed) for seed in seeds}).T.rename_axis("seed")


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean, lowest and highest value of every column over the seeds."""
    return table.agg(["mean", "min", "max"]).T
