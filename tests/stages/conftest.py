import pytest
import torch

from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.world import datasets
from rlhf_lessons.world.tokenizer import course_tokenizer


@pytest.fixture(autouse=True)
def one_thread():
    """Pinned numbers must not depend on how many cores the machine has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny():
    """A GPT small enough to train in a second, untrained."""
    return GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=16), seed=0)


@pytest.fixture
def notes():
    return datasets.encode_notes(course_tokenizer(), datasets.corpus(64, seed=0))


@pytest.fixture
def pairs():
    return datasets.encode_pairs(course_tokenizer(), datasets.curated_pairs(32, seed=0))


@pytest.fixture
def prompts():
    return datasets.encode_prompts(course_tokenizer(), datasets.prompts_in("train")[:16])
