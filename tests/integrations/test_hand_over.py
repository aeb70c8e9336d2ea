"""What is exported computes the same in transformers, trains in TRL as it is, and comes back."""

import json
import re
import resource
import runpy
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from tests.integrations import tiny
from tests.integrations.course_models import CLOSE, MODELS, PAIRS, TOKENS, policy, reward_model

trl = pytest.importorskip("trl", reason="needs the extra `scale`: pip install -e '.[scale]'")
datasets = pytest.importorskip("datasets", reason="needs the extra `scale`: pip install -e '.[scale]'")

from rlhf_lessons.cli import app  # noqa: E402
from rlhf_lessons.diagnostics.doctor import causes  # noqa: E402
from rlhf_lessons.diagnostics.log_reader import diagnose  # noqa: E402
from rlhf_lessons.export import from_gpt2, hand_over, judged, rows, to_gpt2  # noqa: E402
from rlhf_lessons.export.words import to_fast_tokenizer  # noqa: E402
from rlhf_lessons.integrations.hugging_face import examine  # noqa: E402
from rlhf_lessons.integrations.judge import load  # noqa: E402
from rlhf_lessons.keys import Key  # noqa: E402
from rlhf_lessons.model.gpt import GPT  # noqa: E402
from rlhf_lessons.model.heads import RewardModel  # noqa: E402
from rlhf_lessons.model.sampling import sample  # noqa: E402
from rlhf_lessons.pipeline import DPOPlan, GRPOPlan, RewardPlan, SFTPlan, Trained  # noqa: E402
from rlhf_lessons.stages.history import History  # noqa: E402
from rlhf_lessons.stages.reward import score  # noqa: E402
from rlhf_lessons.statistics import intervals  # noqa: E402
from rlhf_lessons.world import annotators  # noqa: E402
from rlhf_lessons.world.datasets import encode_pairs, encode_prompts, prompts_in  # noqa: E402
from rlhf_lessons.world.tokenizer import course_tokenizer  # noqa: E402


def stage(name: str, seed: int = 0) -> Trained:
    """In the place of `ensure`: nothing is trained."""
    model = reward_model() if name == "reward" else policy(sum(name.encode()))
    return Trained(name, model, History(), SFTPlan(seed=seed), Key(name, {"seed": seed}, "0" * 16), 0.0, True)


