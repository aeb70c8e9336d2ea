"""How good is each stage, over several seeds? Every figure the README quotes comes from here.

Policies answer each held-out case eight times at temperature 1 and the rubric judges; reward models rank
pairs of held-out cases that they and the annotators' noise have never seen.
"""

from collections.abc import Iterable

import pandas as pd

from rlhf_lessons.evaluation.scorecard import scorecard
from rlhf_lessons.pipeline import Trained, ensure, sampled_pairs
from rlhf_lessons.stages.reward import evaluate
from rlhf_lessons.world import datasets
from rlhf_lessons.world.cases import all_cases
from rlhf_lessons.world.tokenizer import course_tokenizer

N_PAIRS = 2_000
PAIR_SEED = 10_000  # far from every training seed


def pretrained_quality() -> dict[str, float]:
    """The pretrained model on all cases: the share of safe answers, greedy and sampled at temperature 1."""
    prompts = [case.prompt for case in all_cases()]
    model = ensure("pretrained").model
    greedy, sampled = scorecard(model, prompts, n_each=1, temperature=0), scorecard(model, prompts, n_each=4)
    return {"pretrained_safe_greedy": greedy.safe.value, "pretrained_safe_sampled": sampled.safe.value}


def seed_quality(seed: int, split: str = "held_out") -> dict[str, float]:
    """SFT, reward model and PPO of one seed on the cases of a split, and their training seconds."""
    sft, reward, ppo = (ensure(stage, seed) for stage in ("sft", "reward", "ppo"))
    prompts = datasets.prompts_in(split)
    return {
        "sft_safe": scorecard(sft.model, prompts, seed=seed).safe.value,
        **pair_accuracy(reward, sft, split),
        "ppo_safe": scorecard(ppo.model, prompts, seed=seed).safe.value,
        "reward_seconds": reward.seconds,
        "ppo_seconds": ppo.seconds,
    }


def pair_accuracy(reward: Trained, sft: Trained, split: str) -> dict[str, float]:
    """Accuracy of a reward model on curated pairs and on pairs of the SFT model's own answers."""
    curated = datasets.curated_pairs(N_PAIRS, split, seed=PAIR_SEED)
    sampled = sampled_pairs(sft.model, N_PAIRS, split, PAIR_SEED)
    sets = {"reward_accuracy_curated": curated, "reward_accuracy_sampled": sampled}
    encoded = {name: datasets.encode_pairs(course_tokenizer(), pairs) for name, pairs in sets.items()}
    return {name: evaluate(reward.model, pairs)["accuracy"] for name, pairs in encoded.items()}


def quality(seeds: Iterable[int]) -> pd.DataFrame:
    """`seed_quality` of every seed, one row each."""
    return pd.DataFrame({seed: seed_quality(seed) for seed in seeds}).T.rename_axis("seed")


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean, lowest and highest value of every column over the seeds."""
    return table.agg(["mean", "min", "max"]).T
