"""The course's models as transformers' GPT-2, which computes the same logits and rewards, and back again."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from rlhf_lessons import files
from rlhf_lessons.export.words import check_words
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.model.sequences import BOS_ID, EOS_ID, PAD_ID
from rlhf_lessons.refusals import check_choice, shown

if TYPE_CHECKING:
    from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel

# Our names on the left, those of transformers' GPT-2 on the right: of weights, then of a config.
GPT2_NAMES = {
    "token_embedding": "wte",
    "position_embedding": "wpe",
    "blocks": "h",
    "attention.qkv": "attn.c_attn",
    "attention.projection": "attn.c_proj",
    "mlp.expand": "mlp.c_fc",
    "mlp.projection": "mlp.c_proj",
}
SIZES = {
    "vocab_size": "vocab_size",
    "context": "n_positions",
    "layers": "n_layer",
    "heads": "n_head",
    "width": "n_embd",
}
# How the course's GPT computes; a GPT-2 with another of these is another function of its weights.
FIXED = {
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "n_inner": None,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "tie_word_embeddings": True,
}
LANGUAGE_MODEL, REWARD_MODEL = "GPT2LMHeadModel", "GPT2ForSequenceClassification"
MODELS = (LANGUAGE_MODEL, REWARD_MODEL)
OUTPUT, SCORE = "lm_head.weight", "score.weight"
CONFIG, WEIGHTS = "config.json", "model.safetensors"


def transformers_library() -> Any:
    """transformers. Raises ImportError, naming the extra to install, where it is missing."""
    try:
        import transformers
    except ImportError as error:
        message = "export needs transformers: install the `scale` extra, pip install 'rlhf-lessons[scale]'"
        raise ImportError(message) from error
    return transformers


def to_gpt2_state_dict(model: GPT) -> dict[str, Tensor]:
    """Copies of the weights under the names of transformers' GPT2LMHeadModel."""
    weights = {_gpt2_name(name): _turned(name, weight).clone() for name, weight in model.state_dict().items()}
    weights[OUTPUT] = weights["transformer.wte.weight"]
    return weights


def to_gpt2(model: GPT | RewardModel) -> "GPT2LMHeadModel | GPT2ForSequenceClassification":
    """The same model as one of transformers, without dropout and in evaluation mode.

    Raises as `transformers_library` does, and ValueError for a reward that GPT2ForSequenceClassification cannot give.
    """
    library = transformers_library()
    body = model if isinstance(model, GPT) else model.body
    settings: dict[str, Any] = {theirs: getattr(body.config, ours) for ours, theirs in SIZES.items()}
    settings |= dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    config = library.GPT2Config(**settings, pad_token_id=PAD_ID, bos_token_id=BOS_ID, eos_token_id=EOS_ID)
    weights = to_gpt2_state_dict(body)
    if isinstance(model, GPT):
        gpt2 = library.GPT2LMHeadModel(config)
    else:
        config.id2label = {0: "reward"}  # one label: a reward
        gpt2 = library.GPT2ForSequenceClassification(config)
        del weights[OUTPUT]
        weights |= _score(model, weights["transformer.ln_f.bias"])
    gpt2.load_state_dict(weights)
    return gpt2.eval()


