"""Export of the language model to Hugging Face transformers, whose GPT-2 computes the same logits."""

from typing import TYPE_CHECKING

from torch import Tensor

from rlhf_lessons.model.gpt import GPT

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

# Our names on the left, those of transformers' GPT-2 on the right.
GPT2_NAMES = {
    "token_embedding": "wte",
    "position_embedding": "wpe",
    "blocks": "h",
    "attention.qkv": "attn.c_attn",
    "attention.projection": "attn.c_proj",
    "mlp.expand": "mlp.c_fc",
    "mlp.projection": "mlp.c_proj",
}


def to_gpt2_state_dict(model: GPT) -> dict[str, Tensor]:
    """Copies of the weights under the names of transformers' GPT2LMHeadModel.

    GPT-2 keeps its linear weights as (in, out), nn.Linear as (out, in): those are transposed.
    """
    weights = {}
    for name, weight in model.state_dict().items():
        is_linear_weight = name.endswith("weight") and ("attention." in name or "mlp." in name)
        for ours, theirs in GPT2_NAMES.items():
            name = name.replace(ours, theirs)
        weights[f"transformer.{name}"] = (weight.T if is_linear_weight else weight).clone().contiguous()
    weights["lm_head.weight"] = weights["transformer.wte.weight"]
    return weights


def to_gpt2(model: GPT) -> "GPT2LMHeadModel":
    """The same model as a transformers GPT2LMHeadModel, without dropout and in evaluation mode.

    Raises ImportError, naming the extra to install, where transformers is missing.
    """
    try:
        from transformers import GPT2Config, GPT2LMHeadModel
    except ImportError as error:
        message = "export needs transformers: install the `scale` extra, pip install 'rlhf-lessons[scale]'"
        raise ImportError(message) from error
    config = GPT2Config(
        vocab_size=model.config.vocab_size,
        n_positions=model.config.context,
        n_embd=model.config.width,
        n_layer=model.config.layers,
        n_head=model.config.heads,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    gpt2 = GPT2LMHeadModel(config)
    gpt2.load_state_dict(to_gpt2_state_dict(model))
    return gpt2.eval()
