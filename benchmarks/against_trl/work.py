"""What is timed: each piece of work as our stages do it and as TRL's trainers do it, from the same weights."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from benchmarks.against_trl import twins
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.model.sampling import sample
from rlhf_lessons.model.sequences import PairSet, Sequences
from rlhf_lessons.stages.group import GroupSettings, train_group
from rlhf_lessons.stages.reward import RewardSettings, train_reward
from rlhf_lessons.stages.sft import SFTSettings, train_sft
from rlhf_lessons.world import datasets
from rlhf_lessons.world.tokenizer import course_tokenizer

GENTLE = {"learning_rate": 1e-5, "kl_stop": 1_000.0}  # no update of a group ends early


Job = Callable[[], float]  # does the work and gives the processor's seconds that it took


@dataclass(frozen=True)
class Work:
    """Each prepares a job on a policy. `theirs` takes TRL's settings too."""

    ours: Callable[[GPT], Job]
    theirs: Callable[..., Job]


def seconds(job: Callable[[], object]) -> float:
    """The processor's seconds that a job takes."""
    started = time.process_time()
    job()
    return time.process_time() - started


def policy(layers: int, width: int) -> GPT:
    """An untrained model: weights do not matter for the time. It hardly ever ends an answer early."""
    return GPT(GPTConfig(course_tokenizer().vocab_size, layers=layers, heads=4, width=width), seed=0)


def judge(model: GPT) -> RewardModel:
    """A reward model on a copy of the policy, with a head that is not 0."""
    return RewardModel.from_policy(model, head_init_scale=1.0)


def pairs(n_pairs: int) -> PairSet:
    return datasets.encode_pairs(course_tokenizer(), datasets.written_pairs(n_pairs, seed=0))


def demonstrations(n_notes: int) -> Sequences:
    return datasets.encode_notes(course_tokenizer(), datasets.demonstrations(n_notes, seed=0))


def prompts() -> Sequences:
    return datasets.encode_prompts(course_tokenizer(), datasets.prompts_in("train"))


def reward(n_pairs: int, epochs: int, batch_size: int = 64) -> Work:
    data, settings = pairs(n_pairs), RewardSettings(epochs=epochs, batch_size=batch_size)

    def ours(model: GPT) -> Job:
        return partial(seconds, partial(train_reward, judge(model), data, settings))

    def theirs(model: GPT, **options: Any) -> Job:
        return partial(twins.seconds_of_steps, twins.reward_trainer(judge(model), data, settings, **options))

    return Work(ours, theirs)


def sft(steps: int) -> Work:
    data, settings = demonstrations(500), SFTSettings(steps=steps)

    def ours(model: GPT) -> Job:
        return partial(seconds, partial(train_sft, model, data, settings))

    def theirs(model: GPT, **options: Any) -> Job:
        return partial(twins.seconds_of_steps, twins.sft_trainer(model, data, settings, **options))

    return Work(ours, theirs)


def sampling(n_answers: int, new_tokens: int) -> Work:
    asked = prompts()[torch.arange(n_answers) % len(prompts())]

    def ours(model: GPT) -> Job:
        return partial(seconds, partial(sample, model, asked, new_tokens))

    def theirs(model: GPT, **_: Any) -> Job:
        twin, inputs = twins.generation(model, asked, new_tokens)
        return partial(seconds, partial(twin.generate, **inputs))

    return Work(ours, theirs)


def groups(kind: type[GroupSettings], updates: int) -> Work:
    """Sampling, a reward that costs next to nothing, and two passes over two minibatches."""
    asked, settings = prompts(), kind(updates=updates, **GENTLE)

    def ours(model: GPT) -> Job:
        return partial(seconds, partial(train_group, model, asked, settings, odd_tokens, standardise=False))

    def theirs(model: GPT, **options: Any) -> Job:
        trainer = twins.group_trainer(model, asked, settings, odd_tokens_of_answers, **options)
        return partial(twins.seconds_of_steps, trainer)

    return Work(ours, theirs)


def odd_tokens(answers: Sequences) -> torch.Tensor:
    """A reward (N,): how many tokens have odd numbers. Those of the prompt are the same for a whole group."""
    return (answers.tokens % 2).sum(dim=1).float()


def odd_tokens_of_answers(answers: list[list[int]]) -> list[float]:
    """The same for TRL, of the answers alone."""
    return [float(sum(token % 2 for token in answer)) for answer in answers]
