"""Where the time of a PPO update goes. The answers of an untrained policy are cut to the lengths of real ones."""

import statistics
from collections.abc import Iterator

import pytest
import torch

from benchmarks.timing import ratio, seconds
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel, ValueModel
from rlhf_lessons.model.sampling import Sample, sample
from rlhf_lessons.model.sequences import PAD_ID
from rlhf_lessons.stages import ppo
from rlhf_lessons.stages.loop import optimiser
from rlhf_lessons.stages.reward import score
from rlhf_lessons.stages.rollout import response_hidden, response_index, response_logprobs
from rlhf_lessons.world.datasets import corpus, encode_notes
from rlhf_lessons.world.tokenizer import course_tokenizer

SETTINGS, REPEATS = ppo.PPOSettings(), 7


@pytest.fixture
def real_answers(policy) -> Sample:
    """256 notes of the corpus in the shape of sampled answers: their lengths are those of a trained policy."""
    notes = encode_notes(course_tokenizer(), corpus(SETTINGS.rollout_size))
    lengths = notes.lengths - notes.prompt_lengths
    mask = torch.arange(SETTINGS.max_new_tokens) < lengths[:, None]
    index = (notes.prompt_lengths[:, None] + torch.arange(SETTINGS.max_new_tokens)).clamp(max=notes.tokens.shape[1] - 1)
    responses = notes.tokens.gather(1, index).where(mask, torch.tensor(PAD_ID))
    with torch.no_grad():  # those of the policy itself: otherwise an update would see it far away, and end at once
        logprobs = response_logprobs(policy, notes, responses) * mask
    return Sample(notes, responses, mask, logprobs)


def parts(policy: GPT, drawn: Sample) -> Iterator[dict[str, float]]:
    """Seconds of sampling, scoring, collecting and updating, update by update."""
    critic, judge = ValueModel.from_policy(policy), RewardModel.from_policy(policy, head_init_scale=1.0)
    optimizers = {model: optimiser(model, 1e-9) for model in (policy, critic)}
    prompts, generator, made = drawn.sequences, torch.Generator().manual_seed(0), []
    reference = GPT(policy.config, seed=1)

    def gather() -> None:
        scores = torch.zeros(len(prompts))
        made.append(ppo.collect(drawn, scores, reference, critic, SETTINGS.kl_coef, SETTINGS))

    for _ in range(REPEATS + 1):
        yield {
            "sampling": seconds(lambda: sample(policy, prompts, SETTINGS.max_new_tokens, 1.0, generator)),
            "scoring": seconds(lambda: score(judge, prompts)),
            "reference and critic": seconds(gather),
            "updating": seconds(lambda: ppo.update_policy(policy, critic, optimizers, made[-1], SETTINGS, generator)),
        }


def test_updating_takes_the_largest_part_of_an_update_of_256_answers(policy, real_answers):
    measured = list(parts(policy, real_answers))[1:]  # the first builds the optimiser's machinery
    medians = {name: statistics.median(row[name] for row in measured) for name in measured[0]}
    total = sum(medians.values())
    print("\n" + "\n".join(f"{name:21} {value:.3f} s  {value / total:.0%}" for name, value in medians.items()))
    assert max(medians, key=medians.get) == "updating"


def test_answers_in_two_halves_take_less_time_than_in_one_pass(policy, real_answers):
    """The largest part is reduced: the shorter half's padding is not computed."""
    part = real_answers.sequences[torch.arange(SETTINGS.minibatch_size)]
    index = response_index(part, SETTINGS.max_new_tokens)

    def halves() -> None:
        response_hidden(policy, part, SETTINGS.max_new_tokens).sum().backward()

    def whole() -> None:
        policy.hidden_at(part.tokens, index).sum().backward()

    assert ratio(whole, halves, "answers, one pass / two halves", repeats=31) > 1.0
