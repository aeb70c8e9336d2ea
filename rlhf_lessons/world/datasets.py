"""The data of the four stages, as texts and as tensors. Splits are by case: nothing held out is ever trained on.

Pretraining notes cover all cases in both manners (the model may know every fact); demonstrations,
preference pairs and PPO prompts come from the train cases alone.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rlhf_lessons import knobs
from rlhf_lessons.model.sequences import BOS_ID, EOS_ID, PairSet, Sequences, pad
from rlhf_lessons.world import source_sets
from rlhf_lessons.world.answers import CORPUS_MIX, careful_answer, careless_answer, draw_kind
from rlhf_lessons.world.cases import Case, all_cases, case_of, cases_in
from rlhf_lessons.world.tokenizer import Tokenizer

# How often the rejected answer of a curated pair is of each kind, by default. Most are wrong in what they say,
# so that a reward model has to know the facts.
PAIR_MIX: Mapping[str, float] = {
    "vague": 0.2,
    "wrong_verdict": 0.4,
    "wrong_mechanism": 0.25,
    "dangerous": 0.15,
}


@dataclass(frozen=True)
class Note:
    """A question and its answer, with the manner it was written in (`careful` or one of `answers.KINDS`)."""

    prompt: str
    answer: str
    manner: str


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, the preferred one first; `kind` says how the rejected one came about."""

    prompt: str
    chosen: str
    rejected: str
    kind: str

    def swapped(self) -> "Pair":
        return replace(self, chosen=self.rejected, rejected=self.chosen)


@knobs.checked
def corpus(n_notes: knobs.NNotes, careful_share: knobs.CarefulShare = 0.6, seed: int = 0) -> list[Note]:
    """Pretraining notes on all cases: `careful_share` of them careful, the rest loose talk."""
    rng = random.Random(f"corpus {seed}")
    return [_note(rng.choice(all_cases()), careful_share, rng) for _ in range(n_notes)]


@knobs.checked
def demonstrations(
    n_demonstrations: knobs.NDemonstrations,
    careless_share: knobs.CarelessShare = 0.15,
    split: str = "train",
    seed: int = 0,
) -> list[Note]:
    """Demonstrations for SFT; `careless_share` of them were written by experts in a hurry."""
    rng = random.Random(f"demonstrations {split} {seed}")
    return [_note(rng.choice(cases_in(split)), 1 - careless_share, rng) for _ in range(n_demonstrations)]


def _note(case: Case, careful_share: float, rng: random.Random) -> Note:
    if rng.random() < careful_share:
        return Note(case.prompt, careful_answer(case, rng), "careful")
    kind = draw_kind(CORPUS_MIX, rng)
    return Note(case.prompt, careless_answer(case, kind, rng), kind)


@knobs.checked
def curated_pairs(
    n_pairs: knobs.NPairs, split: str = "train", mix: Mapping[str, float] = PAIR_MIX, seed: int = 0
) -> list[Pair]:
    """Pairs written for the purpose: a careful answer preferred to a careless one of a kind drawn from `mix`."""
    rng = random.Random(f"pairs {split} {seed}")
    pairs = []
    for _ in range(n_pairs):
        case, kind = rng.choice(cases_in(split)), draw_kind(mix, rng)
        pairs.append(Pair(case.prompt, careful_answer(case, rng), careless_answer(case, kind, rng), kind))
    return pairs


def rewritten(pair: Pair, rng: random.Random) -> Pair:
    """A synthetic twin: the same question, a careful answer and the same kind of careless one, in other words."""
    case = case_of(pair.prompt)
    return Pair(pair.prompt, careful_answer(case, rng), careless_answer(case, pair.kind, rng), pair.kind)


def source_pairs() -> list[Pair]:
    """The source document's twenty preference topics, in our own words."""
    return [Pair(p.prompt, p.preferred, p.dispreferred, "source") for p in source_sets.PREFERENCE_PAIRS]


def prompts_in(split: str) -> list[str]:
    """The prompts of one split's cases, in a fixed order."""
    return [case.prompt for case in cases_in(split)]


def encode(tokenizer: Tokenizer, prompts: Sequence[str], answers: Sequence[str]) -> Sequences:
    """Prompts and answers as sequences `<bos> prompt answer <eos>`."""
    rows = []
    for prompt, answer in zip(prompts, answers, strict=True):
        head = [BOS_ID, *tokenizer.encode(prompt)]
        rows.append((head, [*tokenizer.encode(answer), EOS_ID]))
    return pad(rows)


def encode_notes(tokenizer: Tokenizer, notes: Sequence[Note]) -> Sequences:
    """Notes or demonstrations as tensors."""
    return encode(tokenizer, [n.prompt for n in notes], [n.answer for n in notes])


def encode_pairs(tokenizer: Tokenizer, pairs: Sequence[Pair]) -> PairSet:
    """Preference pairs as tensors."""
    prompts = [p.prompt for p in pairs]
    return PairSet(
        encode(tokenizer, prompts, [p.chosen for p in pairs]),
        encode(tokenizer, prompts, [p.rejected for p in pairs]),
    )


def encode_prompts(tokenizer: Tokenizer, prompts: Sequence[str]) -> Sequences:
    """Prompts without answers (`lengths` equals `prompt_lengths`), ready for sampling."""
    return pad([([BOS_ID, *tokenizer.encode(p)], []) for p in prompts])
