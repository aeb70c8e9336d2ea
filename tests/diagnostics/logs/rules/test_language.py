"""Language models: chance level, overfitting, and health on their own terms."""

import numpy as np
import pytest

from rlhf_lessons.diagnostics.log_reader import diagnose


def sft(loss, held_out=(), every=10) -> list[dict[str, float]]:
    """Records of an SFT run, evaluated every ten rows."""
    records = [{"step": step, "loss": value, "mean_token_accuracy": 0.5} for step, value in enumerate(loss, 1)]
    for place, value in enumerate(held_out, 1):
        records.insert(place * (every + 1) - 1, {"step": place * every, "eval_loss": value})
    return records


FALLS = np.linspace(1.6, 1.1, 40) + 0.02 * (-1.0) ** np.arange(40)


@pytest.mark.parametrize("held_out", [(), (1.5, 1.4, 1.35, 1.36)])
def test_a_loss_that_falls_is_healthy_on_its_own_terms(held_out):
    diagnosis = diagnose(sft(FALLS, held_out))
    assert (diagnosis.kind, diagnosis.state) == ("sft", "healthy") and not diagnosis.ready_for_ppo
    assert "nothing about preferences" in str(diagnosis)


def test_a_rising_held_out_loss_is_overfit_and_the_best_evaluation_is_named():
    diagnosis = diagnose(sft(np.linspace(1.6, 0.3, 40), (1.42, 1.31, 1.38, 1.55)))
    assert diagnosis.state == "sick" and diagnosis.findings[0].code == "LM002"
    assert "lowest, 1.31, at step 20" in diagnosis.findings[0].evidence and "27.1 % more" in str(diagnosis)


def test_a_flat_loss_is_chance_only_where_it_can_be_the_logarithm_of_a_vocabulary():
    flat = 0.01 * (-1.0) ** np.arange(20)
    assert diagnose(sft(10.37 + flat)).findings[0].code == "LM001"
    assert diagnose(sft(1.95 + flat)).state == "cannot tell"
    later = [{**row, "step": row["step"] + 500} for row in sft(4.1 + flat)]
    assert diagnose(sft(4.1 + flat)).findings[0].code == "LM001" and diagnose(later).state == "cannot tell"


@pytest.mark.parametrize("height", [6.0, 20.0])
def test_a_loss_that_climbs_far_over_its_start_is_unstable_though_it_comes_down_again(height):
    loss = [1.9, *np.linspace(2.0, height, 12), *np.linspace(height, 2.5, 15)]
    assert "LM003" in {found.code for found in diagnose(sft(loss)).findings if found.grave}
    assert diagnose(sft([1.9, 2.4, *FALLS])).state != "sick"


def test_a_held_out_loss_that_falls_steadily_is_enough_and_one_that_stands_still_is_not():
    def state(held_out):
        rows = [{"step": n, "loss": 1.5 + 0.4 * (-1) ** n, "eval_loss": loss} for n, loss in enumerate(held_out)]
        return diagnose(rows).state

    assert state([1.7 - n / 100 for n in range(11)]) == "healthy"
    assert state([0.6] * 101) == "cannot tell" and state([1.7 - n / 10_000 for n in range(11)]) == "cannot tell"
