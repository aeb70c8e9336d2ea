"""Where tensors are made: on the CPU, or on the device that the learner names.

The trainers say nothing of devices, so that they read as in a book. Once a thread has called `use`, whatever it makes
is made on the device, beside the model. Only what a seed draws is drawn on the CPU, where the generators are, and then
moved: the same seed gives the same draws on every device, though sums round differently there.

The CPU is the default: there the course's own figures come out.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

from rlhf_lessons.refusals import check_choice

VARIABLE = "RLHF_LESSONS_DEVICE"
CHOICES = ("auto", "cpu", "cuda", "mps")
WITHOUT_DOUBLES = ("mps",)  # there, doubles stay on the CPU
TO_NUMPY = (Tensor.numpy, Tensor.__array__)

_thread = threading.local()


def chosen() -> str:
    """The device that RLHF_LESSONS_DEVICE names; `auto` is the first of `present`, and unset means the CPU.

    Raises ValueError for another name, and for a device that this machine has not.
    """
    return _found(VARIABLE, os.environ.get(VARIABLE) or "cpu")


def choose(name: str) -> None:
    """Set the device for this process and those that it starts. Raises ValueError as `chosen` does."""
    _found("device", name)
    os.environ[VARIABLE] = name


def _found(field: str, name: str) -> str:
    check_choice(field, name, CHOICES)
    if name == "cpu":  # without a look for others, which wakes a GPU
        return name
    here = present()
    if name != "auto" and name not in here:
        raise ValueError(f"{field}: {name!r} is not allowed; it must be auto, or of this machine: {', '.join(here)}")
    return here[0] if name == "auto" else name


def present() -> list[str]:
    """The devices of this machine that its torch can use, the fastest first."""
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, is_here in found.items() if is_here]


def use() -> None:
    """From now on this thread makes its tensors on the chosen device. On the CPU, and the second time, nothing is done.

    Raises ValueError as `chosen` does.
    """
    device = chosen()
    if device != "cpu" and not hasattr(_thread, "mode"):
        torch.set_default_device(device)
        _thread.mode = OnDevice(device).__enter__()


class OnDevice(TorchFunctionMode):
    """What torch's default device leaves out: seeded draws, NumPy, and doubles where a device has none."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = torch.device(device)

    def __torch_function__(
        self, function: Callable, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        generator = kwargs.get("generator")
        if generator is not None and generator.device.type == "cpu" and kwargs.get("device") is None:
            return self._draw(function, args, kwargs)
        without_doubles = self.device.type in WITHOUT_DOUBLES
        if function in TO_NUMPY or (without_doubles and _makes_doubles(function, args, kwargs)):
            return _on_cpu(function, args, kwargs)
        return function(*args, **kwargs)

    def _draw(self, function: Callable, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
        with torch.no_grad():
            drawn = _on_cpu(function, args, kwargs)
            if not function.__name__.endswith("_"):
                return drawn.to(self.device)
            filled = next(value for value in (*args, *kwargs.values()) if isinstance(value, Tensor))  # by normal_
            return filled.copy_(drawn)


def _makes_doubles(function: Callable, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    made_of = args[0] if args else None
    is_array = isinstance(made_of, np.ndarray) and made_of.dtype == np.float64 and kwargs.get("dtype") is None
    return function is Tensor.double or kwargs.get("dtype") is torch.float64 or is_array


def _on_cpu(function: Callable, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    there, named = tree_map_only(Tensor, Tensor.cpu, (tuple(args), dict(kwargs)))
    with torch.device("cpu"):
        return function(*there, **named)
