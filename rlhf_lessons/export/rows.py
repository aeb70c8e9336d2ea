"""The course's data as rows in TRL's forms, with messages: preference, prompt-completion, prompt-only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rlhf_lessons.evaluation.scorecard import Scorecard, judged
from rlhf_lessons.keys import Key
from rlhf_lessons.messages import Message, message, preference
from rlhf_lessons.pipeline import RewardPlan, SFTPlan, ensure, preference_pairs
from rlhf_lessons.world.annotators import add_noise, best_possible
from rlhf_lessons.world.cases import cases_in
from rlhf_lessons.world.datasets import Note, Pair, demonstrations, encode_notes, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

Row = dict[str, list[Message]]
TRAIN, HELD_OUT = "train", "held_out"
TITLES = {TRAIN: "for training", HELD_OUT: "held out"}
HELD_OUT_PAIRS = 2_000


@dataclass(frozen=True)
class Rows:
    """The rows by split, their form in words, the key of what made them; what was measured of them, and how."""

    splits: Mapping[str, list[Row]]
    form: str
    key: Key
    measured: Mapping[str, str]
    how: str


def pair_rows(seed: int) -> Rows:
    """Preference pairs, half of them of the SFT model's own answers, as annotators chose."""
    plan = RewardPlan(seed=seed)
    train = add_noise(_pairs(plan, TRAIN, plan.n_pairs), plan.noise, seed)
    splits = {TRAIN: train, HELD_OUT: held_out_pairs(seed)}
    best = {TITLES[name]: best_possible(pairs) for name, pairs in splits.items()}
    names = {"n_pairs", "sampled_share", "noise", "annotator_temperature", "length_bias", "seed"}
    return Rows(
        {
            name: [preference(pair.prompt, pair.chosen, pair.rejected) for pair in pairs]
            for name, pairs in splits.items()
        },
        "preference (prompt, chosen, rejected)",
        Key.of("pairs", plan.model_dump(include=names), [preference_pairs, add_noise], [ensure("sft", seed).key]),
        {f"best accuracy that anybody can expect, {name}": f"{found.accuracy:.1%}" for name, found in best.items()}
        | {f"pairs on which two annotators agree, {name}": f"{found.agreement:.1%}" for name, found in best.items()},
        f"Pairs: annotators choose the better answer with probability sigma(gap / {plan.annotator_temperature}), the "
        f"gap being that of the rubric's scores; ties are left out. {plan.sampled_share:.0%} of the pairs are two "
        "answers of the SFT model, the others a careful and a careless one. What nobody can beat follows from these "
        "probabilities.",
    )


def held_out_pairs(seed: int) -> list[Pair]:
    """The pairs that reward models are judged on: of cases whose facts alignment never saw."""
    return _pairs(RewardPlan(seed=seed), HELD_OUT, HELD_OUT_PAIRS)


def demonstration_rows(seed: int) -> Rows:
    """What experts answer, the data of SFT."""
    plan = SFTPlan(seed=seed)
    how = (plan.n_demonstrations, plan.careless_share, plan.blind_share)
    splits = {split: demonstrations(*how, split, seed) for split in (TRAIN, HELD_OUT)}
    names = {"n_demonstrations", "careless_share", "blind_share", "seed"}
    safe = {
        f"safe to act on, {TITLES[name]}": f"{Scorecard.of(judged(encode_notes(course_tokenizer(), notes))).safe}"
        for name, notes in splits.items()
    }
    return Rows(
        {name: [_demonstration(note) for note in notes] for name, notes in splits.items()},
        "prompt-completion (prompt, completion)",
        Key.of("demonstrations", plan.model_dump(include=names), [demonstrations]),
        safe,
        f"Demonstrations: {plan.careless_share:.0%} are careless; in situations that experts in a hurry shrug off, "
        f"{plan.blind_share:.0%} are. The rubric judges; intervals are 95 %.",
    )


def prompt_rows(seed: int) -> Rows:
    """The questions that policies are trained on, the same for every seed."""
    splits = (TRAIN, HELD_OUT)
    return Rows(
        {split: [{"prompt": [message("user", prompt)]} for prompt in prompts_in(split)] for split in splits},
        "prompt-only (prompt)",
        Key.of("prompts", {}, [prompts_in]),
        {f"facts, {TITLES[split]}": f"{len({case.fact for case in cases_in(split)})}" for split in splits},
        "Prompts: the same questions for every seed. No fact stands in both files.",
    )


DATA: Mapping[str, Callable[[int], Rows]] = {
    "pairs": pair_rows,
    "demonstrations": demonstration_rows,
    "prompts": prompt_rows,
}


def _pairs(plan: RewardPlan, split: str, n_pairs: int) -> list[Pair]:
    return preference_pairs(ensure("sft", plan.seed).model, n_pairs, plan.sampled_share, split, plan.seed, plan)


def _demonstration(note: Note) -> Row:
    return {"prompt": [message("user", note.prompt)], "completion": [message("assistant", note.answer)]}
