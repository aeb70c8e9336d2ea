"""Which cases a table of before and after shows."""

import pandas as pd
import pytest

from rlhf_lessons.evaluation.before_after import LOST, WON, differing


def answers(*safe: str) -> pd.DataFrame:
    rows = [{"prompt": f"case {n}", "truth": "avoid", "answer": f"{n} {one}", "safe": one, "score": 0, "rubric": "r"}
            for n, one in enumerate(safe)]  # fmt: skip
    return pd.DataFrame(rows)


def test_only_cases_whose_safety_changed_are_shown_what_was_lost_first():
    table = differing(answers("yes", "NO", "NO", "yes"), answers("yes", "yes", "NO", "NO"))
    assert table.prompt.tolist() == ["case 3", "case 1"] and table.change.tolist() == [LOST, WON]
    assert table.loc[1, ["answer before", "answer after"]].tolist() == ["1 NO", "1 yes"]


def test_policies_that_are_safe_alike_have_nothing_to_show():
    assert differing(answers("yes", "NO"), answers("yes", "NO")).empty


@pytest.mark.parametrize("after", [answers("yes"), answers("yes", "NO")[::-1]])
def test_answers_to_other_prompts_are_refused(after):
    with pytest.raises(ValueError, match="before, after: their prompts are not allowed"):
        differing(answers("yes", "NO"), after)
