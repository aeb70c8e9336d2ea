from collections.abc import Iterator

import pytest
import torch

from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.world.tokenizer import course_tokenizer


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads are quicker, and far slower as soon as the machine has anything else to do."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def policy() -> GPT:
    """A model of the course's own size, untrained: weights do not matter for the time."""
    return GPT(GPTConfig(course_tokenizer().vocab_size), seed=0)
