"""The lab of the RM fix on an untrained body of width 8; notebook 05 shows it on the real one."""

import html
import re
from types import SimpleNamespace

import pytest
import torch

from rlhf_lessons.labs import reward_fix as lab
from rlhf_lessons.labs.frame.wording import LN_2
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.sweeps import frozen_heads
from rlhf_lessons.sweeps.phase_diagram import LEARNING_RATES
from rlhf_lessons.world.datasets import prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def tiny():
    """Everything the lab caches, made from a tiny body, and forgotten afterwards."""
    body = GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=8), seed=0)
    caches = (frozen_heads.pair_leads, frozen_heads.maps_at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frozen_heads, "pipeline", SimpleNamespace(ensure=lambda *_, **__: SimpleNamespace(model=body)))
        for cached in caches:
            cached.cache_clear()
        yield
    for cached in caches:
        cached.cache_clear()


def fitted(own: list[list[float]], new: list[list[float]], **changes) -> lab.FittedHead:
    maps = {name: torch.rand(len(LEARNING_RATES), len(lab.SIZES)) for name in ("accuracy", "nll")}
    return lab.FittedHead(**{
        "learning_rate": 0.01, "n_pairs": 20, "climbs": False, "own": torch.tensor(own), "new": torch.tensor(new),
        "map_scale": 0.0, "maps": maps,
    } | changes)  # fmt: skip


def test_a_head_that_starts_at_zero_costs_a_coin_and_learns_its_own_pairs():
    result = lab.compute(learning_rate=0.1, head_init_scale=0.0)
    for pairs in ("own pairs", "new pairs"):
        assert result.losses[pairs][0] == pytest.approx(LN_2, abs=1e-4) and result.accuracies[pairs][0] == 0.5
    assert result.losses["own pairs"][-1] < LN_2
    assert result.own.shape == (101, 20) and result.new.shape == (101, frozen_heads.TUNING_PAIRS)


def test_a_step_that_climbs_as_logged_raises_the_loss_wherever_you_stand():
    for n_pairs in (20, 4_000):
        losses = lab.compute(update="as_logged", n_pairs=n_pairs).losses["own pairs"]
        assert losses == sorted(losses) and losses[-1] > losses[0]


def test_the_same_seed_gives_the_same_head():
    assert lab.compute(seed=3).new.equal(lab.compute(seed=3).new)
    assert not lab.compute(seed=3).new.equal(lab.compute(seed=4).new)


def test_the_map_shows_what_its_heads_measure_where_they_stand():
    row, column = 6, 2
    cells = [lab.compute(LEARNING_RATES[row], 3.0, lab.SIZES[column], seed=seed) for seed in frozen_heads.MAP_SEEDS]
    accuracy = sum(cell.accuracies["new pairs"][-1] for cell in cells) / len(cells)
    loss = sum(cell.losses["new pairs"][-1] for cell in cells) / len(cells)
    assert float(cells[0].maps["accuracy"][row, column]) == pytest.approx(accuracy, abs=2e-3)
    assert float(cells[0].maps["nll"][row, column]) == pytest.approx(loss, rel=1e-3)


@pytest.mark.parametrize(("scale", "nearest"), [(0.2, 0.0), (4.0, 3.0), (20.0, 20.0)])
def test_the_map_is_the_one_of_the_nearest_initialisation(scale, nearest):
    assert lab.compute(head_init_scale=scale).map_scale == nearest


def test_pairs_that_judge_are_of_tuning_cases(monkeypatch):
    asked = []

    def curated(n: int, split: str):
        asked.append(split)
        return real(n, split)

    real = frozen_heads.curated_pairs
    monkeypatch.setattr(frozen_heads, "curated_pairs", curated)
    frozen_heads.pair_leads.__wrapped__()
    assert asked == ["train", "tuning"]
    assert {pair.prompt for pair in real(50, "tuning")}.isdisjoint(prompts_in("held_out"))


