"""Tiny models and pairs in the course's words."""

import torch

from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.model.sequences import EOS_ID
from rlhf_lessons.world import annotators
from rlhf_lessons.world.datasets import encode_pairs
from rlhf_lessons.world.tokenizer import course_tokenizer

CLOSE = {"atol": 1e-4, "rtol": 0}
PAIRS = annotators.curated_pairs(40, "held_out", seed=1)
TOKENS = encode_pairs(course_tokenizer(), PAIRS)  # rows of several lengths


def policy(seed: int = 0, ends: float = 1.0) -> GPT:
    """Far from its small first weights; by `ends` an answer is likelier to end, so that answers differ in length."""
    model = GPT(GPTConfig(course_tokenizer().vocab_size, layers=2, heads=2, width=16), seed=seed)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=draw))
        model.ln_f.bias.add_(ends * model.token_embedding.weight[EOS_ID])
    return model.eval()


def reward_model(offset: float = 0.7) -> RewardModel:
    return RewardModel(policy(1), head_init_scale=1.0, reward_offset=offset).eval()


MODELS = {"policy": policy(), "reward": reward_model(), "reward without a bias": reward_model(0.0)}
