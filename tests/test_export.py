import builtins
import os
import signal

import pytest
import torch
from typer.testing import CliRunner

from rlhf_lessons.cli import app
from rlhf_lessons.export import to_gpt2, to_gpt2_state_dict
from rlhf_lessons.export.folder import new_folder
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import RewardModel


def model_with_large_weights() -> GPT:
    model = GPT(GPTConfig(vocab_size=50, context=20, layers=3, heads=4, width=32), seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model


def test_transformers_gpt2_gives_the_same_logits():
    pytest.importorskip("transformers")
    model = model_with_large_weights()
    tokens = torch.randint(50, (4, 20), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        torch.testing.assert_close(to_gpt2(model)(tokens).logits, model(tokens), atol=1e-4, rtol=0)


def test_the_state_dict_is_a_copy():
    model = model_with_large_weights()
    before = model.token_embedding.weight.clone()
    for weight in to_gpt2_state_dict(model).values():
        weight.zero_()
    assert torch.equal(model.token_embedding.weight, before)


@pytest.fixture
def no_transformers(monkeypatch):
    real_import = builtins.__import__

    def without_transformers(name, *args, **kwargs):
        if name == "transformers":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_transformers)


def test_a_missing_transformers_names_the_extra(no_transformers, tmp_path):
    result = CliRunner().invoke(app, ["export", "sft", "--to", str(tmp_path / "sft")])  # and trains nothing
    assert (result.exit_code, result.stderr.count("\n"), list(tmp_path.iterdir())) == (2, 1, [])
    assert "`scale` extra" in result.stderr
    with pytest.raises(ImportError, match="scale"):
        to_gpt2(model_with_large_weights())


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"reward_offset": 3.0}, "^head: a bias of 3 on weights of 0 is not allowed; .*$"),
        ({"head_init_scale": 1.0, "bound": "tanh"}, "^bound: 'tanh' is not allowed; .*$"),
    ],
)
def test_a_reward_that_transformers_cannot_give_is_refused_in_one_line(settings, line):
    pytest.importorskip("transformers")
    with pytest.raises(ValueError, match=line):
        to_gpt2(RewardModel(model_with_large_weights(), **settings))


def test_a_folder_appears_whole(tmp_path):
    with new_folder(tmp_path / "deep" / "new") as folder:
        (folder / "file").write_text("whole")
        assert not (tmp_path / "deep" / "new").exists()
    assert [path.name for path in (tmp_path / "deep").rglob("*")] == ["new", "file"]


def test_a_failed_export_leaves_everything_as_it_was(tmp_path):
    (tmp_path / "empty").mkdir()
    for name, force in (("new", False), ("empty", False), ("full", True)):
        (tmp_path / "full").mkdir(exist_ok=True)
        (tmp_path / "full" / "mine").write_text("mine")
        with pytest.raises(ZeroDivisionError), new_folder(tmp_path / name, force) as folder:
            (folder / "half").write_text(str(1 / 0))
        assert sorted(path.name for path in tmp_path.rglob("*")) == ["empty", "full", "mine"]


def test_a_killed_export_leaves_nothing_under_its_name(tmp_path):
    child = os.fork()
    if not child:
        with new_folder(tmp_path / "new") as folder:
            (folder / "half").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert [path.suffix for path in tmp_path.iterdir()] == [".tmp"]


def test_a_folder_that_holds_something_is_kept_and_with_force_renamed(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    with pytest.raises(ValueError, match=r"^to: '.*full' is not allowed; .*--force"), new_folder(tmp_path / "full"):
        pass
    with new_folder(tmp_path / "full", force=True) as folder:
        (folder / "new").write_text("new")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["new"]
    (kept,) = (path for path in tmp_path.iterdir() if path.name != "full")
    assert kept.name.startswith("full-until-2") and (kept / "mine").read_text() == "mine"
