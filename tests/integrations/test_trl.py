"""The callback in real trainers of TRL, on a tiny random model; and its manners, on logs by hand."""

import math
import re
import warnings
from types import SimpleNamespace

import pytest

from rlhf_lessons.diagnostics.findings import Diagnosis, Finding
from rlhf_lessons.diagnostics.logs.rules import RULES
from rlhf_lessons.real import labels
from tests.integrations import tiny

trl = pytest.importorskip("trl", reason="needs the extra `scale`: pip install -e '.[scale]'")
datasets = pytest.importorskip("datasets", reason="needs the extra `scale`: pip install -e '.[scale]'")

from rlhf_lessons.integrations.hugging_face import examine  # noqa: E402
from rlhf_lessons.integrations.trl import KINDS, DoctorCallback, DoctorWarning  # noqa: E402

SANE, MAD = 1e-3, 10.0  # learning rates


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    """A folder: trainers load their reference model from it."""
    return str(tiny.saved(tiny.language_model(ends=250), tiny.tokenizer(), tmp_path_factory.mktemp("model")))


@pytest.fixture
def train(language_model, tmp_path):
    """Trains with a callback; gives the trainer, the callback, and what the doctor warned of."""

    def run(name, callback, learning_rate=SANE, max_steps=40, held_out=None, **settings):
        trainer_class, config_class = getattr(trl, f"{name}Trainer"), getattr(trl, f"{name}Config")
        data, also = DATA[name](), settings.pop("trainer", {})
        held_out = held_out or data[-96:]
        options = {"output_dir": str(tmp_path / "run"), "report_to": "none", "save_strategy": "no", "use_cpu": True}
        options |= {
            "logging_steps": 1,
            "per_device_train_batch_size": 16,
            "per_device_eval_batch_size": 16,
            "bf16": False,
            "disable_tqdm": True,
        }
        if "reward_funcs" not in also:
            options |= {"eval_strategy": "steps", "eval_steps": 10}
            also |= {"eval_dataset": datasets.Dataset.from_list(held_out)}
        trainer = trainer_class(
            model=tiny.classifier() if name == "Reward" else language_model,
            args=config_class(learning_rate=learning_rate, max_steps=max_steps, **options, **settings),
            processing_class=tiny.tokenizer(),
            train_dataset=datasets.Dataset.from_list(data),
            callbacks=[callback],
            **also,
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trainer.train()
        return trainer, callback, [str(w.message) for w in caught if issubclass(w.category, DoctorWarning)]

    return run


def prompts():
    return [{"prompt": pair["prompt"]} for pair in tiny.pairs(100)]


def marked():
    rows = [
        (pair["prompt"], pair[which], which == "chosen") for pair in tiny.pairs(100) for which in ("chosen", "rejected")
    ]
    return [dict(zip(("prompt", "completion", "label"), row, strict=True)) for row in rows]


def noisy():
    pairs = tiny.pairs(400, noise=0.1)
    return pairs[::2] + pairs[1::2]  # the noisy ones come first, and so stand in both halves


DATA = {"Reward": noisy, "DPO": noisy, "KTO": marked, "GRPO": prompts, "RLOO": prompts}


@pytest.mark.slow
def test_a_healthy_reward_model_is_called_so_and_nobody_is_warned(train, tmp_path):
    trainer, callback, said = train(
        "Reward", DoctorCallback(tmp_path / "new" / "report.txt", ceiling=1.0)
    )  # nobody disagrees
    assert (said, callback.stopped_by, trainer.state.global_step) == ([], None, 40)
    assert (callback.diagnosis.kind, callback.diagnosis.state) == ("reward_model", "healthy")
    assert "eval_n_pairs 96" in str(callback.diagnosis.reading) and "max_steps (total_steps) 40" in str(
        callback.diagnosis
    )
    assert (tmp_path / "new" / "report.txt").read_text() == f"{callback.diagnosis}\n"


def as_messages(pair):
    roles = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
    return {key: [{"role": role, "content": pair[key].strip()}] for key, role in roles.items()}


@pytest.mark.slow
@pytest.mark.parametrize("as_", [dict, as_messages])
def test_what_examine_measures_is_what_the_trainer_measured(train, tmp_path, as_):
    held_out = [as_(pair) for pair in tiny.pairs(96, seed=5, noise=0.1)]
    trainer, _, _ = train("Reward", DoctorCallback(), max_steps=20, held_out=held_out)
    measured = trainer.evaluate()
    trainer.save_model(tmp_path / "saved")
    e = examine(tmp_path / "saved", held_out).report.examination
    assert e.pairs.accuracy.value == pytest.approx(measured["eval_accuracy"], abs=1e-6)
    assert float(e.pairs.margins.mean()) == pytest.approx(measured["eval_margin"], abs=1e-4)
    assert e.pairs.nll == pytest.approx(measured["eval_loss"], abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Reward", "DPO"])
def test_a_rate_that_is_far_too_high_stops_the_run(train, name):
    trainer, callback, said = train(name, DoctorCallback(stop_on={"divergence"}, every=5), MAD)
    assert trainer.state.global_step == 5 and callback.stopped_by.name == "divergence"
    assert sum(sentence.endswith("The run is stopped.") for sentence in said) == 1


@pytest.mark.slow
def test_a_healthy_dpo_run_is_called_so_and_nobody_is_warned(train, tmp_path):
    _, callback, said = train("DPO", DoctorCallback(tmp_path / "report.html"), max_steps=60, beta=1.0)
    assert (callback.diagnosis.kind, callback.diagnosis.state, said) == ("dpo", "healthy", [])
    assert (tmp_path / "report.html").read_text().lstrip().lower().startswith("<!doctype html>")


@pytest.mark.slow
def test_kto_is_told_by_its_trainer(train):
    _, callback, _ = train("KTO", DoctorCallback(), max_steps=12)
    assert callback.diagnosis.kind == "kto" and callback.diagnosis.reading.rows >= 12


def paid_for_a_short_good_answer(completions, **_):
    words = [completion.split() for completion in completions]
    return [float(0 < len(answer) < 5 and answer[0].endswith("a")) for answer in words]


def paid_for_nothing(completions, **_):
    return [1.0] * len(completions)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["GRPO", "RLOO"])
@pytest.mark.parametrize(("pays", "stops"), [(paid_for_a_short_good_answer, False), (paid_for_nothing, True)])
def test_rewards_that_are_all_the_same_stop_a_run_of_groups(train, name, pays, stops):
    callback = DoctorCallback(stop_on={"no spread within groups"})
    options = {"num_generations": 8, "max_completion_length": 24, "trainer": {"reward_funcs": pays}}
    trainer, _, said = train(name, callback, max_steps=30, **options)
    assert callback.diagnosis.kind == "grpo"
    assert (trainer.state.global_step, bool(callback.stopped_by)) == ((10, True) if stops else (30, False))
    assert bool(said) == stops == (callback.diagnosis.state == "sick")


@pytest.mark.parametrize("name", sorted(KINDS.keys() - {"ORPOConfig", "PPOConfig"}))
def test_the_classes_whose_kind_is_known_are_those_of_trl(name):
    assert hasattr(trl, name)


class RewardConfig:
    """Of the name that tells a reward model."""


def log_of(callback, losses, **state):
    """Show the callback a log, one record after the other, as a trainer does; gives the control and the warnings."""
    history, control = [], SimpleNamespace(should_training_stop=False)
    shown = {"log_history": history, "max_steps": len(losses), "global_step": 0, "is_world_process_zero": True, **state}
    state = SimpleNamespace(**shown)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        callback.on_train_begin(RewardConfig(), state, control)
        for step, loss in enumerate(losses, start=1):
            history.append({"loss": loss, "step": step})
            state.global_step = step
            callback.on_log(RewardConfig(), state, control)
            if control.should_training_stop:
                break
        callback.on_train_end(RewardConfig(), state, control)
    assert all(w.category is DoctorWarning for w in caught)
    return state, [str(w.message) for w in caught]


NAN_FROM_12 = [0.69 - 0.01 * step for step in range(11)] + [math.nan] * 29


def test_a_fault_is_warned_of_once_and_does_not_stop_a_run_that_nobody_asked_to_stop():
    state, said = log_of(DoctorCallback(every=5), NAN_FROM_12)
    assert state.global_step == 40
    assert sum("Divergence" in sentence for sentence in said) == 1


@pytest.mark.parametrize("fault", ["divergence", "RUN001"])
def test_a_fault_stops_the_run_by_its_name_or_code_at_the_next_reading(fault):
    callback = DoctorCallback(every=5, stop_on=[fault])
    state, said = log_of(callback, NAN_FROM_12)
    assert state.global_step == 15 and callback.stopped_by.code == "RUN001"
    assert [sentence for sentence in said if sentence.endswith("The run is stopped.")] == said[-1:]


def test_another_fault_does_not_stop_it():
    assert log_of(DoctorCallback(every=5, stop_on="RM007"), NAN_FROM_12)[0].global_step == 40


@pytest.fixture
def readings(monkeypatch):
    """Plants what one reading after the other finds: names of faults, each with the code of a rule."""

    def plant(*found, state="sick", grave=True):
        rest = iter(found)

        def planted(records, **_):
            names = next(rest, ())
            findings = tuple(Finding(name, "planted", code=CODES[name], grave=grave) for name in names)
            return Diagnosis(findings, "", False, state=state if names else "healthy")

        monkeypatch.setattr("rlhf_lessons.integrations.trl.diagnose", planted)

    return plant


CODES = {"divergence": "RUN001", "collapse": next(code for code, rule in RULES.items() if not rule.early)}


@pytest.mark.parametrize(
    ("found", "stopped_at", "n_said"),
    [
        (["divergence"], 10, 1),
        (["collapse"], 40, 0),  # not found again
        (["collapse", "", "collapse"], 40, 0),  # not twice in a row
        (["", "collapse", "collapse"], 30, 1),
        (["", "", "", "collapse", "collapse"], 40, 1),  # the last reading, after the run
    ],
)
def test_what_a_run_may_lose_again_counts_when_found_twice_in_a_row(readings, found, stopped_at, n_said):
    readings(*([name] if name else [] for name in found))
    state, said = log_of(DoctorCallback(stop_on=set(CODES.values())), [0.5] * 40)
    assert (state.global_step, len(said)) == (stopped_at, n_said)


def test_what_the_last_reading_finds_is_warned_of(readings):
    readings([], [], [], [], ["collapse"])
    assert log_of(DoctorCallback(), [0.5] * 40)[1] == ["step 40: Collapse: planted."]


@pytest.mark.parametrize("how", [{"grave": False, "state": "healthy"}, {"state": "cannot tell"}])
def test_remarks_and_what_it_is_too_early_to_say_warn_nobody(readings, how):
    readings(*[["divergence"]] * 9, **how)
    state, said = log_of(DoctorCallback(stop_on={"divergence"}), [0.5] * 40)
    assert (state.global_step, said) == (40, [])


def test_a_long_log_is_read_seldom(monkeypatch):
    lengths = []
    monkeypatch.setattr("rlhf_lessons.integrations.trl.diagnose", lambda records, **_: lengths.append(len(records)))
    log_of(DoctorCallback(), [0.5] * 2000)
    assert lengths[:4] == [10, 20, 30, 40] and lengths[-1] == 2000
    assert sum(lengths[10:]) <= 11.1 * lengths[-1] + 2000  # a tenth more each time, and once at the end


def test_only_the_first_process_speaks_and_writes_but_all_stop(tmp_path):
    callback = DoctorCallback(tmp_path / "report.txt", every=5, stop_on={"divergence"})
    state, said = log_of(callback, NAN_FROM_12, is_world_process_zero=False)
    assert (state.global_step, said, list(tmp_path.iterdir())) == (15, [], [])


def test_a_report_that_cannot_be_written_does_not_cost_the_run(tmp_path):
    (tmp_path / "file").touch()
    _, said = log_of(DoctorCallback(tmp_path / "file" / "report.txt"), [0.69, 0.6, 0.5] * 4)
    assert re.fullmatch(r"report: '.*report.txt' cannot be written \(.*\)", said[-1])


def test_a_callback_that_is_used_again_begins_anew():
    callback = DoctorCallback(every=5, stop_on={"divergence"})
    assert log_of(callback, NAN_FROM_12)[1] == log_of(callback, NAN_FROM_12)[1] != []
    assert log_of(callback, [0.69, 0.6, 0.5] * 4)[0].global_step == 12 and callback.stopped_by is None


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"stop_on": {"divergance"}}, "stop_on: 'divergance' is not allowed; it must be one of RM001, "),
        ({"stop_on": "over-fit"}, "stop_on: 'over-fit' is not allowed; it must be one of RM001, "),
        ({"kind": "reward"}, "kind: 'reward' is not allowed; it must be one of reward_model, "),
        ({"every": 0}, "every: 0 is not allowed; it must be a whole number, 1 or more"),
        ({"every": 2.5}, "every: 2.5 is not allowed; it must be a whole number, 1 or more"),
        ({"ceiling": 70}, "ceiling: 70 is not allowed; it must be a number over 0.5, at most 1"),
    ],
)
def test_bad_settings_are_refused_before_the_run(settings, line):
    with pytest.raises(ValueError, match=re.escape(line)) as refused:
        DoctorCallback(**settings)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Reward", "DPO"])
def test_a_file_of_labels_is_trained_on_as_it_is(name, language_model, tmp_path):
    path = tmp_path / "labels.jsonl"
    for number, pair in enumerate(tiny.pairs(10)):
        choice = ("1", "2", "tie", "skip", "1")[number % 5]
        answers = pair["chosen"].strip(), pair["rejected"].strip()
        labels.append(path, labels.Label(window="w", question=pair["prompt"].strip(), answers=answers, choice=choice))
    data = datasets.Dataset.from_json(str(path), cache_dir=str(tmp_path / "cache"))
    assert len(data) == 6 and set(data.column_names) == {"prompt", "chosen", "rejected"}
    options = {"output_dir": str(tmp_path / "run"), "report_to": "none", "save_strategy": "no", "use_cpu": True}
    trainer = getattr(trl, f"{name}Trainer")(
        model=tiny.classifier() if name == "Reward" else language_model,
        args=getattr(trl, f"{name}Config")(max_steps=2, per_device_train_batch_size=3, bf16=False, **options),
        processing_class=tiny.tokenizer(),
        train_dataset=data,
    )
    trainer.train()
    assert trainer.state.global_step == 2 and math.isfinite(trainer.state.log_history[-1]["train_loss"])
