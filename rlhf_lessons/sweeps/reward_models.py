"""Who scores PPO's answers: reward models of all qualities, from the document's broken one to the rubric itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rlhf_lessons import knobs, pipeline, program_one
from rlhf_lessons.evaluation.scorecard import MAX_NEW_TOKENS, gold_score, texts
from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.model.sampling import sample
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.pipeline import ensure, key_of
from rlhf_lessons.refusals import check_choice
from rlhf_lessons.stages.loop import OnStep
from rlhf_lessons.stages.reward import RewardSettings, score, train_reward
from rlhf_lessons.stages.reward_ensemble import RewardEnsemble, ensemble_reward, train_ensemble
from rlhf_lessons.stages.rollout import RewardFunction
from rlhf_lessons.world import annotators, datasets
from rlhf_lessons.world.annotators import Annotators
from rlhf_lessons.world.tokenizer import course_tokenizer

FEW = {"batch_size": 20, "sampled_share": 0.0}  # all curated, as the source document's pairs were
BROKEN, GOLD = "broken", "gold"

# The changes to the course's reward model that make each of the others. Besides these there are `broken`, the
# document's own failing program (notebook 03), and `gold`, the rubric.
REWARD_MODELS: Mapping[str, Mapping[str, Any]] = {
    "pairs_20": {"n_pairs": 20, "epochs": 100, "learning_rate": 5e-4, **FEW},
    "pairs_200": {"n_pairs": 200, "epochs": 10, "learning_rate": 5e-4},
    "pairs_2000": {"n_pairs": 2000, "learning_rate": 5e-4},
    "full": {},
    "biased": {"length_bias": 3.0},
}


@dataclass(frozen=True)
class Recipe:
    """How a reward model is made that stands for a cure, or for the lack of one.

    members: over 1, an ensemble whose scores are combined as `how` says. training: changes to RewardSettings.
    """

    n_pairs: int
    sampled_share: float = 0.5
    noise: float = 0.0
    members: int = 1
    how: knobs.Combination = "mean"
    training: Mapping[str, Any] = field(default_factory=dict)


def reward_function(name: str, seed: int = 0) -> RewardFunction:
    """The reward model `name`, trained if need be. Raises ValueError for an unknown name."""
    if name == GOLD:
        return gold_score
    if name == BROKEN:
        return broken_reward(seed)
    check_choice("reward_model", name, [BROKEN, *REWARD_MODELS, GOLD])
    return partial(score, ensure("reward", seed, progress=False, **REWARD_MODELS[name]).model)


def reward_key(name: str, seed: int = 0) -> Key:
    """What the scores of `reward_function(name, seed)` depend on; nothing is trained."""
    if name == GOLD:
        return Key.of(GOLD, {}, [gold_score])
    if name == BROKEN:
        return Key.of(BROKEN, {"seed": seed}, [broken_reward])
    return key_of("reward", seed, **REWARD_MODELS[name])


def annotators_of(reward: str | Recipe) -> Annotators:
    """The people whose comparisons a reward model learns from, and who compare the answers of its policy."""
    changes = REWARD_MODELS.get(reward, {}) if isinstance(reward, str) else {}
    return Annotators(**{name: value for name, value in changes.items() if name in Annotators.model_fields})


def broken_reward(seed: int = 0) -> RewardFunction:
    """Program 1 as the document ran it: sign and bias wrong, a histogram of characters for features (C8)."""
    fitted = program_one.fit(datasets.source_pairs(), program_one.ProgramOneSettings(seed=seed))

    def reward(sequences: Sequences) -> Tensor:
        answers = [said or " " for _, said in texts(sequences)]
        return torch.tensor(fitted.score(answers), dtype=torch.float32)

    return reward


def train_recipe(
    recipe: Recipe,
    pretrained: GPT,
    sft: GPT,
    seed: int = 0,
    fresh: Sequence[datasets.Pair] = (),
    on_step: OnStep | None = None,
) -> RewardFunction:
    """Train a reward model, or an ensemble, on the pretrained body by its recipe; `fresh` pairs join the recipe's."""
    pairs = pipeline.preference_pairs(sft, recipe.n_pairs, recipe.sampled_share, "train", seed)
    pairs = annotators.add_noise(pairs, recipe.noise, seed) + list(fresh)
    data = datasets.encode_pairs(course_tokenizer(), pairs)
    settings = RewardSettings(seed=seed, **recipe.training)
    if recipe.members == 1:
        model = RewardModel.from_policy(pretrained)
        train_reward(model, data, settings, on_step)
        return partial(score, model)
    ensemble = RewardEnsemble(
        [RewardModel.from_policy(pretrained, head_init_scale=1.0, seed=1_000 * seed + k) for k in range(recipe.members)]
    )
    train_ensemble(ensemble, data, settings, on_step)
    return ensemble_reward(ensemble, reference_answers(sft, seed), recipe.how)


def reference_answers(sft: GPT, seed: int) -> Sequences:
    """An answer of the SFT model to each train case, on which the members of an ensemble are standardised."""
    prompts = datasets.encode_prompts(course_tokenizer(), datasets.prompts_in("train"))
    return sample(sft, prompts, MAX_NEW_TOKENS, 1.0, torch.Generator().manual_seed(seed)).sequences
