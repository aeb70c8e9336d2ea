"""What every objective checks first: a wrong shape would otherwise broadcast to a wrong number in silence."""

from torch import Tensor


def check_same_shape(**tensors: Tensor) -> None:
    """Raise a ValueError that names the first tensor and any other of another shape."""
    (first, reference), *others = tensors.items()
    for name, tensor in others:
        if tensor.shape != reference.shape:
            shapes = f"{tuple(reference.shape)} and {tuple(tensor.shape)}"
            raise ValueError(f"{first} and {name}: shapes {shapes} are not allowed; they must be equal")


def check_logits(logits: Tensor, **tensors: Tensor) -> None:
    """Raise a ValueError unless logits are (B, T, V) and every other tensor is (B, T)."""
    for name, tensor in tensors.items():
        if logits.ndim != 3 or tensor.shape != logits.shape[:2]:
            shapes = f"{tuple(logits.shape)} and {tuple(tensor.shape)}"
            raise ValueError(f"logits and {name}: shapes {shapes} are not allowed; they must be (B, T, V) and (B, T)")


def check_mask(mask: Tensor) -> None:
    """Raise a ValueError for a mask that marks nothing: its mean would be 0 / 0."""
    if not mask.any():
        raise ValueError(f"mask: {tuple(mask.shape)} all false is not allowed; it must mark at least one token")


def check_number(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Raise a ValueError for a value outside low to high, and for nan."""
    if not low <= value <= high:
        allowed = f"a number from {low:g} up" if high == float("inf") else f"a number from {low:g} to {high:g}"
        raise ValueError(f"{name}: {value} is not allowed; it must be {allowed}")
