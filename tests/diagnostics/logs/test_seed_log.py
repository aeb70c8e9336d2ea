import pytest

from rlhf_lessons.diagnostics.logs.seed_log import seed_log


def test_a_stage_has_its_own_columns():
    log = seed_log("reward_model")
    assert log["epoch"].tolist() == [20, 40, 60, 80, 100]
    assert log["reward_preferred"].iloc[-1] == -9.99 and log["accuracy"].iloc[0] == 0.35
    assert list(seed_log("sft").columns) == ["epoch", "loss"]


def test_an_unknown_stage_is_refused():
    with pytest.raises(ValueError, match="stage: 'ppo' is not allowed; it must be one of pretraining, sft"):
        seed_log("ppo")
