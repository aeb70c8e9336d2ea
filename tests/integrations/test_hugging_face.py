"""The examination, of models that were built by hand to have one fault each."""

import json
import random
import re
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

pytest.importorskip("transformers", reason="needs the extra `scale`: pip install -e '.[scale]'")

from rlhf_lessons.cli import app
from rlhf_lessons.diagnostics.doctor import causes
from rlhf_lessons.integrations import read_out
from rlhf_lessons.integrations.hugging_face import examine
from rlhf_lessons.integrations.judge import load
from tests.integrations import tiny

PAIRS = tiny.pairs(60, seed=1, noise=0.1)


@pytest.fixture
def folder(tmp_path):
    """Saves a model and a tokenizer; without them, a healthy model: gold counts, lead counts against."""

    def save(model=None, words=None):
        return tiny.saved(model or tiny.judge_by_hand(4), words or tiny.tokenizer(), tmp_path / "model")

    return save


def test_a_healthy_model_is_ready(folder):
    report = examine(folder(), PAIRS, train=tiny.pairs(100, seed=2, noise=0.1), ceiling=0.9)
    assert (report.state, report.report.ready_for_ppo) == ("healthy", True), str(report)
    e = report.report.examination
    assert e.pairs.accuracy.hits == 54 and e.train.accuracy.hits == 90
    assert "hedging" not in str(report)


def test_the_rewards_are_those_of_the_model_itself(folder):
    path = folder()
    model, words = load(path).model, tiny.tokenizer()
    text = PAIRS[0]["prompt"] + PAIRS[0]["chosen"] + "<eos>"
    with torch.no_grad():
        expected = float(model(**words(text, return_tensors="pt")).logits)
    assert float(examine(path, PAIRS).report.examination.pairs.chosen[0]) == pytest.approx(expected, abs=1e-5)


def test_messages_go_through_the_chat_template(folder):
    path = folder()
    judge, talk = load(path), [{"role": "user", "content": "ba be"}]
    ids, was_cut = judge.tokens(talk, [{"role": "assistant", "content": tiny.GOOD}])
    assert judge.tokenizer.decode(ids) == "user : ba be assistant : gold <eos>" and not was_cut
    rows = [
        {"prompt": talk, **{key: [{"role": "assistant", "content": pair[key]}] for key in ("chosen", "rejected")}}
        for pair in PAIRS
    ]
    assert examine(path, rows).report.examination.pairs.accuracy.hits == 54


def test_rows_of_a_dataset_are_pairs_too(folder):
    datasets = pytest.importorskip("datasets", reason="needs the extra `scale`: pip install -e '.[scale]'")
    assert len(examine(folder(), datasets.Dataset.from_list(PAIRS)).reading.pairs) == 60


def test_a_preference_for_length_is_found(folder):
    model = tiny.judge_by_hand(likes_gold=0.5, likes_late=20)
    report = examine(folder(model), tiny.pairs(60, 1, longer=2) + tiny.pairs(60, 2, longer=-2))
    assert causes.LENGTH in report.report.names and report.state == "sick"
    assert report.report.examination.length > 0.9


def test_where_the_text_ends_sets_the_level_and_no_pair_shows_it(folder):
    draw = random.Random(0)
    pairs = [{**pair, "prompt": pair["prompt"] * draw.randint(1, 6)} for pair in PAIRS]
    report = examine(folder(tiny.judge_by_hand(4, likes_late=20)), pairs)
    assert report.position > 0.9 and any("follows the length" in caution for caution in report.cautions)
    assert not any("follows the length" in caution for caution in examine(folder(), pairs).cautions)


def test_pairs_that_differ_behind_the_cut_are_identical_to_the_model(folder):
    pairs = [{**pair, "prompt": pair["prompt"] * 10} for pair in PAIRS]
    report = examine(folder(), pairs, max_length=30)
    e = report.report.examination
    assert (e.identical.hits, report.reading.cut.hits) == (60, 120)
    assert report.report.names[0] == causes.IDENTICAL and report.state == "sick"
    assert examine(folder(), pairs).report.examination.identical.hits == 0


def test_pairs_of_training_and_their_near_duplicates_are_found(folder):
    near = [{key: " ".join(reversed(text.split())) for key, text in pair.items()} for pair in PAIRS[30:]]
    report = examine(folder(), PAIRS, train=PAIRS[:15] + near)
    e = report.report.examination
    assert (e.seen_pairs.hits, e.seen_prompts.hits, report.report.names[0]) == (15, 15, causes.LEAK)
    assert report.near_prompts.hits == 45 == e.with_twin.n
    assert examine(folder(), PAIRS, train=tiny.pairs(60, 9)).near_prompts.hits == 0


