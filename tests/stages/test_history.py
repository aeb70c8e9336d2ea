import pytest

from rlhf_lessons.stages.history import History
from rlhf_lessons.stages.metrics import METRICS


def test_records_come_back_as_a_list_and_as_a_table():
    history = History()
    history.append(step=1, loss=2.0)
    history.append(step=2, loss=1.0, accuracy=0.5)
    assert len(history) == 2
    assert history.latest == {"step": 2, "loss": 1.0, "accuracy": 0.5}
    assert [record["loss"] for record in history] == [2.0, 1.0]
    assert history.frame().columns.tolist() == ["step", "loss", "accuracy"]
    assert History(history.records).records == history.records


def test_a_metric_nobody_explained_is_refused():
    with pytest.raises(ValueError, match=r"metrics: \['vibes'\] is not explained"):
        History().append(step=1, vibes=1.0)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_meaning_formula_and_healthy_range(name):
    metric = METRICS[name]
    assert metric.meaning and metric.formula and metric.healthy
