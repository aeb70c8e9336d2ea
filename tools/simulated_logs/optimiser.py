"""Adam, as all trainers use it."""

import numpy as np


class Adam:
    """Kingma and Ba's direction of a step (arXiv:1412.6980, algorithm 1), to be multiplied by the learning rate."""

    def __init__(self, shape: tuple[int, ...], beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> None:
        self.mean = np.zeros(shape, dtype=np.float32)
        self.square = np.zeros(shape, dtype=np.float32)
        self.beta1, self.beta2, self.eps, self.steps = beta1, beta2, eps, 0

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        """The moved mean of the gradients over the root of the moved mean of their squares, both without bias."""
        self.steps += 1
        self.mean += (1 - self.beta1) * (gradient - self.mean)
        self.square += (1 - self.beta2) * (gradient**2 - self.square)
        mean = self.mean / (1 - self.beta1**self.steps)
        return mean / (np.sqrt(self.square / (1 - self.beta2**self.steps)) + self.eps)
