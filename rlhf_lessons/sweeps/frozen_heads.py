"""Reward heads on the frozen pretrained body: the pairs they learn from, the tuning pairs, and maps of many heads."""

from dataclasses import dataclass
from functools import cache, cached_property

import pandas as pd
from torch import Tensor
from torch.nn import functional as F

from rlhf_lessons import pipeline
from rlhf_lessons.diagnostics.doctor.measures import Margins, calibration_error, reliability
from rlhf_lessons.sweeps.phase_diagram import LEARNING_RATES, leads, map_heads
from rlhf_lessons.world.annotators import Ceiling, best_possible, curated_pairs
from rlhf_lessons.world.datasets import encode_pairs
from rlhf_lessons.world.tokenizer import course_tokenizer

SIZES = (20, 50, 100, 200, 500, 1_000, 2_000, 4_000)
SCALES = (0.0, 1.0, 3.0, 10.0, 20.0)  # of the first weights; there is one map for each
MAP_SEEDS = (0, 1)
TUNING_PAIRS = 1_000


@dataclass(frozen=True)
class FittedHead:
    """One head, its margins during the training, and the maps of heads whose first weights had nearly its scale."""

    learning_rate: float
    n_pairs: int
    climbs: bool
    own: Tensor  # (passes + 1, n_pairs): margins of its training pairs before the first pass and after each
    new: Tensor  # (passes + 1, TUNING_PAIRS)
    map_scale: float  # of the first weights of the heads on the maps
    maps: dict[str, Tensor]  # accuracy and nll, (LEARNING_RATES, SIZES) each

    @cached_property
    def losses(self) -> dict[str, list[float]]:
        """Mean of -log sigma(margin), in nats."""
        return {name: (-F.logsigmoid(m)).mean(dim=1).tolist() for name, m in self.margins.items()}

    @cached_property
    def accuracies(self) -> dict[str, list[float]]:
        """Share ranked right; a tie is half of a hit."""
        return {name: (0.5 + m.sign() / 2).mean(dim=1).tolist() for name, m in self.margins.items()}

    @cached_property
    def bins(self) -> pd.DataFrame:
        """How sure the trained head is against how often it is right, on new pairs."""
        return reliability(Margins(self.new[-1]))

    @property
    def ece(self) -> float:
        return calibration_error(self.bins)

    @property
    def margins(self) -> dict[str, Tensor]:
        return {"own pairs": self.own, "new pairs": self.new}


@cache
def pair_leads() -> tuple[Tensor, Tensor]:
    """Leads of the pairs to learn from and of the tuning pairs; computing them takes some seconds, once."""
    body = pipeline.ensure("pretrained", progress=False).model
    train, tuning = curated_pairs(SIZES[-1], "train"), curated_pairs(TUNING_PAIRS, "tuning")
    return leads(body, encode_pairs(course_tokenizer(), train)), leads(body, encode_pairs(course_tokenizer(), tuning))


@cache
def tuning_ceiling() -> Ceiling:
    """What nobody can beat on the tuning pairs."""
    return best_possible(curated_pairs(TUNING_PAIRS, "tuning"))


@cache
def maps_at(scale: float, climbs: bool) -> dict[str, Tensor]:
    """Accuracy and NLL on the tuning pairs, (LEARNING_RATES, SIZES) each, for one scale of the first weights."""
    return map_heads(*pair_leads(), scale, LEARNING_RATES, SIZES, MAP_SEEDS, climbs)