def from_gpt2(folder: Path) -> GPT | RewardModel:
    """The language model or reward model that transformers or TRL saved in a folder, if it can be one of the course.

    Nothing of transformers is needed. Raises ValueError, in one line, for what is no GPT-2 of the course's form and
    vocabulary with all its weights, in one file of safetensors.
    """
    config = _config(folder)
    check_words(folder)
    weights = _read(folder / WEIGHTS)
    body = GPT(_sizes(config, weights))
    kind = config["architectures"][0]
    model = body if kind == LANGUAGE_MODEL else RewardModel(body)
    table = weights["transformer.wte.weight"]
    if not torch.equal(weights.pop(OUTPUT, table), table):
        raise ValueError(f"weights: {OUTPUT} is not the token embedding; it must be, as in the course")
    # A reward model's bias stays 0: the last norm gives it.
    needed = {_gpt2_name(name): name for name in model.state_dict() if name != "head.bias"}
    for name in sorted(needed.keys() ^ weights.keys()):
        raise ValueError(f"weights: {name} {'is missing' if name in needed else f'is not one of a {kind}'}")
    ours = {name: _turned(name, weights[theirs]) for theirs, name in needed.items()}
    for name, weight in ours.items():
        if weight.shape != model.state_dict()[name].shape:
            must = tuple(model.state_dict()[name].shape)
            raise ValueError(f"weights: {name} of shape {tuple(weight.shape)} is not allowed; it must be {must}")
        if not weight.isfinite().all():
            raise ValueError(f"weights: {name} holds NaN or infinity; the training has diverged")
    model.load_state_dict(ours, strict=False)
    return model.eval()


def _gpt2_name(name: str) -> str:
    if name == "head.weight":
        return SCORE
    for ours, theirs in GPT2_NAMES.items():
        name = name.replace(ours, theirs)
    return f"transformer.{name.removeprefix('body.')}"


def _turned(name: str, weight: Tensor) -> Tensor:
    """GPT-2 keeps its linear weights as (in, out), nn.Linear as (out, in)."""
    is_linear = name.endswith("weight") and ("attention." in name or "mlp." in name)
    return (weight.T if is_linear else weight).contiguous()


def _score(model: RewardModel, shift: Tensor) -> dict[str, Tensor]:
    """The head's weights, and the last norm's shift with the head's bias b in it: w (shift + b w / |w|^2) adds b."""
    if model.bound != "none":
        raise ValueError(f"bound: {model.bound!r} is not allowed; transformers' reward models know no bound")
    weight, bias = model.head.weight.detach(), model.head.bias.detach()
    length = weight.square().sum()
    if length == 0 and bias != 0:
        reason = "transformers' heads have no bias, and only weights that are not all 0 can stand in for it"
        raise ValueError(f"head: a bias of {bias.item():g} on weights of 0 is not allowed; {reason}")
    return {SCORE: weight.clone(), "transformer.ln_f.bias": shift + bias * weight[0] / length if bias else shift}


def _config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise ValueError(f"folder: {str(folder)!r} is not allowed; it must be one that TRL or transformers saved into")
    config = files.parse_json(files.read_text(path), repr(str(path)))
    if not isinstance(config, Mapping):
        raise ValueError(f"file: {str(path)!r} is no config; it must be an object")
    kinds = config.get("architectures")
    check_choice("architectures", kinds[0] if isinstance(kinds, list) and len(kinds) == 1 else kinds, MODELS)
    for name, needed in FIXED.items():
        if config.get(name, needed) != needed:
            raise ValueError(f"{name}: {shown(config[name])} is not allowed; it must be {needed}, as in the course")
    return dict(config)


def _sizes(config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> GPTConfig:
    """The sizes of the weights, which the config must agree with."""
    try:
        vocab_size, width = weights["transformer.wte.weight"].shape
        context, _ = weights["transformer.wpe.weight"].shape
    except (KeyError, ValueError):
        raise ValueError("weights: the token or position embedding is missing; they must be those of a GPT-2") from None
    layers = len({name.split(".")[2] for name in weights if name.startswith("transformer.h.")})
    sizes = GPTConfig(vocab_size, context, layers, config.get("n_head", 0), width)
    for ours, theirs in SIZES.items():
        if config.get(theirs) != getattr(sizes, ours):
            must = f"it must be {getattr(sizes, ours)}, as the weights have it"
            raise ValueError(f"{theirs}: {shown(config.get(theirs))} is not allowed; {must}")
    return sizes


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ValueError(f"weights: {str(path)!r} is missing; they must lie in one file of that name")
    try:
        return {name: weight.float() for name, weight in safetensors.torch.load(files.read(path)).items()}
    except SafetensorError as error:
        raise ValueError(f"weights: {str(path)!r} cannot be read ({shown(str(error))})") from None