def test_rewards_that_are_no_numbers(folder):
    model = tiny.judge_by_hand(4)
    with torch.no_grad():
        model.score.weight.fill_(torch.nan)
    report = examine(folder(model), PAIRS)
    assert "120 of 120 rewards are NaN" in report.findings[0].evidence and report.state == "sick"


def test_few_pairs_prove_nothing(folder):
    report = examine(folder(), PAIRS[:2] + PAIRS[6:9])
    assert (report.state, report.report.ready_for_ppo) == ("cannot tell", False)
    assert "5 pairs are too few to tell: they show no better than a coin" in report.verdict


@pytest.mark.parametrize(("n", "state"), [(99, "cannot tell"), (100, "sick")])
def test_calibration_takes_a_hundred_pairs(folder, n, state):
    report = examine(folder(tiny.judge_by_hand(0.1)), tiny.pairs(n))
    assert (report.report.names, report.state) == (("underconfident",), state)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 64])
def test_the_size_of_a_batch_changes_nothing(folder, batch_size):
    rewards = examine(folder(), PAIRS, batch_size=batch_size).report.examination.pairs.rewards
    torch.testing.assert_close(rewards, examine(folder(), PAIRS).report.examination.pairs.rewards)


# Where the reward is read: the four ways in which that goes wrong.


def test_a_model_without_a_padding_token_refuses_batches(folder):
    report = examine(folder(tiny.judge_by_hand(4, pad_token_id=None)), PAIRS)
    assert (report.report.names[0], report.state) == (read_out.BATCHES, "sick")
    assert report.report.examination.pairs.accuracy.hits == 54  # scored one by one


def test_a_tokenizer_without_a_padding_token_cannot_make_batches(folder):
    assert examine(folder(words=tiny.tokenizer(pad=None)), PAIRS).report.names[0] == read_out.BATCHES


def test_a_padding_token_that_the_model_has_no_place_for(folder):
    words = tiny.tokenizer()
    words.add_special_tokens({"pad_token": "<more>"})  # and the model's embeddings were not resized
    report = examine(folder(words=words), PAIRS)
    assert report.report.names[0] == read_out.BATCHES
    assert f"the padding token is {len(tiny.WORDS)}, and the model knows" in report.findings[0].evidence


def test_a_model_that_knows_another_padding_token_reads_the_padding(folder):
    report = examine(folder(tiny.judge_by_hand(4, likes_late=5, pad_token_id=2)), PAIRS)
    assert (report.report.names[0], report.state) == (causes.READ_OUT, "sick")
    assert report.read_out.change(report.read_out.right) > 0
    assert "pad_token_id is 2 in the model's config, 0 in the tokenizer" in report.findings[0].evidence


@pytest.mark.parametrize(("side", "state"), [("left", "sick"), ("right", "healthy")])
def test_padding_on_the_left_moves_positions(folder, side, state):
    report = examine(folder(tiny.judge_by_hand(4, likes_late=5), tiny.tokenizer(side=side)), PAIRS)
    assert report.state == state
    assert (causes.READ_OUT in report.report.names) == (side == "left")
    assert any("keep it that way" in caution for caution in report.cautions) == (side == "right")


def test_an_end_that_is_padding_is_not_read_and_that_may_be_harmless(folder):
    report = examine(folder(tiny.judge_by_hand(4, pad_token_id=1), tiny.tokenizer(pad="<eos>")), PAIRS)
    assert report.state == "healthy" and report.read_out.change(report.read_out.last) > 0
    assert any("last token of a text is not read" in caution for caution in report.cautions)


def test_an_end_that_is_padding_is_a_fault_where_the_end_knows_better(folder):
    """The last word of each answer says the opposite of the rest, and outweighs it where it is read."""
    model = tiny.judge_by_hand(4, own=20, pad_token_id=1)
    pairs = [
        {"prompt": pair["prompt"], "chosen": "gold gold gold lead", "rejected": "lead lead lead gold"} for pair in PAIRS
    ]
    report = examine(folder(model, tiny.tokenizer(pad="<eos>")), pairs)
    assert report.report.names[0] == causes.READ_OUT and report.report.examination.pairs.accuracy.hits == 0
    assert report.state == "sick"


