"""Tokenizers, models and pairs small enough to train in seconds. Importing this skips a module without the extra."""

import os
import random
from pathlib import Path
from typing import Any

import pytest
import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")
transformers = pytest.importorskip("transformers", reason="needs the extra `scale`: pip install -e '.[scale]'")

import scipy.stats  # noqa: E402, F401
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

GOOD, BAD = "gold", "lead"
_ = transformers.GPT2ForSequenceClassification  # it and scipy take seconds, with which no single test is charged
FILLERS = [first + second for first in "bdfgklmn" for second in ("a", "e", "i", "o", "u")]  # no digits: those are alike
SPECIAL = ["<pad>", "<eos>", "<unk>"]
WORDS = [*SPECIAL, GOOD, BAD, *FILLERS, "user", "assistant", ":"]
TEMPLATE = "{% for m in messages %}{{ m['role'] }} : {{ m['content'] }} {% endfor %}{{ eos_token }}"
PLACES = 64
WIDTH = 32


def tokenizer(pad: str = "<pad>", side: str = "right") -> Any:
    """One word, one token; `pad` is the padding token."""
    words = Tokenizer(models.WordLevel({word: id_ for id_, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    names = {"eos_token": "<eos>", "unk_token": "<unk>", "pad_token": pad, "padding_side": side}
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=PLACES, **names)
    fast.chat_template = TEMPLATE
    return fast


def config(**changes: Any) -> Any:
    return transformers.GPT2Config(
        **{
            **dict(vocab_size=len(WORDS), n_positions=PLACES, n_embd=WIDTH, n_layer=2, n_head=2),
            **dict(pad_token_id=0, eos_token_id=1, bos_token_id=1, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0),
            **changes,
        }
    )


def language_model(seed: int = 0, ends: float = 0.0) -> Any:
    """ends: how far the end of a text is ahead of other words; at 250 a third of the next words are the end."""
    torch.manual_seed(seed)
    model = transformers.GPT2LMHeadModel(config())
    with torch.no_grad():
        model.transformer.ln_f.bias += ends * model.transformer.wte.weight[WORDS.index("<eos>")]
    return model


def classifier(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return transformers.GPT2ForSequenceClassification(config(num_labels=1))


def saved(model: Any, words: Any, folder: Path) -> Path:
    """A folder as somebody would hand it on."""
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def judge_by_hand(likes_gold: float = 1.0, likes_late: float = 0.0, own: float = 0.0, **changes: Any) -> Any:
    """A reward model without chance: one block that hands on the mean of all words, and no more.

    likes_gold: what the mean of gold (+) and lead (-) is worth. likes_late: what the place is worth at which the text
    is read. own: how much the word at that place counts beside the mean, at `likes_gold`.
    """
    settings = config(num_labels=1, n_layer=1, **changes)
    model = transformers.GPT2ForSequenceClassification(settings).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        for norm in (model.transformer.h[0].ln_1, model.transformer.h[0].ln_2, model.transformer.ln_f):
            norm.weight.fill_(1)
        block = model.transformer.h[0].attn
        block.c_attn.weight[:, 2 * WIDTH :] = torch.eye(WIDTH)  # attention without preference: the mean of all values
        block.c_proj.weight.copy_(torch.eye(WIDTH))
        words, places, head = model.transformer.wte.weight, model.transformer.wpe.weight, model.score.weight
        words[:] = opposite(2)  # what all words share, so that no word is 0
        words[WORDS.index(GOOD)] += (1 + own) * opposite(4)
        words[WORDS.index(BAD)] -= (1 + own) * opposite(4)
        places += torch.linspace(0, 1, PLACES)[:, None] * opposite(6)
        head[0] = likes_gold * opposite(4) + likes_late * opposite(6)
    return model


def opposite(dimension: int) -> torch.Tensor:
    """1 in one dimension and -1 in the next: layer normalisation turns it no other way."""
    direction = torch.zeros(WIDTH)
    direction[dimension], direction[dimension + 1] = 1, -1
    return direction


def pairs(n: int, seed: int = 0, longer: int = 0, noise: float = 0.0) -> list[dict[str, str]]:
    """n pairs of four words asked and five answered: gold among the chosen ones, lead among the rejected ones.

    longer: by how many words the chosen answer is the longer one. noise: the share of pairs the other way round.
    """
    draw = random.Random(seed)
    rows = []
    for number in range(n):
        chosen, rejected = (draw.choices(FILLERS, k=5 + more) for more in (max(longer, 0), max(-longer, 0)))
        chosen[draw.randrange(5)], rejected[draw.randrange(5)] = GOOD, BAD
        if number < noise * n:
            chosen, rejected = rejected, chosen
        rows.append({"prompt": " ".join(draw.choices(FILLERS, k=4)) + " ", "chosen": " ".join(chosen)})
        rows[-1]["rejected"] = " ".join(rejected)
    return rows
