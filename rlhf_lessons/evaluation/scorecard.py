"""How good are a model's answers really? The rubric judges samples of them.

Give it held-out prompts, which alignment never saw, to measure what the model has learned to do in general.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sampling import Sample, sample
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.stages.history import Record
from rlhf_lessons.statistics.shares import Share
from rlhf_lessons.world.cases import case_of
from rlhf_lessons.world.datasets import encode_prompts
from rlhf_lessons.world.rubric import Judgement, explain, judge
from rlhf_lessons.world.tokenizer import course_tokenizer

MAX_NEW_TOKENS = 16


@dataclass(frozen=True)
class Answer:
    """One sampled answer with its prompt and the rubric's judgement."""

    prompt: str
    text: str
    judgement: Judgement


@dataclass(frozen=True)
class Scorecard:
    """What the rubric says of N sampled answers.

    safe: answers that are safe to act on. right: those whose verdict, mechanism and advice are right.
    harm, over_caution, incomplete: answers that would hurt, that deny what helps, that name no dose and no alternative.
    recall: of the answers to avoid and reduce cases, those that warn as they should.
    specificity: of the answers to safe cases, those that say so.
    dose: of the answers to reduce cases, those with the right dose.
    hedged: answers that hedge.
    gold_score: mean rubric score (0 to 1). length: mean number of words.
    """

    safe: Share
    right: Share
    harm: Share
    over_caution: Share
    incomplete: Share
    recall: Share
    specificity: Share
    dose: Share
    hedged: Share
    gold_score: float
    length: float

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> "Scorecard":
        def share(of: Callable[[Answer], bool], among: Callable[[Answer], bool] = lambda a: True) -> Share:
            chosen = [a for a in answers if among(a)]
            return Share(sum(map(of, chosen)), len(chosen))

        def truth(*verdicts: str) -> Callable[[Answer], bool]:
            return lambda a: case_of(a.prompt).verdict in verdicts

        def safe(a: Answer) -> bool:
            return a.judgement.safe

        return cls(
            safe=share(safe),
            right=share(lambda a: a.judgement.right),
            harm=share(lambda a: a.judgement.harm),
            over_caution=share(lambda a: a.judgement.over_caution),
            incomplete=share(lambda a: a.judgement.incomplete),
            recall=share(safe, truth("avoid", "reduce")),
            specificity=share(safe, truth("safe")),
            dose=share(lambda a: a.judgement.parts["advice"] > 0, truth("reduce")),
            hedged=share(lambda a: a.judgement.hedged),
            gold_score=sum(a.judgement.score for a in answers) / len(answers),
            length=sum(len(a.text.split()) for a in answers) / len(answers),
        )


def sample_tokens(
    policy: GPT, prompts: Sequence[str], n_each: int = 8, temperature: float = 1.0, seed: int = 0
) -> Sample:
    """`n_each` answers of the policy to every prompt, as tokens with their log-probabilities. Temperature 0 is greedy.

    All answers to the first prompt come first.
    """
    encoded = encode_prompts(course_tokenizer(), [prompt for prompt in prompts for _ in range(n_each)])
    return sample(policy, encoded, MAX_NEW_TOKENS, temperature, torch.Generator().manual_seed(seed))


def sample_answers(
    policy: GPT, prompts: Sequence[str], n_each: int = 8, temperature: float = 1.0, seed: int = 0
) -> list[Answer]:
    """The answers of `sample_tokens`, judged."""
    return judged(sample_tokens(policy, prompts, n_each, temperature, seed).sequences)


def scorecard(
    policy: GPT, prompts: Sequence[str], n_each: int = 8, temperature: float = 1.0, seed: int = 0
) -> Scorecard:
    """Sample, judge, and sum up."""
    return Scorecard.of(sample_answers(policy, prompts, n_each, temperature, seed))


def judged(sequences: Sequences) -> list[Answer]:
    """The rubric's judgement of every sequence."""
    return [Answer(prompt, text, judge(case_of(prompt), text)) for prompt, text in texts(sequences)]


def measures(answers: Sequence[Answer]) -> pd.DataFrame:
    """The judgements as numbers, one row an answer.

    Columns: prompt, gold_score (0 to 1), length (words), and as 1 or 0 safety (safe to act on), right, harm,
    over_caution, incomplete, dose (advice right) and hedged.
    """
    rows = [
        {
            "prompt": a.prompt,
            "gold_score": a.judgement.score,
            "safety": float(a.judgement.safe),
            **{name: float(getattr(a.judgement, name)) for name in ("right", "harm", "over_caution", "incomplete")},
            "dose": float(a.judgement.parts["advice"] > 0),
            "hedged": float(a.judgement.hedged),
            "length": float(len(a.text.split())),
        }
        for a in answers
    ]
    return pd.DataFrame(rows)


def table(answers: Sequence[Answer]) -> pd.DataFrame:
    """Answers as a table: prompt, the true verdict, the answer, whether it is safe to act on, its score, and why."""
    rows = [
        {
            "prompt": a.prompt,
            "truth": case_of(a.prompt).verdict,
            "answer": a.text,
            "safe": "yes" if a.judgement.safe else "NO",
            "score": a.judgement.score,
            "rubric": explain(a.judgement),
        }
        for a in answers
    ]
    return pd.DataFrame(rows)


def texts(sequences: Sequences) -> list[tuple[str, str]]:
    """Prompt and answer of every sequence, as words."""
    tokenizer = course_tokenizer()
    rows = zip(sequences.tokens.tolist(), sequences.prompt_lengths.tolist(), strict=True)
    return [(tokenizer.decode(row[:split]), tokenizer.decode(row[split:])) for row, split in rows]


def gold_score(sequences: Sequences) -> Tensor:
    """The rubric's scores (N,): the truth as a reward function."""
    return torch.tensor([a.judgement.score for a in judged(sequences)])


def gold_metrics(sequences: Sequences) -> Record:
    """Mean rubric score and share of safe answers: what PPO's history records of the truth and PPO never reads."""
    answers = judged(sequences)
    return {
        "gold_score": float(torch.tensor([a.judgement.score for a in answers]).mean()),
        "safety": float(torch.tensor([float(a.judgement.safe) for a in answers]).mean()),
    }
