"""What a policy says while it trains: three prompts, the SFT model's answer beside its own, the judge and the truth."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rlhf_lessons.evaluation.scorecard import Answer, judged, sample_tokens
from rlhf_lessons.labs.frame.curves import Training
from rlhf_lessons.labs.frame.lab import Bar, Card
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.stages.rollout import RewardFunction, ScoreScale
from rlhf_lessons.world.cases import cases_in
from rlhf_lessons.world.formulary import VERDICTS

SCALE_ANSWERS = 64  # of the SFT model, on which the judge's zero and unit rest


class Conversation:
    """Greedy answers to three tuning prompts, the first of each verdict: the SFT model's, and the policy's latest.

    The judge's score is told in standard deviations above its mean score of answers of the SFT model.
    """

    def __init__(self, sft: GPT, judge: RewardFunction):
        prompts = [case.prompt for case in cases_in("tuning")]
        self.prompts = [next(c.prompt for c in cases_in("tuning") if c.verdict == verdict) for verdict in VERDICTS]
        self._judge = judge
        self._scale = ScoreScale.of(judge(sample_tokens(sft, prompts[:SCALE_ANSWERS], 1).sequences))
        self.before, _ = self._ask(sft)
        self.after, self.scores = self._ask(sft)

    def listen(self, policy: GPT) -> None:
        """Ask the policy as it is now."""
        self.after, self.scores = self._ask(policy)

    def cards(self) -> list[Card]:
        """One a prompt."""
        return [
            Card(before.prompt, before.text, after.text, self._bars(float(score), after.judgement.score))
            for before, after, score in zip(self.before, self.after, self.scores, strict=True)
        ]

    def _ask(self, policy: GPT) -> tuple[list[Answer], Tensor]:
        drawn = sample_tokens(policy, self.prompts, 1, temperature=0.0).sequences
        return judged(drawn), self._scale(self._judge(drawn))

    def _bars(self, score: float, truth: float) -> tuple[Bar, Bar]:
        share = float(torch.sigmoid(torch.tensor(score)))
        return Bar("judge", share, f"{score:+.1f} sd", "proxy"), Bar("truth", truth, f"{truth:.0%}", "gold")


@dataclass(kw_only=True)
class PolicyTraining(Training):
    """The training of a policy, and what it says."""

    said: Conversation