def test_measures_by_hand():
    result = fitted([[0.0, 0.0], [2.0, -2.0]], [[0.0, 0.0], [3.0, 0.0]])
    assert result.accuracies == {"own pairs": [0.5, 0.5], "new pairs": [0.5, 0.75]}
    assert result.losses["new pairs"][-1] == pytest.approx((0.0486 + LN_2) / 2, abs=1e-3)
    assert result.bins.pairs.sum() == 2


@pytest.mark.parametrize(
    ("own", "new", "changes", "says"),
    [
        ([0.0, -4.0], [0.0, -4.0], {"climbs": True}, "rises from 0.693 to 4.018: the step climbs"),
        ([-6.0, -5.5], [-6.0, -5.5], {}, "first weights are so large"),
        ([0.0, 0.01], [0.0, 0.01], {}, "The step is too small"),
        ([0.0, 9.0], [0.0, -2.0], {}, "Confident and wrong"),
        ([0.0, 9.0], [0.0, 0.1], {}, "52% sure on average: underconfident"),
        ([0.0, 4.0], [0.0, 4.0], {}, "about as sure as right"),
    ],
)
def test_the_verdict_names_the_state(own, new, changes, says):
    result = fitted(*([[margin] * 5 for margin in margins] for margins in (own, new)), **changes)
    assert says in lab.verdict(result) and lab.verdict(result).endswith(".")


def test_it_may_be_right_and_too_sure():
    new = [[0.0] * 10, [2.5] * 7 + [-0.5] * 3]
    assert "overconfident" in lab.verdict(fitted([[0.0], [9.0]], new))


def test_the_best_place_is_where_the_maps_loss_is_lowest():
    result = fitted([[0.0], [1.0]], [[0.0], [1.0]])
    result.maps["nll"][4, 6] = -1.0
    assert lab.best_place(result) == (LEARNING_RATES[4], lab.SIZES[6])
    assert f"at learning rate {LEARNING_RATES[4]:.2g} and 2,000 pairs" in lab.text(result)


def test_the_picture_is_labelled_and_the_point_stands_where_the_knobs_say():
    canvas = lab.LAB.canvas()
    canvas.begin()
    lab.draw(lab.compute(learning_rate=0.03, n_pairs=300), canvas)
    canvas.render()
    for ax in canvas.panels:
        assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title(loc="left")
    levels = [{line.get_ydata()[0] for line in ax.lines if len(set(line.get_ydata())) == 1} for ax in canvas.panels]
    best = frozen_heads.tuning_ceiling()
    assert best.loss in levels[2] and best.accuracy in levels[3]
    for ax in canvas.panels[:2]:
        (you,) = [line for line in ax.lines if line.get_label() == "you"]
        assert list(you.get_xdata()) == [300] and list(you.get_ydata()) == [0.03]
        assert ax.collections and ax.get_xscale() == ax.get_yscale() == "log"


def test_the_map_is_painted_anew_only_for_another_map(monkeypatch):
    painted = []
    monkeypatch.setattr(lab, "paint_map", lambda ax, metric, **_: painted.append(metric))
    canvas = lab.LAB.canvas()
    for knobs in ({}, {"learning_rate": 0.02}, {"n_pairs": 100}, {"head_init_scale": 10.0}, {"update": "as_logged"}):
        canvas.begin()
        lab.draw(lab.compute(**knobs), canvas)
        canvas.render()
    assert painted == ["accuracy", "nll"] * 3


def test_presets_are_allowed_and_the_question_has_an_answer(check_presets):
    check_presets(lab)
    assert lab.LAB.question.answer(lab.compute()) == lab.compute().losses["new pairs"][-1]


def test_every_knob_changes_the_picture():
    panel = lab.show()
    first = panel.image.value
    changes = {"learning_rate": 0.1, "head_init_scale": 10.0, "n_pairs": 100, "update": "as_logged", "seed": 3}
    assert changes.keys() == panel.controls.keys()
    for change in ({name: value} for name, value in changes.items()):
        panel.set(**(panel.first_settings | change))
        assert panel.image.value != first, change


def test_the_code_line_gives_the_same_result():
    panel = lab.show(learning_rate=0.05)
    scope: dict = {}
    exec(html.unescape(re.sub("<[^>]*>", "", panel.code.value)), scope)
    assert scope["result"].new.equal(panel.result.new)
