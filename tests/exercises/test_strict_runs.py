"""`rlhf-lessons run` ends a blank notebook well, unless the run is strict."""

import pytest

from rlhf_lessons import exercises, progress, reruns
from rlhf_lessons.exercises.exercise import STRICT_VARIABLE

IMPORT = "from rlhf_lessons.exercises.sft import ANSWER_MASK"
STUB = "@ANSWER_MASK.check\ndef answer_mask(prompt_length, length, width):\n    return {}"
USE = "assert answer_mask(3, 6, 8)[2]"


@pytest.mark.slow
def test_blank_passes_strictly_blank_fails_and_strictly_solved_passes(write_notebook, tmp_path, monkeypatch):
    def errors(answer: str) -> list[str]:
        path = write_notebook("02_sft", IMPORT, STUB.format(answer), USE)
        return reruns.run_notebook(path, {}, tmp_path / "out.ipynb").errors

    assert errors("None") == []
    assert progress.find("exercise", "02.answer_mask")["state"] == "undone"
    monkeypatch.setenv(STRICT_VARIABLE, "1")
    (error,) = errors("None")
    assert error.startswith("02_sft, in a cell: NotSolved: exercise 02.answer_mask: undone. Not done yet")
    assert "02.answer_mask" in exercises.names("02")
    assert errors("[prompt_length <= j + 1 < length for j in range(width - 1)]") == []
    assert progress.find("exercise", "02.answer_mask")["state"] == "right"
