"""What was exported comes back as it was; what is not of the course is refused in one line."""

import json
import re
from pathlib import Path

import pytest
import safetensors.torch
import torch
from typer.testing import CliRunner

from rlhf_lessons.cli import app
from rlhf_lessons.export import from_gpt2, to_gpt2
from rlhf_lessons.export.hand_over import save
from rlhf_lessons.stages.reward import score
from tests.integrations import tiny
from tests.integrations.course_models import CLOSE, MODELS, TOKENS

_ = tiny  # skips the module without the extra


@pytest.mark.parametrize("name", MODELS)
def test_what_was_exported_comes_back(name, tmp_path):
    model = MODELS[name]
    save(model, tmp_path)
    back = from_gpt2(tmp_path)
    assert type(back) is type(model)
    again = to_gpt2(back).state_dict()
    assert all(torch.equal(weight, again[name]) for name, weight in to_gpt2(model).state_dict().items())
    if name == "reward":  # its bias now lies in the last norm
        torch.testing.assert_close(score(back, TOKENS.rejected), score(model, TOKENS.rejected), **CLOSE)
    else:
        assert all(torch.equal(weight, back.state_dict()[name]) for name, weight in model.state_dict().items())


def config(folder: Path, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def weights(folder: Path, change) -> None:
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load(path.read_bytes())
    change(tensors)
    path.write_bytes(safetensors.torch.save(tensors))


def other_words(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace("metformin", "paracetamol"))


def scaled(name: str, by: float):
    return lambda tensors: tensors[name].mul_(by)


QKV = "transformer.h.0.attn.c_attn.weight"
KINDS = "it must be one of GPT2LMHeadModel, GPT2ForSequenceClassification"


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda f: (f / "config.json").unlink(), "folder: '...' is not allowed; it must be one that TRL or ..."),
        (lambda f: (f / "config.json").write_text("{"), "file: '...config.json' is not JSON that can be read (...)"),
        (lambda f: (f / "config.json").write_text("[1]"), "file: '...config.json' is no config; it must be an object"),
        (lambda f: config(f, architectures=["LlamaForCausalLM"]), f"architectures: 'Llama...' is not allowed; {KINDS}"),
        (lambda f: config(f, architectures=None), f"architectures: None is not allowed; {KINDS}"),
        (
            lambda f: config(f, activation_function="relu"),
            "activation_function: 'relu' is not ...; it must be gelu_new...",
        ),
        (lambda f: config(f, n_layer=3), "n_layer: 3 is not allowed; it must be 2, as the weights have it"),
        (lambda f: config(f, n_head=3), "width: 16 is not allowed; it must be a multiple of heads (3)"),
        (lambda f: config(f, n_head="two"), "heads: 'two' is not allowed; it must be a whole number from 1 up"),
        (lambda f: config(f, vocab_size=10**9), "vocab_size: 1000000000 is not allowed; it must be 341, as the ..."),
        (other_words, "tokenizer: the words of '...tokenizer.json' are not those of the course, which they must be"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), "tokenizer: the words of '...' are not those of ..."),
        (
            lambda f: (f / "tokenizer.json").unlink(),
            "tokenizer: '...tokenizer.json' is missing; it must be the one ...",
        ),
        (lambda f: (f / "model.safetensors").unlink(), "weights: '...model.safetensors' is missing; they must lie ..."),
        (
            lambda f: (f / "model.safetensors").write_bytes(b"\0" * 9),
            "weights: '...model.safetensors' cannot be read (...)",
        ),
        (lambda f: weights(f, lambda w: w.pop(QKV)), f"weights: {QKV} is missing"),
        (
            lambda f: weights(f, lambda w: w.pop("transformer.wte.weight")),
            "weights: the token or position embedding is ...",
        ),
        (lambda f: weights(f, lambda w: w.update(x=torch.ones(2))), "weights: x is not one of a GPT2LMHeadModel"),
        (lambda f: weights(f, lambda w: w.update({QKV: torch.ones(2, 2)})), "weights: ... of shape (2, 2) is not ..."),
        (
            lambda f: weights(f, lambda w: w.update({"lm_head.weight": torch.ones(2)})),
            "weights: lm_head.weight is not the token embedding; it must be, as in the course",
        ),
        (
            lambda f: weights(f, scaled(QKV, torch.nan)),
            "weights: blocks.0... holds NaN or infinity; the training has ...",
        ),
    ],
)
def test_what_is_not_of_the_course_is_refused_in_one_line(tmp_path, damage, line):
    save(MODELS["policy"], tmp_path)
    damage(tmp_path)
    result = CliRunner().invoke(app, ["import", str(tmp_path)])
    pattern = ".*".join(map(re.escape, line.split("...")))
    assert result.exit_code == 2 and re.fullmatch(pattern, result.stderr.rstrip("\n")), result.stderr
