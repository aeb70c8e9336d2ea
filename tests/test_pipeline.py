"""The whole course in small: every stage trains once, is kept, loads again, and notices what it must notice."""

import re
import subprocess
import sys

import pytest
import torch

from rlhf_lessons import keys, pipeline, store
from rlhf_lessons.world.annotators import EXPERTS

TINY = {
    "pretrained": {"n_notes": 200, "steps": 3, "layers": 1, "heads": 2, "width": 16},
    "sft": {"n_demonstrations": 50, "steps": 2},
    "reward": {"n_pairs": 40, "epochs": 1, "sampled_share": 0.0},
    "ppo": {"updates": 1, "rollout_size": 16, "minibatch_size": 8},
    "dpo": {"n_pairs": 40, "sampled_share": 0.0},
    "rloo": {"updates": 1, "rollout_size": 16, "minibatch_size": 8},
    "grpo": {"updates": 1, "rollout_size": 16, "minibatch_size": 8},
    "distilled": {"best_of": 2, "n_demonstrations": 16, "steps": 2},
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path))
    return tmp_path


def ensure(stage, seed=0, parents=None, **changes):
    return pipeline.ensure(stage, seed, parents, progress=False, **(TINY[stage] | changes))


def whole_course(seed=0):
    made = {"pretrained": ensure("pretrained")}
    for stage in list(pipeline.STAGES)[1:]:
        parents = {name: made[name] for name in pipeline.STAGES[stage].parents}
        made[stage] = ensure(stage, seed, parents)
    return made


def weights(trained):
    return torch.cat([p.flatten() for p in trained.model.parameters()])


def test_every_stage_trains_once_and_then_loads_the_same_weights_and_history():
    first, second = whole_course(), whole_course()
    assert list(first) == list(pipeline.STAGES)
    for stage in pipeline.STAGES:
        assert not first[stage].loaded and second[stage].loaded
        assert torch.equal(weights(first[stage]), weights(second[stage]))
        assert first[stage].history.records == second[stage].history.records


def test_same_seed_twice_is_identical_on_an_empty_cache(tmp_path, monkeypatch):
    first = whole_course(seed=1)
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path / "another"))
    second = whole_course(seed=1)
    assert not second["ppo"].loaded
    assert all(torch.equal(weights(first[stage]), weights(second[stage])) for stage in pipeline.STAGES)


def test_ppo_records_the_rubric_beside_the_score_it_optimises():
    record = whole_course()["ppo"].history.latest
    assert {"score", "gold_score", "safety"} <= set(record)


def test_settings_seed_and_parents_each_make_another_model():
    base = ensure("pretrained")
    other = ensure("pretrained", learning_rate=1e-3)
    keys = {
        ensure("sft", 0, {"pretrained": base}).fingerprint,
        ensure("sft", 1, {"pretrained": base}).fingerprint,
        ensure("sft", 0, {"pretrained": base}, steps=3).fingerprint,
        ensure("sft", 0, {"pretrained": other}).fingerprint,
    }
    assert len(keys) == 4


def test_a_truncated_file_is_noticed_said_and_retrained(home):
    trained = ensure("pretrained")
    (file,) = home.rglob("weights-*.safetensors")
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.warns(store.CorruptCacheWarning, match="cut short"):
        again = ensure("pretrained")
    assert not again.loaded
    assert torch.equal(weights(trained), weights(again))


def test_a_change_in_the_code_of_a_stage_retrains_it(monkeypatch):
    ensure("pretrained")
    monkeypatch.setattr(keys, "version_of", lambda starts: "another version")
    assert not ensure("pretrained").loaded


def test_the_key_of_a_stage_is_known_before_it_is_trained(home):
    key = pipeline.key_of("pretrained", **TINY["pretrained"])
    assert not list(home.iterdir())
    trained = ensure("pretrained")
    assert trained.key == key and trained.fingerprint == key.fingerprint and key.is_current
    assert pipeline.key_of("ppo", 3) != pipeline.key_of("ppo", 4)
    assert [parent.name for parent in pipeline.key_of("ppo").parents] == ["sft", "reward"]


@pytest.mark.slow
def test_two_processes_on_an_empty_cache_both_finish(home):
    code = (
        "import sys; from rlhf_lessons import pipeline; "
        f"t = pipeline.ensure('pretrained', progress=False, **{TINY['pretrained']}); print(t.fingerprint)"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1] == ensure("pretrained").fingerprint
    assert ensure("pretrained").loaded


