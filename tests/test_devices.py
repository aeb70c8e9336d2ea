"""Another device gives the CPU's digits, and one tensor in the wrong place ends the run."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from rlhf_lessons import devices, pipeline
from rlhf_lessons.model import gpt
from tests.another_device import NAME, There, another_device
from tests.test_pipeline import TINY

SMALL = {"updates": 1, "rollout_size": 8, "minibatch_size": 4, "max_new_tokens": 3}
PLANS = {**TINY, "ppo": SMALL, "rloo": SMALL | {"group_size": 2}, "grpo": SMALL | {"group_size": 2}}


def whole_course():
    made = {}
    for stage, recipe in pipeline.STAGES.items():
        parents = {name: made[name] for name in recipe.parents}
        made[stage] = pipeline.ensure(stage, 5, parents, progress=False, **PLANS[stage])
    return made


@pytest.mark.slow
def test_every_stage_gives_the_cpus_digits_on_another_device_trained_or_loaded(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path / "cpu"))
    here = whole_course()
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path / "there"))
    with another_device():
        there, again = whole_course(), whole_course()
    for stage, trained in here.items():
        assert (trained.device, there[stage].device, again[stage].device) == ("cpu", NAME, NAME)
        assert (there[stage].loaded, again[stage].loaded) == (False, True)
        assert there[stage].history.records == trained.history.records
        for found in (there[stage], again[stage]):
            for weights, elsewhere in zip(trained.model.parameters(), found.model.parameters(), strict=True):
                assert isinstance(elsewhere, There) and torch.equal(weights, elsewhere.held)


def test_a_tensor_that_is_made_in_the_wrong_place_ends_the_run(tiny, notes, monkeypatch):
    right = gpt.causal_mask
    monkeypatch.setattr(gpt, "causal_mask", lambda *args: right(*args).cpu())
    model = gpt.GPT(tiny.config)
    assert model(notes.tokens).shape == (*notes.tokens.shape, tiny.config.vocab_size)
    with another_device(), pytest.raises(RuntimeError, match=r"Expected all tensors to be on the same device"):
        gpt.GPT(tiny.config)(notes.tokens.to(NAME))


DRAWS = {
    "rand": lambda generator: torch.rand(3, 2, generator=generator),
    "randint": lambda generator: torch.randint(9, (5,), generator=generator),
    "randperm": lambda generator: torch.randperm(7, generator=generator),
    "poisson": lambda generator: torch.poisson(torch.ones(4), generator=generator),
    "multinomial": lambda generator: torch.multinomial(torch.ones(4), 2, generator=generator),
    "normal_": lambda generator: torch.empty(5).normal_(2.0, 0.5, generator=generator),
    "nn.init": lambda generator: torch.nn.init.uniform_(torch.nn.Linear(2, 3).weight, generator=generator),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_seed_draws_the_same_on_every_device(draw):
    here = draw(torch.Generator().manual_seed(1))
    with another_device():
        there = draw(torch.Generator().manual_seed(1))
    assert isinstance(there, There) and torch.equal(there.held, here)
    assert there.requires_grad == here.requires_grad


def test_numpy_sees_what_is_on_another_device():
    with another_device():
        there = torch.arange(3)
        assert there.numpy().tolist() == np.asarray(there).tolist() == [0, 1, 2]


def test_where_a_device_has_no_doubles_they_stay_on_the_cpu(monkeypatch):
    with another_device():
        assert isinstance(torch.ones(2).double(), There)
        monkeypatch.setattr(devices, "WITHOUT_DOUBLES", (NAME,))
        found = torch.ones(2).double() * torch.tensor([0.5, 1.0], dtype=torch.float64) * torch.tensor(np.ones(2))
        assert isinstance(torch.tensor(np.ones(2), dtype=torch.float32), There)
    assert type(found) is torch.Tensor and found.tolist() == [0.5, 1.0]


def test_a_thread_makes_its_tensors_on_the_chosen_device_and_no_other_thread_does(monkeypatch):
    monkeypatch.setattr(devices, "chosen", lambda: "meta")
    with ThreadPoolExecutor(1) as another:
        for _ in range(2):
            another.submit(devices.use).result()
        assert another.submit(torch.zeros, 2).result().is_meta
        assert another.submit(torch._C._len_torch_function_stack).result() == 2
    assert torch.zeros(2).device.type == "cpu"


def test_on_the_cpu_torch_is_left_as_it_is(monkeypatch):
    for name in ("cpu", ""):
        monkeypatch.setenv(devices.VARIABLE, name)
        devices.use()
    assert torch._C._len_torch_function_stack() == 0


@pytest.mark.parametrize(("cuda", "mps", "best"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_auto_takes_the_fastest_device_that_is_there(cuda, mps, best, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setenv(devices.VARIABLE, "auto")
    assert devices.chosen() == best


def test_a_device_that_is_none_or_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name, allowed in {"tpu": "it must be one of auto, cpu, cuda, mps", "cuda": "this machine: .*cpu"}.items():
        monkeypatch.setenv(devices.VARIABLE, name)
        with pytest.raises(ValueError, match=f"^RLHF_LESSONS_DEVICE: '{name}' is not allowed; .*{allowed}$"):
            devices.chosen()
