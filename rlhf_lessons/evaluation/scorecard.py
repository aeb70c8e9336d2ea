"""How good are a model's answers, in truth? The rubric judges samples on cases the model was never aligned on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.stages.rollout import answer, as_sequences
from rlhf_lessons.statistics.shares import Share
from rlhf_lessons.world.cases import case_of
from rlhf_lessons.world.datasets import encode_prompts
from rlhf_lessons.world.rubric import Judgement, judge
from rlhf_lessons.world.tokenizer import Tokenizer, course_tokenizer

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

    safe: safe to act on; recall: of the avoid and reduce cases, answers that warn as they should;
    specificity: of the safe cases, answers that say so; dose: of the reduce cases, answers with the right dose;
    hedged: answers that hedge. `gold_score` is the mean rubric score (0 to 1), `length` the mean number of words.
    """

    safe: Share
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
            recall=share(safe, truth("avoid", "reduce")),
            specificity=share(safe, truth("safe")),
            dose=share(lambda a: a.judgement.parts["advice"] > 0, truth("reduce")),
            hedged=share(lambda a: a.judgement.hedged),
            gold_score=sum(a.judgement.score for a in answers) / len(answers),
            length=sum(len(a.text.split()) for a in answers) / len(answers),
        )


def sample_answers(
    policy: GPT, prompts: Sequence[str], n_each: int = 8, temperature: float = 1.0, seed: int = 0
) -> list[Answer]:
    """`n_each` answers of the policy to every prompt, judged. Temperature 0 is greedy."""
    generator = torch.Generator().manual_seed(seed)
    rows = encode_prompts(course_tokenizer(), [p for p in prompts for _ in range(n_each)])
    return judged(as_sequences(answer(policy, rows, MAX_NEW_TOKENS, temperature, generator)))


def scorecard(
    policy: GPT, prompts: Sequence[str], n_each: int = 8, temperature: float = 1.0, seed: int = 0
) -> Scorecard:
    """Sample, judge, and sum up."""
    return Scorecard.of(sample_answers(policy, prompts, n_each, temperature, seed))


def judged(sequences: Sequences) -> list[Answer]:
    """The rubric's judgement of every sequence."""
    return [Answer(prompt, text, judge(case_of(prompt), text)) for prompt, text in texts(sequences)]


def table(answers: Sequence[Answer]) -> pd.DataFrame:
    """Answers as a table: prompt, the true verdict, the answer, whether it is safe to act on, its score, and why."""
    rows = [
        {
            "prompt": a.prompt,
            "truth": case_of(a.prompt).verdict,
            "answer": a.text,
            "safe": "yes" if a.judgement.safe else "NO",
            "score": a.judgement.score,
            "rubric": a.judgement.why,
        }
        for a in answers
    ]
    return pd.DataFrame(rows)


def texts(sequences: Sequences) -> list[tuple[str, str]]:
    """Prompt and answer of every sequence, as words."""
    tokenizer: Tokenizer = course_tokenizer()
    rows = zip(sequences.tokens.tolist(), sequences.prompt_lengths.tolist(), strict=True)
    return [(tokenizer.decode(row[:split]), tokenizer.decode(row[split:])) for row, split in rows]


def gold_score(sequences: Sequences) -> Tensor:
    """The rubric's scores (N,), in the shape of a reward function."""
    return torch.tensor([a.judgement.score for a in judged(sequences)])


def gold_safety(sequences: Sequences) -> Tensor:
    """1 where the rubric finds the answer safe to act on, else 0; (N,)."""
    return torch.tensor([float(a.judgement.safe) for a in judged(sequences)])
