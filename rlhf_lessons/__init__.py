"""RLHF lessons: reinforcement learning from human feedback, small enough to run on a laptop."""

__version__ = "0.1.0"