@pytest.fixture(scope="module")
def small():
    """Tiny models in the place of the course's stages, and few pairs, answers and draws."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (hand_over, rows):
            patch.setattr(module, "ensure", stage)
        patch.setattr("rlhf_lessons.pipeline.ensure", stage)
        patch.setattr(rows, "RewardPlan", partial(RewardPlan, n_pairs=48, sampled_share=0.0))
        patch.setattr(rows, "HELD_OUT_PAIRS", len(PAIRS))
        patch.setattr(judged, "N_EACH", 1)
        patch.setattr(intervals, "DRAWS", 20)
        yield


@pytest.fixture(scope="module")
def exported(small, tmp_path_factory):
    """One folder an export, written when it is first asked for."""
    folder = tmp_path_factory.mktemp("exported")

    def of(what: str) -> Path:
        if not (folder / what).exists():
            hand_over.hand_over(what, folder / what)
        return folder / what

    return of


def padded(side: str) -> dict[str, torch.Tensor]:
    """The chosen answers as a batch; padding on the left comes with the positions that GPT-2 cannot know."""
    batch = TOKENS.chosen
    width = batch.tokens.shape[1]
    mask = (torch.arange(width) < batch.lengths[:, None]).long()
    if side == "right":
        return {"input_ids": batch.tokens, "attention_mask": mask}
    places = torch.arange(width) - (width - batch.lengths[:, None])  # under 0 is padding
    tokens = batch.tokens.gather(1, places % width)
    return {"input_ids": tokens, "attention_mask": mask.flip(1), "position_ids": places.clamp(min=0)}


@pytest.mark.parametrize("side", ["right", "left"])
@torch.no_grad()
def test_logits_and_rewards_are_those_of_the_course(side):
    inputs = padded(side)
    is_text = inputs["attention_mask"].bool()
    ours = MODELS["policy"](TOKENS.chosen.tokens)[padded("right")["attention_mask"].bool()]
    torch.testing.assert_close(to_gpt2(MODELS["policy"])(**inputs).logits[is_text], ours, **CLOSE)
    rewards = to_gpt2(MODELS["reward"])(**inputs).logits[:, 0]
    torch.testing.assert_close(rewards, score(MODELS["reward"], TOKENS.chosen), **CLOSE)


def test_greedy_answers_are_those_of_the_course_token_for_token(exported):
    folder = exported("sft")
    model = tiny.transformers.AutoModelForCausalLM.from_pretrained(folder)
    words = tiny.transformers.AutoTokenizer.from_pretrained(folder, padding_side="left")
    prompts = prompts_in("held_out")
    talks = [[{"role": "user", "content": prompt}] for prompt in prompts]
    batch = words.apply_chat_template(
        talks, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
    )
    assert (batch["attention_mask"] == 0).any()  # prompts of several lengths
    answers = model.generate(**batch, do_sample=False)[:, batch["input_ids"].shape[1] :]
    ours = sample(stage("sft").model, encode_prompts(course_tokenizer(), prompts), 16, temperature=0.0)
    assert len(ours.response_mask.sum(1).unique()) > 1  # answers, too
    assert torch.equal(answers, ours.responses[:, : answers.shape[1]])


def test_the_tokenizer_writes_what_the_course_writes():
    words = to_fast_tokenizer(48)
    for pair, chosen, length, prompt_length in zip(
        PAIRS, TOKENS.chosen.tokens, TOKENS.chosen.lengths, TOKENS.chosen.prompt_lengths, strict=True
    ):
        asked, ids = [{"role": "user", "content": pair.prompt}], chosen[:length].tolist()
        whole = [*asked, {"role": "assistant", "content": pair.chosen}]
        assert words.apply_chat_template(whole)["input_ids"] == ids
        assert words.apply_chat_template(asked, add_generation_prompt=True)["input_ids"] == ids[:prompt_length]
        assert words.decode(ids[prompt_length:], skip_special_tokens=True) == pair.chosen
        assert words(f"{pair.prompt} {pair.chosen}")["input_ids"] == ids[:-1]
    assert words.apply_chat_template(whole, tokenize=False) == f"<bos> {pair.prompt} {pair.chosen} <eos>"
    assert (words.pad_token_id, words.bos_token_id, words.eos_token_id, words.model_max_length) == (0, 1, 2, 48)
    with pytest.raises(Exception, match="UNK"):
        words("aspirin with unheard-of ?")


def test_the_doctor_and_judge_read_an_exported_reward_model_as_the_course_does(exported):
    folder = exported("reward")
    report = examine(folder, folder / "held_out.jsonl")
    found = report.report.examination.pairs
    pairs = rows.held_out_pairs(0)
    encoded, model = encode_pairs(course_tokenizer(), pairs), stage("reward").model
    torch.testing.assert_close(found.chosen.float(), score(model, encoded.chosen), **CLOSE)
    margins = score(model, encoded.chosen) - score(model, encoded.rejected)
    torch.testing.assert_close(found.margins.float(), margins, **CLOSE)
    assert causes.READ_OUT not in report.report.names and load(folder).max_length == 48
    assert str(found.accuracy) in (folder / "README.md").read_text()


def test_the_rows_are_in_trls_forms(exported):
    train = [json.loads(line) for line in (exported("pairs") / "train.jsonl").read_text().splitlines()]
    assert len(train) == 48
    for row, pair in zip(train, annotators.curated_pairs(48, "train", seed=0), strict=True):
        assert [row[name][0]["content"] for name in ("prompt", "chosen", "rejected")] == [
            pair.prompt,
            pair.chosen,
            pair.rejected,
        ]
    for what, column in (("demonstrations", "completion"), ("prompts", "prompt")):
        lines = (exported(what) / "held_out.jsonl").read_text().splitlines()
        assert {json.loads(line)[column][0]["role"] for line in lines} == {
            "user" if column == "prompt" else "assistant"
        }
        assert {json.loads(line)["prompt"][0]["content"] for line in lines} <= set(prompts_in("held_out"))


TRAININGS = {
    "reward": ("reward_model", ["--batch-size", "8"]),
    "dpo": ("dpo", ["--batch-size", "8"]),
    "grpo": ("grpo", ["--rows", "10", "--batch-size", "8", "--group-size", "4"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", TRAININGS)
def test_train_py_runs_as_it_is_and_what_it_leaves_comes_back(what, exported, tmp_path, monkeypatch):
    folder, (kind, options) = exported(what), TRAININGS[what]
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(sys, "argv", ["train.py", "--output", str(tmp_path / "trained"), *options])
    runpy.run_path(str(folder / "train.py"), run_name="__main__")
    start, trained = (from_gpt2(path) for path in (folder / "start", tmp_path / "trained"))
    moved = (trained.body if what == "reward" else trained).token_embedding.weight - start.token_embedding.weight
    assert type(trained) is (RewardModel if what == "reward" else GPT) and moved.abs().max() > 1e-5
    found = diagnose((tmp_path / "trained" / "trainer_state.json").read_text())
    assert (found.kind, found.reading.rows > 0) == (kind, True)
    result = CliRunner().invoke(app, ["import", str(tmp_path / "trained")])
    assert result.exit_code == 0 and "held-out" in result.stdout


@torch.no_grad()
def test_the_hook_of_grpo_gives_positions_behind_padding_on_the_left():
    recipe = runpy.run_path(str(hand_over.RECIPES_AT / "grpo.py"))
    inputs, model = padded("left"), to_gpt2(MODELS["policy"])
    expected = model(**inputs).logits
    del inputs["position_ids"]
    is_text = inputs["attention_mask"].bool()
    assert (model(**inputs).logits - expected)[is_text].abs().max() > 1e-2
    model.register_forward_pre_hook(recipe["count_positions"], with_kwargs=True)
    torch.testing.assert_close(model(**inputs).logits[is_text], expected[is_text])


@pytest.mark.parametrize(
    ("what", "option", "value"),
    [
        ("reward", "learning-rate", RewardPlan().learning_rate),
        ("reward", "batch-size", RewardPlan().batch_size),
        ("dpo", "learning-rate", DPOPlan().learning_rate),
        ("dpo", "batch-size", DPOPlan().batch_size),
        ("dpo", "beta", DPOPlan().beta),
        ("grpo", "learning-rate", GRPOPlan().learning_rate),
        ("grpo", "group-size", GRPOPlan().group_size),
        ("grpo", "beta", GRPOPlan().kl_coef),
    ],
)
def test_a_recipe_starts_from_the_settings_of_the_course(what, option, value):
    text = (hand_over.RECIPES_AT / f"{what}.py").read_text()
    assert float(re.search(rf'"--{option}", type=\w+, default=([\d.e-]+)', text)[1]) == value


def test_accelerate_reads_its_file(exported):
    from accelerate.commands.config import load_config_from_file

    found = load_config_from_file(str(exported("grpo") / "accelerate.yaml"))
    assert (found.distributed_type, found.num_processes) == ("MULTI_GPU", 2)


def test_the_card_tells_what_was_measured_and_how_it_was_made(exported):
    page = (exported("sft") / "README.md").read_text()
    for name, words in judged.judge_policy(stage("sft").model).items():
        assert f"| {name} | {words} |" in page
    assert "not medical advice" in page and "`rlhf-lessons export sft --seed 0`" in page and "MIT" in page
    assert stage("sft").fingerprint in page
    assert "annotators choose" in (exported("dpo") / "README.md").read_text()


def test_the_commands_say_what_they_wrote_and_found(small, exported, tmp_path):
    result = CliRunner().invoke(app, ["export", "rloo", "--to", str(tmp_path / "a" / "b")])
    assert result.exit_code == 0 and "GPT2LMHeadModel" in result.stdout, result.output
    assert "safe to act on: " in result.stdout and (tmp_path / "a" / "b" / "config.json").is_file()
    result = CliRunner().invoke(app, ["import", str(tmp_path / "a" / "b")])
    assert result.exit_code == 0 and "SFT, seed 0" in result.stdout, result.output
    result = CliRunner().invoke(app, ["import", str(exported("reward"))])
    assert result.exit_code == 0 and "accuracy, as annotators chose: " in result.stdout, result.output


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(small, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))  # less than the weights take, more than the config
    try:
        result = CliRunner().invoke(app, ["export", "sft", "--to", str(tmp_path / "sft")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 2 and re.fullmatch(r"to: the model cannot be written \(.*\)\n", result.stderr)
    assert list(tmp_path.iterdir()) == []
