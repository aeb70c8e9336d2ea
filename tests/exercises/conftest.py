"""What a test does with an exercise must not stand in the learner's own progress."""

import pytest

from rlhf_lessons import progress
from rlhf_lessons.exercises.exercise import STRICT_VARIABLE


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress"))
    monkeypatch.delenv(STRICT_VARIABLE, raising=False)
