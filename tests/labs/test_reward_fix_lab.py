"""The lab of the RM fix on an untrained body of width 8; notebook 05 shows it on the real one."""

from types import SimpleNamespace

import pytest
import torch

from rlhf_lessons.labs import reward_fix as lab
from rlhf_lessons.labs.frame.canvas import Screen
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
    ("own", "new", "changes", "word", "says"),
    [
        ([0.0, -4.0], [0.0, -4.0], {"climbs": True}, "climbing", "rises from 0.693 to 4.018."),
        ([-6.0, -5.5], [-6.0, -5.5], {}, "sure of nothing", "cannot take them back"),
        ([0.0, 0.01], [0.0, 0.01], {}, "hardly moving", "The step is too small"),
        ([0.0, 9.0], [0.0, -2.0], {}, "confident and wrong", "lose more than a coin's"),
        ([0.0, 9.0], [0.0, 0.1], {}, "underconfident", "52% sure on average and right 100% of the time."),
        ([0.0, 4.0], [0.0, 4.0], {}, "calibrated", "about as sure as right"),
    ],
)
def test_the_verdict_names_the_state(own, new, changes, word, says, check_verdict):
    result = fitted(*([[margin] * 5 for margin in margins] for margins in (own, new)), **changes)
    verdict = check_verdict(lab.verdict(result))
    assert verdict.word == word and says in verdict.sentence


def test_it_may_be_right_and_too_sure():
    new = [[0.0] * 10, [2.5] * 7 + [-0.5] * 3]
    assert lab.verdict(fitted([[0.0], [9.0]], new)).word == "overconfident"


def test_the_best_place_is_where_the_maps_loss_is_lowest():
    result = fitted([[0.0], [1.0]], [[0.0], [1.0]])
    result.maps["nll"][4, 6] = -1.0
    assert lab.best_place(result) == (LEARNING_RATES[4], lab.SIZES[6])
    assert f"at learning rate {LEARNING_RATES[4]:.2g} and 2,000 pairs" in lab.text(result)


def test_the_picture_is_labelled_and_the_point_stands_where_the_knobs_say(draw_small):
    losses_map, *curves, calibration = draw_small(lab, lab.compute(learning_rate=0.03, n_pairs=300)).panels
    (you,) = [line for line in losses_map.lines if line.get_label() == "you"]
    assert list(you.get_xdata()) == [300] and list(you.get_ydata()) == [0.03]
    assert losses_map.collections and losses_map.get_xscale() == losses_map.get_yscale() == "log"
    levels = [{line.get_ydata()[0] for line in ax.lines if len(set(line.get_ydata())) == 1} for ax in curves]
    best = frozen_heads.tuning_ceiling()
    assert {best.loss, LN_2} <= levels[0] and {best.accuracy, 0.5} <= levels[1]
    assert calibration.get_xlabel() == "how sure"


def test_the_map_is_painted_anew_only_for_another_map(monkeypatch):
    painted = []
    monkeypatch.setattr(lab, "paint_map", lambda ax, losses, **_: painted.append(losses))
    canvas = lab.LAB.canvas()
    for knobs in ({}, {"learning_rate": 0.02}, {"n_pairs": 100}, {"head_init_scale": 10.0}, {"update": "as_logged"}):
        canvas.begin()
        lab.draw(lab.compute(**knobs), canvas)
        canvas.render()
    assert len(painted) == 3


def test_lines_on_a_map_are_named_only_where_there_is_room():
    result, named = lab.compute(), []
    for height in (240, 480):
        canvas = lab.LAB.canvas()
        canvas.place(Screen(600, height))
        canvas.begin()
        lab.draw(result, canvas)
        canvas.render()
        named.append(len(canvas.panels[0].texts) - 1)  # one text is the unit
    assert named[0] == 0 < named[1]


def test_the_question_compares_with_the_first_settings(check_lab, monkeypatch):
    check_lab(lab)
    first = fitted([[0.0]], [[1.0] * 10])
    monkeypatch.setattr(lab, "compute", lambda: first)
    answers = {
        "as many ranked right, a lower loss": [2.0] * 10,
        "as many ranked right, a higher loss": [0.5] * 10,
        "fewer ranked right, a higher loss": [0.5] * 9 + [-9.0],
    }
    for answer, margins in answers.items():
        assert lab.LAB.question.answer(fitted([[0.0]], [margins])) == answer
        assert answer in lab.LAB.question.choices


def test_every_knob_changes_the_picture():
    panel = lab.show()
    first = panel.stage.picture
    changes = {"learning_rate": 0.1, "head_init_scale": 10.0, "n_pairs": 100, "update": "as_logged", "seed": 3}
    assert changes.keys() == panel.controls.keys()
    for change in ({name: value} for name, value in changes.items()):
        panel.set(**(panel.first_settings | change))
        assert panel.stage.picture != first, change


def test_the_code_line_gives_the_same_result(run_code):
    panel = lab.show(learning_rate=0.05)
    assert run_code(panel).new.equal(panel.result.new)
