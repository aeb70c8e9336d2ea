import html
import re

import numpy as np
import pytest

from rlhf_lessons.diagnostics.logs.seed_log import seed_log
from rlhf_lessons.labs import program_one as lab


def test_the_defaults_reproduce_the_log():
    frame, logged = lab.compute().history.frame().set_index("epoch"), seed_log("reward_model")
    ours = frame.loc[logged["epoch"]]
    assert np.allclose(ours["loss"], logged["loss"], atol=0.005)
    assert np.allclose(ours["reward_chosen"], logged["reward_preferred"], atol=0.1)


@pytest.mark.parametrize(("changes", "drift"), [({}, 0.1), ({"learning_rate": 0.005}, 0.05), ({"n_pairs": 10}, 0.05)])
def test_the_drift_is_what_the_learner_predicts(changes, drift):
    assert -lab.compute(**changes).drift == pytest.approx(drift, rel=0.05)
    assert lab.LAB.question.answer(lab.compute(**changes)) == pytest.approx(drift, rel=0.05)


@pytest.mark.parametrize(
    ("update", "says"),
    [
        ("as_logged", "climbs.* fall together by 0.100 an epoch: the shared bias is not cancelled"),
        ("sign_fixed", "descends.* rise together by .*the shared bias is not cancelled"),
        ("bias_cancelled", "climbs.*the shared bias stands still"),
        ("both_fixed", "descends.*the shared bias stands still"),
        ("autograd", "descends.*the shared bias stands still"),
    ],
)
def test_the_verdict_names_the_fault(update, says):
    assert re.search(says, lab.verdict(lab.compute(update=update)))


def test_the_log_stands_beside_the_documents():
    ours, documents = lab.text(lab.compute()).split("\n\n")
    assert len(ours.splitlines()) == len(documents.splitlines()) == 6
    assert "Epoch 100: Loss=0.7044, Margin=-0.022, Accuracy=35%, r(pref)=-9.99, r(dispref)=-9.97" in documents


def test_the_picture_shows_the_run_and_the_log():
    canvas = lab.LAB.canvas()
    canvas.begin()
    lab.draw(lab.compute(), canvas)
    canvas.render()
    for ax in canvas.panels:
        assert ax.get_xlabel() == "epoch" and ax.get_ylabel() and ax.get_title(loc="left")
        assert "document's log" in [line.get_label() for line in ax.lines]


def test_every_knob_changes_the_picture():
    panel = lab.show()
    first = panel.image.value
    changes = {"learning_rate": 0.03, "reward_offset": 5.0, "weight_scale": 0.9, "n_pairs": 5, "seed": 3}
    for change in ({name: value} for name, value in (changes | {"update": "autograd"}).items()):
        panel.set(**(panel.first_settings | change))
        assert panel.image.value != first, change


def test_the_code_line_gives_the_same_result():
    panel = lab.show(learning_rate=0.02, update="both_fixed")
    scope: dict = {}
    exec(html.unescape(re.sub("<[^>]*>", "", panel.code.value)), scope)
    assert scope["result"].history.records == panel.result.history.records
