"""What a frozen model makes of a text: its last hidden state at the text's end, kept so that it is computed once."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from rlhf_lessons import store
from rlhf_lessons.keys import Key
from rlhf_lessons.real.model import Messages, RealModel

BATCH = 16
CHUNK = 512  # texts, after which what was computed is kept


def features(model: RealModel, conversations: Sequence[Messages]) -> Tensor:
    """The hidden states (N, D) of N conversations, from the store where they were computed before."""
    key = Key.of("features", {"weights": model.digest}, [last_states])
    kept = store.load(key.name, key.fingerprint)
    known = dict(zip(kept.meta["texts"], kept.tensors["states"], strict=True)) if kept else {}
    rows = {_name(row): row for row in map(model.tokens, conversations)}
    new = [name for name in rows if name not in known]
    for start in range(0, len(new), CHUNK):
        names = new[start : start + CHUNK]
        known |= dict(zip(names, last_states(model.model, [rows[name] for name in names]), strict=True))
        meta = {"key": key.as_dict(), "texts": [*known]}
        store.save_or_rescue(key.name, key.fingerprint, {"states": torch.stack([*known.values()])}, meta)
    return torch.stack([known[_name(model.tokens(one))] for one in conversations])


@torch.inference_mode()
def last_states(network: Any, rows: Sequence[list[int]]) -> Tensor:
    """The last layer's output (N, D) at the last token of each row; nothing is trained.

    Rows are padded behind their end, where a causal model does not look.
    """
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    found: dict[int, Tensor] = {}
    for start in tqdm(range(0, len(order), BATCH), desc="reading", leave=False):
        batch = order[start : start + BATCH]
        tokens = torch.zeros(len(batch), max(len(rows[row]) for row in batch), dtype=torch.long)
        for place, row in enumerate(batch):
            tokens[place, : len(rows[row])] = torch.tensor(rows[row])
        states = network.base_model(input_ids=tokens).last_hidden_state
        found |= {row: states[place, len(rows[row]) - 1].clone() for place, row in enumerate(batch)}
    return torch.stack([found[row] for row in range(len(rows))])


def _name(row: list[int]) -> str:
    return hashlib.sha256(json.dumps(row).encode()).hexdigest()[:16]
