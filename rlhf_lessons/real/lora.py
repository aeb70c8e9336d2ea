"""DPO on a real model: the trainer of notebook 08, and beside the frozen weights a few of their own (LoRA)."""

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psutil
import torch
from torch import Tensor, nn

from rlhf_lessons.model.sequences import PairSet, pad
from rlhf_lessons.real import plain_english as english
from rlhf_lessons.real.model import RealModel
from rlhf_lessons.stages.direct import DPOSettings, pair_logprobs, train_dpo
from rlhf_lessons.world.annotators import curated_pairs
from rlhf_lessons.world.datasets import Pair

PAIRS, RANK = 16, 8
LEARNED, NEW = "pairs it learned", "pairs of new facts"
SETTINGS: dict[str, Any] = {"learning_rate": 5e-4, "epochs": 3, "batch_size": 4}


class Network(nn.Module):
    """A network of transformers as the course's trainers call a model: tokens (B, T) to logits (B, T, V)."""

    def __init__(self, network: Any):
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> Tensor:
        return self.network(input_ids=tokens).logits


def short_dpo(model: RealModel, seed: int) -> dict[str, Any]:
    """Log-probabilities of the answers of pairs before and after a short DPO, in nats an answer."""
    splits = {LEARNED: "train", NEW: "held_out"}
    pairs = {name: encoded(model, curated_pairs(PAIRS, split, seed=seed)) for name, split in splits.items()}
    started = time.perf_counter()
    with adapted(model, seed) as policy:
        before = {name: pair_logprobs(policy, both) for name, both in pairs.items()}
        history = train_dpo(policy, pairs[LEARNED], DPOSettings(seed=seed, **SETTINGS), reference=policy)
        after = {name: pair_logprobs(policy, both) for name, both in pairs.items()}
        trained = sum(weights.numel() for weights in policy.parameters() if weights.requires_grad)
    return {
        "nats": {
            name: {
                side: [values.tolist() for values in (before[name][place], after[name][place])]
                for place, side in enumerate(("chosen", "rejected"))
            }
            for name in pairs
        },
        "history": history.records,
        "weights": trained,
        "seconds": time.perf_counter() - started,
        "memory": psutil.Process().memory_info().rss,
    }


@contextmanager
def adapted(model: RealModel, seed: int) -> Iterator[Any]:
    """A `Network` of the model, with new weights beside its frozen ones that are taken out again at the end."""
    from peft import LoraConfig, get_peft_model

    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft calls transformers by names that will change
        torch.manual_seed(seed)
        network = get_peft_model(model.model, LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear"))
    try:
        yield Network(network)
    finally:
        network.unload()


def encoded(model: RealModel, pairs: Sequence[Pair]) -> PairSet:
    """Pairs of the course as the real model reads them."""
    sides = []
    for side in ("chosen", "rejected"):
        rows = []
        for pair in pairs:
            asked = english.conversation(english.question(pair.prompt))
            head = model.tokens(asked, add_generation_prompt=True)
            whole = model.tokens([*asked, {"role": "assistant", "content": english.sentence(getattr(pair, side))}])
            rows.append((head, whole[len(head) :]))
        sides.append(pad(rows))
    return PairSet(*sides)


def changes(found: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """What `short_dpo` did: mean log-probabilities before and after; the share of pairs of which both answers fell."""
    rows = {}
    for name, sides in found["nats"].items():
        both = {side: torch.tensor(values) for side, values in sides.items()}  # (before and after, pairs)
        fell = torch.stack([after < before for before, after in both.values()]).all(0)
        rows[name] = {
            f"{side}, {when}": float(values[place].mean())
            for side, values in both.items()
            for place, when in enumerate(("before", "after"))
        }
        rows[name]["both fell"] = float(fell.float().mean())
    return rows
