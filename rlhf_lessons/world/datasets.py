"""The texts that the stages learn from. Splits are by fact: alignment never sees a fact that is held out.

Pretraining notes cover all cases (the model may know every fact); demonstrations, preference pairs and PPO prompts
come from the train cases alone. Two truths of the real world are built in. *Popular errors*: on some facts the notes
repeat one loose saying more often than the right answer. *Blind spots*: situations that the experts who write
demonstrations shrug off, though they prefer the careful answer when they compare (`annotators`).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from rlhf_lessons import knobs
from rlhf_lessons.model.sequences import BOS_ID, EOS_ID, PairSet, Sequences, pad
from rlhf_lessons.world import source_sets
from rlhf_lessons.world.answers import CORPUS_MIX, careful_answer, careless_answer, draw_kind, saying
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

SAID = 0.55  # how much of what the notes say on a fact with a popular error is the error
# Situations that experts in a hurry shrug off.
BLIND_SPOTS = ("old age", "pregnancy", "cirrhosis", "long qt")


@dataclass(frozen=True)
class Note:
    """A question and its answer, with its manner: `careful`, `saying`, or one of `answers.KINDS`."""

    prompt: str
    answer: str
    manner: str


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, the preferred one first.

    kind: how the careless answer came about, for pairs that were written. flipped: the careless one was preferred.
    """

    prompt: str
    chosen: str
    rejected: str
    kind: str
    flipped: bool = False

    def swapped(self) -> "Pair":
        return replace(self, chosen=self.rejected, rejected=self.chosen, flipped=not self.flipped)


@knobs.checked
def corpus(
    n_notes: knobs.NNotes,
    careful_share: knobs.CarefulShare = 0.6,
    popular_share: knobs.PopularShare = 0.25,
    seed: int = 0,
) -> list[Note]:
    """Pretraining notes on all cases: `careful_share` of them careful, the rest loose talk.

    On `popular_share` of the facts, `SAID` of the notes repeat the popular error; the others are as everywhere.
    """
    rng, popular = random.Random(f"corpus {seed}"), popular_facts(popular_share)
    notes = []
    for _ in range(n_notes):
        case = rng.choice(all_cases())
        is_error = case.fact in popular and rng.random() < SAID
        notes.append(_saying(case) if is_error else _note(case, careful_share, rng))
    return notes


@cache
def popular_facts(share: float) -> frozenset[frozenset[str]]:
    """The facts with a popular error: the same for every seed, and each of a smaller share among those of a larger."""
    facts = list(dict.fromkeys(case.fact for case in all_cases()))
    random.Random("popular errors").shuffle(facts)
    return frozenset(facts[: round(share * len(facts))])


@knobs.checked
def demonstrations(
    n_demonstrations: knobs.NDemonstrations,
    careless_share: knobs.CarelessShare = 0.05,
    blind_share: knobs.BlindShare = 0.7,
    split: str = "train",
    seed: int = 0,
) -> list[Note]:
    """Demonstrations for SFT. In the `BLIND_SPOTS`, `blind_share` of them shrug the question off with a saying;
    of all others `careless_share` are careless.
    """
    rng = random.Random(f"demonstrations {split} {seed}")
    notes = []
    for _ in range(n_demonstrations):
        case = rng.choice(cases_in(split))
        is_shrug = case.situation in BLIND_SPOTS and rng.random() < blind_share
        notes.append(_saying(case) if is_shrug else _note(case, 1 - careless_share, rng))
    return notes


def _saying(case: Case) -> Note:
    return Note(case.prompt, saying(case), "saying")


def _note(case: Case, careful_share: float, rng: random.Random) -> Note:
    if rng.random() < careful_share:
        return Note(case.prompt, careful_answer(case, rng), "careful")
    kind = draw_kind(CORPUS_MIX, rng)
    return Note(case.prompt, careless_answer(case, kind, rng), kind)


@knobs.checked
def written_pairs(
    n_pairs: knobs.NPairs, split: str = "train", mix: Mapping[str, float] = PAIR_MIX, seed: int = 0
) -> list[Pair]:
    """Pairs as they are written for the purpose: a careful answer, and a careless one of a kind drawn from `mix`.

    The careful one stands first. Which one people choose is another matter: `annotators.curated_pairs`.
    """
    rng = random.Random(f"pairs {split} {seed}")
    pairs = []
    for _ in range(n_pairs):
        case, kind = rng.choice(cases_in(split)), draw_kind(mix, rng)
        pairs.append(Pair(case.prompt, careful_answer(case, rng), careless_answer(case, kind, rng), kind))
    return pairs


def rewritten(pair: Pair, rng: random.Random) -> Pair:
    """A synthetic twin: the same question, a careful answer and the same kind of careless one, in other words.

    Nobody is asked again: the twin of a flipped pair is flipped.
    """
    case = case_of(pair.prompt)
    twin = Pair(pair.prompt, careful_answer(case, rng), careless_answer(case, pair.kind, rng), pair.kind)
    return twin.swapped() if pair.flipped else twin


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
