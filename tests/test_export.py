import builtins

import pytest
import torch

from rlhf_lessons.export import to_gpt2, to_gpt2_state_dict
from rlhf_lessons.model.gpt import GPT, GPTConfig


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


def test_a_missing_transformers_names_the_extra(monkeypatch):
    real_import = builtins.__import__

    def without_transformers(name, *args, **kwargs):
        if name == "transformers":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_transformers)
    with pytest.raises(ImportError, match="scale"):
        to_gpt2(model_with_large_weights())
