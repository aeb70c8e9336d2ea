"""Lab of notebook 00: choose in five pairs yourself, and see the reward model that your choices make.

It is a bag of words, which needs no trained model and hides nothing.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from rlhf_lessons import bag_of_words
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.controls import Choices
from rlhf_lessons.labs.frame.lab import Lab, Round, Verdict, too_early
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.labs.frame.word_bars import draw_word_bars
from rlhf_lessons.labs.frame.wording import BEST, CHANCE
from rlhf_lessons.plots.style import Meaning
from rlhf_lessons.statistics.intervals import Interval, t_interval
from rlhf_lessons.world.annotators import EXPERTS, best_possible, curated_pairs, preference
from rlhf_lessons.world.answers import KINDS
from rlhf_lessons.world.cases import case_of
from rlhf_lessons.world.datasets import Pair, written_pairs

SHOWN_KINDS = (*KINDS, "wrong_verdict")  # of the careless answers: one pair each
NEW_PAIRS = 1_000
SIZES, DRAWS = (5, 10, 20, 50, 100, 200, 500), 5  # of what more labels would teach
LEAST_WEIGHT = 0.005  # what shows as 0.00 did not move
KNOB = Choices("choices", meaning="The answer that you chose in each pair, 1 or 2.", rounds=len(SHOWN_KINDS))


@dataclass(frozen=True)
class Exam:
    """What every reward model of this lab is asked.

    new (pairs, words): `bag_of_words.differences` of pairs that an annotator chose in; facts (pairs,): a number for the
    fact of each. best: the share of them that nobody can beat. more: the share that a model ranks right which learned
    from so many labels (`SIZES`) of annotators, the mean of `DRAWS` draws.
    """

    columns: dict[str, int]
    new: np.ndarray
    facts: np.ndarray
    best: float
    more: list[float]


@dataclass(frozen=True)
class Learned:
    """A reward model made by `choices` in the first rounds, a digit each.

    labels (rounds chosen, words): their `bag_of_words.differences`. weights (rounds chosen + 1, words): before the
    first label and after each.
    """

    choices: str
    labels: np.ndarray
    weights: np.ndarray

    @property
    def margins(self) -> list[float]:
        """By how much the chosen answer of each round is ahead."""
        return (self.labels @ self.weights[-1]).tolist()

    @cached_property
    def ranked_right(self) -> list[Interval]:
        """The share of new pairs ranked as an annotator did, after each label; the interval covers other facts."""
        return [t_interval(0.5 + np.sign(exam().new @ weights) / 2, exam().facts) for weights in self.weights]

    @property
    def words(self) -> dict[str, float]:
        """The weights that labels have moved, the highest first."""
        found = sorted(zip(exam().columns, self.weights[-1].tolist(), strict=True), key=lambda item: -item[1])
        return {word: weight for word, weight in found if abs(weight) >= LEAST_WEIGHT}


def compute(choices: str = "") -> Learned:
    """The reward model that learns from these choices alone. Raises ValueError for what is no text of 1 and 2."""
    KNOB.check(choices)
    pairs = zip(choices, rounds(), strict=False)
    chosen = [(r.first, r.second) if choice == "1" else (r.second, r.first) for choice, r in pairs]
    labels = bag_of_words.differences(chosen, exam().columns)
    return Learned(choices, labels, np.stack([bag_of_words.fit(labels[:n]) for n in range(len(labels) + 1)]))


@cache
def rounds() -> tuple[Round, ...]:
    """The five pairs on train cases, one for each of `SHOWN_KINDS`, in random order, either answer first."""
    rng = random.Random("five pairs")
    pairs = [written_pairs(1, mix={kind: 1.0}, seed=seed)[0] for seed, kind in enumerate(SHOWN_KINDS)]
    rng.shuffle(pairs)
    return tuple(Round(pair.prompt, *rng.sample([pair.chosen, pair.rejected], 2)) for pair in pairs)


def _habits() -> Mapping[str, str]:
    """The choices of people who choose by a rule."""
    best = "".join("1" if preference(r.prompt, r.first, r.second, EXPERTS) > 0.5 else "2" for r in rounds())
    return {
        "as the rubric": best,
        "always the longer": "".join("1" if len(r.first.split()) >= len(r.second.split()) else "2" for r in rounds()),
        "a coin": "".join(random.Random("a coin").choices("12", k=len(best))),
        "against the rubric": best.translate(str.maketrans("12", "21")),
    }


HABITS = _habits()


@cache
def exam() -> Exam:
    """New pairs on tuning cases, and what many labels teach about them; made once."""
    new, draws = curated_pairs(NEW_PAIRS, "tuning"), [curated_pairs(SIZES[-1], seed=seed) for seed in range(DRAWS)]
    seen = [answers for pairs in (new, *draws) for answers in _answers(pairs)] + [(r.first, r.second) for r in rounds()]
    columns = bag_of_words.columns(answer for answers in seen for answer in answers)
    tested, *taught = (bag_of_words.differences(_answers(pairs), columns) for pairs in (new, *draws))
    more = [np.mean([np.sign(tested @ bag_of_words.fit(labels[:size])) for labels in taught]) for size in SIZES]
    _, numbers = np.unique([" ".join(sorted(case_of(pair.prompt).fact)) for pair in new], return_inverse=True)
    return Exam(columns, tested, numbers, best_possible(new).accuracy, [0.5 + float(sign) / 2 for sign in more])


def _answers(pairs: list[Pair]) -> list[tuple[str, str]]:
    return [(pair.chosen, pair.rejected) for pair in pairs]


@cache
def _by_the_rubric() -> Learned:
    return compute(HABITS["as the rubric"])


def draw(result: Learned, canvas: Canvas) -> None:
    """Margins of the five pairs, new pairs ranked right after each label, and the words that gained and lost most."""
    rubrics = _by_the_rubric()
    heights = canvas.fit(0, [*result.margins, *rubrics.margins], 0.0)
    canvas.axis(0, "Its own five pairs", "pair", "margin", (0.5, KNOB.rounds + 0.5), heights)
    canvas.level(0, 0.0, "")
    canvas.axis(1, "New pairs ranked right", "labels", "share", (0.9, 1.1 * SIZES[-1]), (0.2, 0.95), log_x=True)
    canvas.level(1, 0.5, CHANCE)
    canvas.level(1, exam().best, BEST, "best")
    canvas.curve(1, "people", SIZES, exam().more, "before")
    both: dict[Meaning, tuple[str, Learned]] = {"gold": ("rubric", rubrics), "own": ("you", result)}
    for aside, (meaning, (name, learned)) in zip((0.12, -0.12), both.items(), strict=True):
        pairs, shares = 1 + np.arange(len(learned.choices)), [share.value for share in learned.ranked_right[1:]]
        canvas.curve(0, name, pairs + aside, learned.margins, meaning, points=True)
        canvas.curve(1, name, pairs, shares, meaning)
    draw_word_bars(canvas, 2, "Words: gained, lost", "weight", result.words)


def verdict(result: Learned) -> Verdict:
    """What the labels taught, on pairs that it never saw."""
    chosen, of = len(result.choices), KNOB.rounds
    if chosen < of:
        return too_early({"pairs chosen": f"{chosen} of {of}"}, f"Choose the better answer; {of - chosen} pairs to go.")
    right, rubrics = result.ranked_right[-1], _by_the_rubric().ranked_right[-1]
    own, (liked, *_), (*_, disliked) = sum(margin > 0 for margin in result.margins), result.words, result.words
    alike = sum(a == b for a, b in zip(result.choices, HABITS["as the rubric"], strict=True))
    shares = f"{own} of {of}", f"{right.value:.0%}", f"{alike} of {of}"
    figures = dict(zip(("own pairs right", "new pairs right", "chosen as the rubric"), shares, strict=True))
    sentence = (
        f"It likes {liked!r}, not {disliked!r}. New pairs right: {right:.0%}; by the rubric's labels "
        f"{rubrics.value:.0%}, a coin 50%, at best {exam().best:.0%}."
    )
    if right.low > 0.5:
        return Verdict("better than a coin", "good", figures, sentence)
    if right.high < 0.5:
        return Verdict("worse than a coin", "bad", figures, sentence)
    return Verdict("no better than a coin", "warn", figures, sentence)


def text(result: Learned) -> str:
    """What the labels cannot tell, the pairs that were chosen with the rubric's choices, and all weights."""
    unknown = 1 - len(result.words) / len(exam().columns)
    lines = [
        f"It has no weight for {unknown:.0%} of the words of this lab's answers, and it never reads the question: "
        "'safe to take' gets the same reward whatever the patient takes. More labels cure the first, not the second."
    ]
    for n, (choice, best, r) in enumerate(zip(result.choices, HABITS["as the rubric"], rounds(), strict=False), 1):
        lines.append(f"{n}. {r.prompt}  you: {choice}, the rubric: {best}\n   1 {r.first}\n   2 {r.second}")
    return "\n".join([*lines, "Weights: " + ", ".join(f"{word} {w:+.2f}" for word, w in result.words.items())])


LAB = Lab(
    title="You judge: five pairs, one reward model",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    rounds=lambda _: rounds(),
    canvas=lambda: Canvas(3),
    ranges={"choices": KNOB},
    presets={name: {"choices": choices} for name, choices in HABITS.items()},
)


def show(**initial: Any) -> Panel:
    """The lab on the screen. Settings given here replace the defaults."""
    return Panel(LAB, initial)