OTHERS = {
    "Llama": {},
    "Qwen3": {"num_key_value_heads": 1, "head_dim": 16},
    "Bert": {},
    "GPTNeoX": {},
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", OTHERS)
def test_other_architectures_are_read_where_they_should_be(folder, name, dtype):
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    tokens = {"vocab_size": len(tiny.WORDS), "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}
    config = getattr(tiny.transformers, f"{name}Config")(num_labels=1, **sizes, **tokens, **OTHERS[name])
    torch.manual_seed(0)
    model = tiny.transformers.AutoModelForSequenceClassification.from_config(config).to(dtype)
    e = examine(folder(model), PAIRS).read_out
    assert read_out.faults(e) == [] and e.spread > 0
    assert bool(read_out.cautions(e)) == (name == "Bert")  # its first token is read, and its places are counted


def test_a_text_that_is_too_long_for_the_model_is_refused_in_one_line(folder, monkeypatch):
    words = tiny.tokenizer()
    words.model_max_length = 10**30
    monkeypatch.setattr("rlhf_lessons.integrations.judge._limit", lambda *_: None)  # of a model that does not say
    long = [{**pair, "prompt": pair["prompt"] * 20} for pair in PAIRS]
    with pytest.raises(
        ValueError, match=r"^model: a batch of 1, of \d+ tokens each, cannot be scored \(.*\); it may be too much"
    ):
        examine(folder(words=words), long)


def test_the_models_own_padding_token_is_put_back(folder):
    judge = load(folder())
    with judge.without_padding_token():
        assert judge.model.config.pad_token_id is None
    assert judge.model.config.pad_token_id == 0


# The command.


@pytest.fixture
def command(folder, tmp_path):
    """Runs `examine` on a folder and on PAIRS, or on other ones."""

    def run(*words, model=None, pairs=PAIRS):
        (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, pairs)))
        path = model or folder()
        return CliRunner().invoke(
            app, ["examine", "--model", str(path), "--pairs", str(tmp_path / "pairs.jsonl"), *words]
        )

    return run


def test_the_command_says_what_it_found_and_ends_with_its_code(command, folder):
    result = command("--ceiling", "0.9", "--batch-size", "4")
    assert result.exit_code == 0 and result.stdout.splitlines()[-1].startswith("Ready for PPO: yes")
    assert command(pairs=PAIRS[6:9]).exit_code == 3
    assert command(model=folder(tiny.judge_by_hand(-4))).exit_code == 1


def test_its_json_has_the_names_that_the_docs_explain(command):
    written = json.loads(command("--json").stdout)
    page = (Path(__file__).parents[2] / "docs" / "examine.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in written)
    assert (written["state"], written["pairs"], written["ready_for_ppo"]) == ("healthy", 60, True)
    assert written["measured"]["texts cut"]["value"].startswith("0.0%")


def config_with(path, **changes):
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, **changes}))
    return path


def broken(path, name):
    (path / name).write_bytes(b"\0 no longer what it was")
    return path


@pytest.mark.parametrize(
    ("break_", "line"),
    [
        (lambda path: path / "nowhere", "model: '...' is not allowed; it must be a folder with a model's config.json"),
        (
            lambda path: config_with(path, architectures=["GPT2LMHeadModel"]),
            "architectures: ['GPT2LMHeadModel'] is not allowed; it must be a ...ForSequenceClassification ('...')",
        ),
        (
            lambda path: config_with(path, id2label={"0": "bad", "1": "good"}),
            "num_labels: 2 is not allowed; it must be 1, a reward ('...')",
        ),
        (lambda path: config_with(path, id2label=None), "num_labels: 2 is not allowed; it must be 1, a reward ('...')"),
        (
            lambda path: config_with(path, architectures=5),
            "architectures: 5 is not allowed; it must be a ...ForSequenceClassification ('...')",
        ),
        (lambda path: broken(path, "config.json"), "file: '...config.json' is not text; it must be ..."),
        (lambda path: broken(path, "model.safetensors"), "model: '...' cannot be loaded (...)"),
        (lambda path: broken(path, "tokenizer.json"), "model: '...' cannot be loaded (...)"),
    ],
    ids=["no folder", "language model", "two labels", "no labels", "architecture 5", "config", "weights", "tokenizer"],
)
def test_what_is_no_reward_model_is_refused_in_one_line(command, folder, break_, line):
    result = command(model=break_(folder()))
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert re.fullmatch(re.escape(line).replace(re.escape("..."), ".*"), result.stderr.rstrip("\n")), result.stderr


def test_a_head_that_was_never_trained_is_refused(command, folder):
    path = folder()
    tiny.language_model().save_pretrained(path)
    result = command(model=config_with(path, architectures=["GPT2ForSequenceClassification"], id2label={"0": "reward"}))
    assert result.exit_code == 2 and "lacks weights (score.weight)" in result.stderr


def test_messages_without_a_template_are_refused_in_one_line(command, folder):
    words = tiny.tokenizer()
    words.chat_template = None
    message = [{"role": "assistant", "content": "ba"}]
    result = command(model=folder(words=words), pairs=[{"prompt": [], "chosen": message, "rejected": message}] * 2)
    assert result.exit_code == 2 and re.fullmatch("chat template: .*\n", result.stderr)


def test_more_tokens_than_there_are_places_for_are_refused(command):
    result = command("--max-length", "65")
    assert result.stderr == "max_length: 65 is not allowed; this model reads at most 64 tokens\n"
