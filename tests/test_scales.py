"""Sizes keep what they promise, reach the plans and the notebook on pretraining, and their cost is counted."""

import os
from functools import partial

import pytest
import torch
from typer.testing import CliRunner

from rlhf_lessons import devices, pipeline, reruns, scale_costs, scales
from rlhf_lessons.cli import app
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.world import cases, formulary
from rlhf_lessons.world.tokenizer import course_tokenizer


def plan_of(size):
    return pipeline.PretrainedPlan(**scales.of(size))


def model_of(size):
    plan = plan_of(size)
    with torch.device("meta"):  # shapes without numbers
        return GPT(GPTConfig(course_tokenizer().vocab_size, layers=plan.layers, heads=plan.heads, width=plan.width))


@pytest.mark.parametrize(("size", "times"), [("course", 1), ("10x", 10), ("100x", 100)])
def test_a_size_has_as_many_times_the_weights_and_reads_the_same_tokens(size, times):
    weights = model_of(size).parameter_count()
    assert weights == pytest.approx(times * model_of("course").parameter_count(), rel=0.06)
    assert (plan_of(size).steps, plan_of(size).batch_size) == (plan_of("course").steps, plan_of("course").batch_size)


def test_the_chosen_size_changes_pretraining_and_the_keys_of_all_that_is_built_on_it(monkeypatch):
    ours = {stage: pipeline.key_of(stage) for stage in pipeline.STAGES}
    monkeypatch.setenv(scales.VARIABLE, "10x")
    theirs = {stage: pipeline.key_of(stage) for stage in pipeline.STAGES}
    assert theirs["pretrained"].settings == ours["pretrained"].settings | scales.of("10x")
    assert pipeline.key_of("pretrained", width=96).settings["width"] == 96
    for stage in list(pipeline.STAGES)[1:]:
        assert theirs[stage].settings == ours[stage].settings and theirs[stage] != ours[stage]


def test_the_notebook_on_pretraining_and_no_other_is_run_with_the_settings_of_the_size(monkeypatch):
    def settings():
        return {path.stem: reruns.scaled(path) for path in reruns.list_notebooks(reruns.NOTEBOOKS)}

    assert not any(settings().values())
    monkeypatch.setenv(scales.VARIABLE, "10x")
    found = settings()
    assert found.pop("01_pretraining") == {name: scales.of("10x")[name] for name in ("n_notes", "learning_rate")}
    assert not any(found.values())


def test_a_size_that_is_none_is_refused_by_the_name_of_its_variable(monkeypatch):
    monkeypatch.setenv(scales.VARIABLE, "5x")
    said = "RLHF_LESSONS_SCALE: '5x' is not allowed; it must be one of course, 10x, 100x"
    with pytest.raises(ValueError, match=f"^{said}$"):
        pipeline.key_of("sft")


def test_the_command_line_chooses_for_the_kernels_that_it_starts(monkeypatch):
    for variable in (scales.VARIABLE, devices.VARIABLE):
        monkeypatch.setenv(variable, "")  # so that what is chosen ends with this test
    runs = []

    def run(path, values, output, *_):
        runs.append((values, output.stem, os.environ[scales.VARIABLE], os.environ[devices.VARIABLE]))
        return reruns.NotebookRun(output, 0.0, [])

    monkeypatch.setattr(reruns, "run_notebook", run)
    words = ["run", "01", "--scale", "10x", "--device", "cpu", "-p", "n_notes", "500"]
    assert CliRunner().invoke(app, words).exit_code == 0
    rate = scales.of("10x")["learning_rate"]
    name = f"01_pretraining-scale=10x-n_notes=500-learning_rate={rate}"
    assert runs == [({"n_notes": 500, "learning_rate": rate}, name, "10x", "cpu")]


def test_the_table_of_costs_says_what_is_counted_and_what_is_guessed(monkeypatch):
    small = {"layers": 1, "heads": 1, "width": 8, "batch_size": 4}
    monkeypatch.setattr(scales, "SIZES", {"course": small, "10x": {**small, "layers": 2}})
    monkeypatch.setattr(scale_costs, "measure", partial(scale_costs.measure, seconds=0.0))
    result = CliRunner().invoke(app, ["scale"])
    assert result.exit_code == 0 and all(text in result.stdout for text in ("10x", "1 x 8", "2 x 8", "FLOPs"))
    assert "2,000 steps as fast as the few that were timed" in result.stdout
    facts, asked = len(formulary.load_facts()), len(cases.all_cases())
    assert f"facts: {facts}, asked about in {asked} cases, at every size" in result.stdout


def test_the_cost_of_a_size_is_counted_and_its_steps_are_timed(monkeypatch):
    small = {"layers": 1, "heads": 1, "width": 8, "batch_size": 4, "steps": 20}
    monkeypatch.setattr(scales, "SIZES", {"small": small})
    cost = scale_costs.measure("small", seconds=0.0)
    vocabulary, context = course_tokenizer().vocab_size, GPTConfig(1).context
    assert cost.weights == 12 * 8 * 8 + 15 * 8 + (vocabulary + context) * 8
    assert 80 * 10 < cost.tokens < 80 * context and cost.flops == 6 * cost.weights * cost.tokens
    assert cost.memory > 16 * cost.weights and cost.minutes == pytest.approx(20 * cost.step_seconds / 60)
    assert 0 < cost.step_seconds < 60
