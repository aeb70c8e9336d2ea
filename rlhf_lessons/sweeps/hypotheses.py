"""The document's four hypotheses, each tested alone, then together, on held-out pairs (claims C10 to C16).

Every condition trains the same transformer reward model for the same number of steps and differs in what it
names from the one it is compared with. All conditions of a seed share their test pairs.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd
import torch
from tqdm.auto import tqdm

from rlhf_lessons import knobs
from rlhf_lessons.diagnostics.doctor.fault_bank import NormalisedAfterHead
from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.model.sequences import PairSet
from rlhf_lessons.pipeline import Trained
from rlhf_lessons.stages.reward import RewardSettings, evaluate, train_reward
from rlhf_lessons.statistics.intervals import t_interval
from rlhf_lessons.sweeps.results import remembered
from rlhf_lessons.world.annotators import curated_pairs
from rlhf_lessons.world.datasets import PAIR_MIX, Pair, encode_pairs, rewritten
from rlhf_lessons.world.tokenizer import course_tokenizer

SEEDS, STEPS, BATCH, N_TEST, N_CHECKED = 5, 40, 20, 800, 50
LN2 = math.log(2)
DANGEROUS = {"dangerous": 1.0}
CLEAR_LOSS = 0.1  # nats; smaller differences of the held-out loss are not worth a word
REFERENCE = "reference: 200 pairs, rate 1e-3, zero head"
TWENTY = "H3: 20 pairs"


@dataclass(frozen=True)
class Condition:
    """What one row of the table changes, and the row it is compared with.

    `synthetic` pairs are written anew for the cases of the real ones.
    """

    claim: str
    name: str
    against: str = REFERENCE
    n_pairs: int = 200
    mix: Mapping[str, float] | None = None
    synthetic: int = 0
    learning_rate: float = 1e-3
    head_init_scale: float = 0.0
    reward_offset: float = 0.0
    bound: knobs.Bound = "none"
    normalised: bool = False
    climbs: bool = False


_TOGETHER = Condition(
    "C10, C13-C16", "together, without H1b", TWENTY, 20, DANGEROUS, synthetic=180, learning_rate=1e-2, bound="tanh"
)
CONDITIONS = (
    Condition("", REFERENCE),
    Condition("C10", "H1a: rewards kept in -1 to 1 (tanh)", bound="tanh"),
    Condition("C11", "H1b: layer norm after the head", normalised=True),
    Condition("C13", "H2: learning rate 1e-5", learning_rate=1e-5),
    Condition("C13", "H2: learning rate 1e-2", learning_rate=1e-2),
    Condition("C13", "H2: learning rate 1e-1", learning_rate=1e-1),
    Condition("C14", TWENTY, n_pairs=20),
    Condition("C14", "H3: 20 clearly dangerous pairs", TWENTY, n_pairs=20, mix=DANGEROUS),
    Condition("C14", "H3: 800 pairs, each seen once", n_pairs=STEPS * BATCH),
    Condition("C15", "H4: head starts at -10", reward_offset=-10.0),
    Condition("C15", "H4: head starts at -10, behind a tanh", reward_offset=-10.0, bound="tanh"),
    Condition("C15", "H4: head weights 10 times too large", head_init_scale=10.0),
    Condition("C16", "20 pairs and 180 synthetic ones", TWENTY, n_pairs=20, synthetic=180),
    _TOGETHER,
    replace(_TOGETHER, claim="C10-C16", name="together, with H1b", normalised=True),
    Condition("", "the cause of 03: the step climbs", climbs=True),
)


def run_all(pretrained: Trained, seed: int = 0, progress: bool = True) -> pd.DataFrame:
    """One row a condition and seed (five, from `seed` on); loaded if the same was measured before.

    Columns claim, condition, seed, accuracy (held out), held_out_loss (nats), margin (held out),
    train_accuracy, gradient (median norm over the training, C12).
    """
    settings = {"conditions": list(map(asdict, CONDITIONS)), "seed": seed, "seeds": SEEDS}
    key = Key.of("hypotheses", settings, [run], [pretrained.key])

    def measure() -> dict[str, Any]:
        runs = [(condition, seed + repeat) for condition in CONDITIONS for repeat in range(SEEDS)]
        bar = tqdm(runs, desc="testing the hypotheses", leave=False, disable=not progress)
        return {"rows": [run(condition, pretrained.model, number) for condition, number in bar]}

    return pd.DataFrame(remembered(key, measure)["rows"])


def run(condition: Condition, body: GPT, seed: int) -> dict[str, float | str]:
    """Train one condition on a copy of `body` and measure it."""
    train, test = _data(condition, seed)
    kind = NormalisedAfterHead if condition.normalised else RewardModel
    head = {name: getattr(condition, name) for name in ("head_init_scale", "reward_offset", "bound")}
    model = kind.from_policy(body, **head, seed=seed)
    if condition.climbs:
        for parameter in model.parameters():
            parameter.register_hook(torch.neg)
    batch = min(BATCH, len(train))
    epochs = -(-STEPS // -(-len(train) // batch))
    settings = RewardSettings(
        learning_rate=condition.learning_rate, epochs=epochs, batch_size=batch, weight_decay=0.0, seed=seed
    )
    history = train_reward(model, train, settings, on_step=lambda record: record["step"] >= STEPS)
    held_out = evaluate(model, test)
    return {
        "claim": condition.claim,
        "condition": condition.name,
        "seed": seed,
        "accuracy": held_out["accuracy"],
        "held_out_loss": held_out["loss"],
        "margin": held_out["margin"],
        "train_accuracy": evaluate(model, train[slice(0, N_CHECKED)])["accuracy"],
        "gradient": float(history.frame().grad_norm.median()),
    }


def _data(condition: Condition, seed: int) -> tuple[PairSet, PairSet]:
    pairs = curated_pairs(condition.n_pairs, "train", condition.mix or PAIR_MIX, seed)
    pairs += synthetic_pairs(pairs, condition.synthetic, seed)
    test = judging_pairs(seed)
    return encode_pairs(course_tokenizer(), pairs), encode_pairs(course_tokenizer(), test)


def judging_pairs(seed: int) -> list[Pair]:
    """The held-out pairs that judge all conditions of a seed."""
    return curated_pairs(N_TEST, "held_out", seed=seed)


def synthetic_pairs(pairs: Sequence[Pair], n: int, seed: int) -> list[Pair]:
    """`n` new pairs on the cases of `pairs`, of the same kinds: data augmentation, with a grammar as the writer."""
    rng = random.Random(f"synthetic {seed}")
    return [rewritten(pairs[number % len(pairs)], rng) for number in range(n)]


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a condition, in their order: means over seeds, and a verdict.

    accuracy, held_out_loss, margin (held out), train_accuracy; `lead`: how far its accuracy is ahead of the condition
    it is compared with (`against`), mean over seeds; `plus_minus`: half the width of that mean's 95 % interval.
    """
    by_name = {name: rows.set_index("seed") for name, rows in runs.groupby("condition", sort=False)}
    table = []
    for condition in CONDITIONS:
        own, other = by_name[condition.name], by_name[condition.against]
        lead = t_interval(own.accuracy - other.accuracy)
        means = {name: float(own[name].mean()) for name in ("accuracy", "held_out_loss", "margin", "train_accuracy")}
        row = means | {"lead": lead.value, "plus_minus": lead.high - lead.value}
        gap = means["held_out_loss"] - other.held_out_loss.mean()
        words = "-" if condition.against == condition.name else verdict(row, gap)
        who = {"claim": condition.claim, "condition": condition.name, "against": condition.against}
        table.append({**who, **row, "verdict": words})
    return pd.DataFrame(table).set_index("condition")


def verdict(row: Mapping[str, float], loss_gap: float) -> str:
    """What a condition did, in words: against a coin, then against the condition it is compared with.

    `row` as in `summary`; `loss_gap` is how much higher its held-out loss is, in nats.
    """
    if row["margin"] == 0 and abs(row["held_out_loss"] - LN2) < 1e-4:
        return "dead: no gradient, loss ln 2 for ever"
    if row["accuracy"] < 0.45 and row["held_out_loss"] > LN2:
        return "worse than a coin, and sure of it"
    clear = abs(row["lead"]) > row["plus_minus"]
    words = "no clear difference in ranking" if not clear else "ranks better" if row["lead"] > 0 else "ranks worse"
    if abs(loss_gap) > CLEAR_LOSS:
        words += f"; loss {abs(loss_gap):.2f} {'higher' if loss_gap > 0 else 'lower'}"
    if row["held_out_loss"] > LN2:
        words += "; overconfident: a guess costs less"
    return words