def test_sampled_pairs_are_as_the_annotators_rank_them(monkeypatch):
    wordings = ["avoid it : lactic acid rises ; choose insulin .", "it depends ; see how it goes ."]
    drawn = iter(wordings * 1000)
    monkeypatch.setattr(pipeline, "_answers", lambda policy, prompts, g: [next(drawn)] * len(prompts.tokens))
    monkeypatch.setattr(pipeline.datasets, "prompts_in", lambda split: ["metformin with egfr 28 ?"])
    pairs = pipeline.sampled_pairs(None, 600, "train", seed=0, people=EXPERTS)
    assert len(pairs) == 600
    assert {(pair.chosen, pair.rejected) for pair in pairs} == {tuple(wordings)}
    orders = {(pair.chosen, pair.rejected) for pair in pipeline.sampled_pairs(None, 600, "train", seed=0)}
    assert orders == {tuple(wordings), tuple(reversed(wordings))}  # people disagree


def test_a_policy_that_always_says_the_same_is_refused_and_does_not_loop_for_ever(monkeypatch):
    monkeypatch.setattr(pipeline, "_answers", lambda policy, prompts, g: ["it depends ."] * len(prompts.tokens))
    with pytest.raises(ValueError, match=r"policy: 0 of 512 pairs of its answers differ in worth"):
        pipeline.preference_pairs(None, 30, 0.5, "tuning", seed=0)


def test_an_unknown_stage_and_bad_settings_are_refused_by_name():
    with pytest.raises(
        ValueError, match=r"stage: 'orpo' is not allowed; it must be one of pretrained, sft, reward, ppo"
    ):
        pipeline.ensure("orpo")
    with pytest.raises(ValueError, match=r"learning_rate: -0\.1 is not allowed"):
        pipeline.ensure("pretrained", learning_rate=-0.1)
    with pytest.raises(ValueError, match="flavour"):
        pipeline.ensure("pretrained", flavour="mint")


def test_a_training_that_was_stopped_early_is_never_taken_for_the_whole_stage():
    stopped = pipeline.ensure("pretrained", progress=False, on_step=lambda record: True, **TINY["pretrained"])
    assert len(stopped.history) == 1 and not stopped.loaded
    whole = ensure("pretrained")
    assert len(whole.history) == TINY["pretrained"]["steps"] and not whole.loaded
    assert stopped.fingerprint != whole.fingerprint
    again = pipeline.ensure("pretrained", progress=False, on_step=lambda record: True, **TINY["pretrained"])
    assert again.loaded and len(again.history) == TINY["pretrained"]["steps"]


def test_what_is_built_on_a_stopped_training_is_kept_apart():
    stopped = pipeline.ensure("pretrained", progress=False, on_step=lambda record: True, **TINY["pretrained"])
    on_stopped, on_whole = (ensure("sft", parents={"pretrained": body}) for body in (stopped, ensure("pretrained")))
    assert not on_whole.loaded and on_stopped.fingerprint != on_whole.fingerprint
    assert ensure("sft", parents={"pretrained": stopped}).loaded


def test_an_on_step_that_says_stop_after_the_last_step_changes_nothing():
    steps = TINY["pretrained"]["steps"]
    trained = pipeline.ensure(
        "pretrained", progress=False, on_step=lambda record: record["step"] >= steps, **TINY["pretrained"]
    )
    assert len(trained.history) == steps
    assert ensure("pretrained").loaded


def test_the_number_of_threads_is_kept_with_what_it_trained():
    torch.set_num_threads(2)
    assert ensure("pretrained").threads == 2
    torch.set_num_threads(1)
    assert ensure("pretrained").threads == 2


@pytest.mark.parametrize(
    ("stage", "parents", "line"),
    [
        ("sft", {"nosuch": 1}, "parents: 'nosuch' is not allowed for sft; it must be one of pretrained"),
        ("pretrained", {"sft": 1}, "parents: 'sft' is not allowed for pretrained; it must be left out"),
        ("sft", {"pretrained": 1}, "parents: pretrained=1 is not allowed; it must be what ensure('pretrained') gives"),
    ],
)
def test_parents_that_are_none_are_refused(stage, parents, line):
    with pytest.raises(ValueError, match="^" + re.escape(line)):
        ensure(stage, parents=parents)


def test_a_stage_is_no_parent_under_another_name():
    body = ensure("pretrained")
    with pytest.raises(ValueError, match=r"^parents: sft=Trained\(.*it must be what ensure\('sft'\) gives"):
        ensure("reward", parents={"pretrained": body, "sft": body})
