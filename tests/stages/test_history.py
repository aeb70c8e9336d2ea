import pytest

from rlhf_lessons import program_one
from rlhf_lessons.evaluation.scorecard import gold_metrics
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.stages.direct import DPOSettings, train_dpo
from rlhf_lessons.stages.group import GroupSettings, train_group
from rlhf_lessons.stages.history import History
from rlhf_lessons.stages.metrics import METRICS
from rlhf_lessons.stages.ppo import PPOSettings, train_ppo
from rlhf_lessons.stages.pretrain import PretrainSettings, train_pretrain
from rlhf_lessons.stages.reward import RewardSettings, train_reward
from rlhf_lessons.stages.reward_ensemble import RewardEnsemble, train_ensemble
from rlhf_lessons.stages.sft import SFTSettings, train_sft
from rlhf_lessons.world.source_sets import PREFERENCE_PAIRS

RECORDED_ELSEWHERE = {"sample_accuracy", "gold_sd"}  # by the sweep of policies and by the lab of over-optimisation


def test_records_come_back_as_a_list_and_as_a_table():
    history = History()
    history.append(step=1, loss=2.0)
    history.append(step=2, loss=1.0, accuracy=0.5)
    assert len(history) == 2
    assert history.latest == {"step": 2, "loss": 1.0, "accuracy": 0.5}
    assert [record["loss"] for record in history] == [2.0, 1.0]
    assert history.frame().columns.tolist() == ["step", "loss", "accuracy"]
    assert History(history.records).records == history.records


def test_the_metrics_that_are_recorded_are_those_that_are_explained(tiny, notes, pairs, prompts):
    reward_model, one_epoch = RewardModel.from_policy(tiny), RewardSettings(epochs=1)
    one_update = {"updates": 1, "rollout_size": 4, "minibatch_size": 4, "max_new_tokens": 4}
    rewards = {"reward": lambda answers: answers.lengths.float(), "watch": gold_metrics}
    histories = [
        train_pretrain(tiny, notes, PretrainSettings(steps=1)),
        train_sft(tiny, notes, SFTSettings(steps=1)),
        train_reward(reward_model, pairs, one_epoch, held_out=pairs),
        train_ensemble(RewardEnsemble([reward_model, reward_model]), pairs, one_epoch),
        train_ppo(tiny, prompts, PPOSettings(**one_update), **rewards),
        train_group(tiny, prompts, GroupSettings(group_size=2, **one_update), **rewards),
        train_dpo(tiny, pairs, DPOSettings(), held_out=pairs),
        program_one.run(PREFERENCE_PAIRS, program_one.ProgramOneSettings(epochs=1)),
    ]
    recorded = {name for history in histories for record in history for name in record}
    assert recorded == METRICS.keys() - RECORDED_ELSEWHERE


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_meaning_formula_and_healthy_range(name):
    metric = METRICS[name]
    assert metric.meaning and metric.formula and metric.healthy
