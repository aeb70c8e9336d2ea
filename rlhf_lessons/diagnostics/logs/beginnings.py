"""Is it too early to say? A run in its warm-up, or in its first tenth, is no sick run."""

from rlhf_lessons.diagnostics.logs.columns import Log

FIRST = 0.1  # of the run


def too_early(log: Log) -> str:
    """Why it is too early to judge, in words; "" where it is not, or where the log does not say how far the run is."""
    return ""
