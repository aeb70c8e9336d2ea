"""Another device without a GPU: tensors that say they are elsewhere, and refuse what the tensors of a GPU refuse.

Each holds a tensor of the CPU, with which it computes. So a run on this device gives the CPU's digits, if every tensor
is made where it belongs; one that is not ends the run, as it would on a GPU. It calls itself `lazy`, the one device
beside `meta` through which a torch without a GPU lets gradients run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map_only

from rlhf_lessons import devices

NAME = "lazy"
aten = torch.ops.aten
BETWEEN_DEVICES = {aten._to_copy.default, aten.copy_.default}


@contextmanager
def another_device() -> Iterator[None]:
    """While the block runs, tensors are made on the other device, as `devices.use` has it for a GPU."""
    fused = patch("torch.optim.adam._device_dtype_check_for_fused")  # knows the names of the devices that have it
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor shows that it moves what it makes, as for FakeTensorMode
    try:
        with fused, _Device(), torch.device(NAME), devices.OnDevice(NAME):
            yield
    finally:
        torch._C._set_only_lift_cpu_tensors(False)


class There(Tensor):
    """A tensor on the other device; `held` has its numbers."""

    @staticmethod
    def __new__(cls, held: Tensor) -> "There":
        shape = {"strides": held.stride(), "storage_offset": held.storage_offset()}
        return Tensor._make_wrapper_subclass(cls, held.shape, dtype=held.dtype, device=NAME, **shape)

    def __init__(self, held: Tensor) -> None:
        self.held = held

    def tolist(self):  # torch has none for tensors like this one
        return self.held.tolist()

    def __format__(self, form):
        return format(self.held, form)

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return _run(function, args, kwargs or {})


class _Device(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return _run(function, args, kwargs or {})


def _run(function, args, kwargs):
    tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
    is_there = any(isinstance(one, There) for one in tensors)
    strangers = [one for one in tensors if one.ndim and not isinstance(one, There)]
    if is_there and strangers and function not in BETWEEN_DEVICES:
        raise RuntimeError(f"Expected all tensors to be on the same device, but {function} got some of the CPU")
    named = kwargs.get("device")
    goes_there = is_there if named is None else torch.device(named).type == NAME
    held, given = tree_map_only(There, lambda one: one.held, (args, kwargs))
    found = function(*held, **given if named is None else {**given, "device": "cpu"})
    if function is aten.copy_.default:
        return args[0]
    if goes_there:
        return return_and_correct_aliasing(function, args, kwargs, tree_map_only(Tensor, There, found))
    return found
