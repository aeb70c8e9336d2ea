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
    ("update", "word", "says"),
    [
        ("as_logged", "climbing", "climbs. Both rewards fall: the shared bias is not cancelled."),
        ("sign_fixed", "drifting", "descends. Both rewards rise: the shared bias is not cancelled."),
        ("bias_cancelled", "climbing", "climbs. The shared bias is cancelled."),
        ("both_fixed", "healthy", "descends. The shared bias is cancelled."),
        ("autograd", "healthy", "descends. The shared bias is cancelled."),
    ],
)
def test_the_verdict_names_the_fault(update, word, says, check_verdict):
    verdict = check_verdict(lab.verdict(lab.compute(update=update)))
    assert verdict.word == word and says in verdict.sentence


def test_a_step_of_nearly_nothing_hardly_moves_and_drifts_by_no_minus_zero(check_verdict):
    verdict = check_verdict(lab.verdict(lab.compute(update="both_fixed", learning_rate=1e-4)))
    assert verdict.word == "hardly moving" and verdict.figures["drift an epoch"] == "+0.000"


def test_the_log_stands_beside_the_documents():
    ours, documents = lab.text(lab.compute()).split("\n\n")
    assert len(ours.splitlines()) == len(documents.splitlines()) == 6
    assert "Epoch 100: Loss=0.7044, Margin=-0.022, Accuracy=35%, r(pref)=-9.99, r(dispref)=-9.97" in documents


def test_the_picture_shows_the_run_and_the_log(draw_small):
    for ax in draw_small(lab, lab.compute()).panels:
        assert ax.get_xlabel() == "epoch"
        (logged,) = [line for line in ax.lines if line.get_label() == "document"]
        assert list(logged.get_xdata()) == list(seed_log("reward_model")["epoch"])


def test_presets_are_allowed(check_lab):
    check_lab(lab)


def test_every_knob_changes_the_picture():
    panel = lab.show()
    first = panel.stage.picture
    changes = {"learning_rate": 0.03, "reward_offset": 5.0, "weight_scale": 0.9, "n_pairs": 5, "seed": 3}
    for change in ({name: value} for name, value in (changes | {"update": "autograd"}).items()):
        panel.set(**(panel.first_settings | change))
        assert panel.stage.picture != first, change


def test_the_code_line_gives_the_same_result(run_code):
    panel = lab.show(learning_rate=0.02, update="both_fixed")
    assert run_code(panel).history.records == panel.result.history.records
