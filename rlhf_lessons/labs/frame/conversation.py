"""What a language model says while it trains: three prompts, its answer before the training and now, and the truth."""

from dataclasses import dataclass
from textwrap import shorten

import torch

from rlhf_lessons.evaluation.scorecard import Answer, judged, sample_tokens
from rlhf_lessons.labs.frame.curves import Training
from rlhf_lessons.labs.frame.lab import Bar, Card
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.rollout import RewardFunction, ScoreScale
from rlhf_lessons.world.cases import cases_in
from rlhf_lessons.world.formulary import VERDICTS

SCALE_ANSWERS = 64  # of the model before training, on which the judge's zero and unit rest
LONGEST = 64  # characters of an answer, for which a card has room
Said = list[tuple[Answer, tuple[Bar, ...]]]


class Conversation:
    """Greedy answers to three tuning prompts, the first of each verdict: those of the `start`, and the latest.

    The score of a `judge` is told in standard deviations above its mean score of answers of the start.
    """

    def __init__(self, start: GPT, judge: RewardFunction | None = None):
        cases = cases_in("tuning")
        self.prompts = [next(case.prompt for case in cases if case.verdict == verdict) for verdict in VERDICTS]
        self._judge = judge
        if judge:
            asked = [case.prompt for case in cases[:SCALE_ANSWERS]]
            self._scale = ScoreScale.of(judge(sample_tokens(start, asked, 1).sequences))
        self.before = self.now = self._ask(start)

    def listen(self, model: GPT) -> None:
        """Ask the model as it is now."""
        self.now = self._ask(model)

    def cards(self) -> list[Card]:
        """One a prompt."""
        return [
            Card(before.prompt, _short(before.text), _short(now.text), bars)
            for (before, _), (now, bars) in zip(self.before, self.now, strict=True)
        ]

    def _ask(self, model: GPT) -> Said:
        drawn = sample_tokens(model, self.prompts, 1, temperature=0.0).sequences
        scores = self._scale(self._judge(drawn)).tolist() if self._judge else []
        judge: list[tuple[Bar, ...]] = [(_judge_bar(score),) for score in scores] or [()] * len(self.prompts)
        return [(answer, (*bars, _truth_bar(answer))) for answer, bars in zip(judged(drawn), judge, strict=True)]


def _judge_bar(score: float) -> Bar:
    share = float(torch.sigmoid(torch.tensor(score)))
    return Bar("judge", share, f"{score:+z.1f} sd", "proxy")


def _truth_bar(answer: Answer) -> Bar:
    return Bar("truth", answer.judgement.score, f"{answer.judgement.score:.0%}", "gold")


@dataclass(kw_only=True)
class PolicyTraining(Training):
    """The training of a language model, and what it says."""

    said: Conversation

    def add(self, record: Record, policy: GPT) -> None:
        """Keep a record, and what the policy says by now."""
        self.records.append(record)
        self.said.listen(policy)


def _short(text: str) -> str:
    return shorten(text, LONGEST, placeholder=" ...")
