"""A reward model of a local folder: loaded with its tokenizer, or refused in one line; texts to tokens to rewards."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

from rlhf_lessons import files
from rlhf_lessons.integrations.pairs import Text
from rlhf_lessons.refusals import shown

NO_LIMIT = 10**6  # tokenizers without a limit say 10^30
HEAD = "ForSequenceClassification"


class CannotScoreError(ValueError):
    """Texts that are too much for the model or the machine, or hold tokens that the model does not know."""


@dataclass(frozen=True)
class Judge:
    """A sequence classifier with one output, its tokenizer, and how many tokens of a text it reads (None: all)."""

    model: Any
    tokenizer: Any
    max_length: int | None

    @property
    def pad_id(self) -> int:
        """What a batch is filled up with: the tokenizer's padding token, else the model's, else the end of a text."""
        ids = (self.tokenizer.pad_token_id, self.model.config.pad_token_id, self.tokenizer.eos_token_id, 0)
        return next(id_ for id_ in ids if id_ is not None)

    def tokens(self, prompt: Text, answer: Text) -> tuple[list[int], bool]:
        """What the model reads of a prompt with its answer, and whether it was cut.

        As TRL's RewardTrainer does: messages through the chat template, texts joined, with the end-of-text token
        behind them unless it stands there. What is too long is cut where the tokenizer cuts.
        """
        whole = self._encode(prompt, answer)
        if self.max_length is None or len(whole) <= self.max_length:
            return whole, False
        return self._encode(prompt, answer, truncation=True, max_length=self.max_length), True

    def _encode(self, prompt: Any, answer: Any, **cut: Any) -> list[int]:
        text = prompt + answer
        if isinstance(text, str):
            end = self.tokenizer.eos_token or ""
            return self.tokenizer(text if text.endswith(end) else text + end, verbose=False, **cut)["input_ids"]
        try:
            encoded = self.tokenizer.apply_chat_template(text, tokenize=True, return_dict=True, **cut)
        except Exception as error:  # a template is a program of somebody else's
            raise ValueError(f"chat template: these messages cannot be written with it ({_line(error)})") from None
        return encoded["input_ids"]

    def score(self, rows: Sequence[list[int]], batch_size: int, words: str = "") -> Tensor:
        """Rewards (N,) of N texts as tokens, in batches of texts of like length, padded on the tokenizer's side.

        words: what a bar of progress says; none without. Raises as `score_padded` does.
        """
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        rewards = torch.empty(len(rows), dtype=torch.float64)
        starts = range(0, len(order), batch_size)
        for start in tqdm(starts, desc=words, disable=None if words else True, leave=False):
            batch = order[start : start + batch_size]
            scored = self.score_padded([rows[row] for row in batch], self.tokenizer.padding_side)
            rewards[batch] = scored.to(rewards.device)
        return rewards

    @torch.inference_mode()
    def score_padded(self, rows: Sequence[list[int]], side: str, width: int = 0) -> Tensor:
        """Rewards (N,) of one batch, each text padded to `width` or to the longest.

        Raises ValueError where the model refuses more than one text, CannotScoreError where it breaks down.
        """
        width = max(width, *map(len, rows))
        tokens = torch.full((len(rows), width), self.pad_id)
        mask = torch.zeros_like(tokens)
        for number, row in enumerate(rows):
            place = slice(width - len(row), None) if side == "left" else slice(len(row))
            tokens[number, place], mask[number, place] = torch.tensor(row), 1
        device = self.model.device
        try:
            logits = self.model(input_ids=tokens.to(device), attention_mask=mask.to(device)).logits
        except (IndexError, RuntimeError) as error:
            what = f"a batch of {len(rows)}, of {width} tokens each, cannot be scored ({_line(error)})"
            raise CannotScoreError(f"model: {what}; it may be too much, or hold tokens that it does not know") from None
        return logits.reshape(len(rows)).cpu().double()

    @contextmanager
    def without_padding_token(self) -> Iterator[None]:
        """The model knows no padding: a text alone is then read at its last token, whatever that is."""
        configs = [self.model.config, self.model.config.get_text_config()]
        ids = [config.pad_token_id for config in configs]
        try:
            for config in configs:
                config.pad_token_id = None
            yield
        finally:
            for config, id_ in zip(configs, ids, strict=True):
                config.pad_token_id = id_


def load(folder: Path, max_length: int | None = None) -> Judge:
    """The reward model in a folder, on the GPU where there is one. Nothing is fetched.

    Raises ValueError, in one line, for what is no sequence classifier with one output, all weights and a tokenizer.
    """
    _check_config(folder)
    options = {"local_files_only": True}
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, **options)
            model, found = AutoModelForSequenceClassification.from_pretrained(
                folder, dtype="auto", output_loading_info=True, **options
            )
    except Exception as error:  # whatever a damaged file makes transformers raise
        raise ValueError(f"model: {str(folder)!r} cannot be loaded ({_line(error)})") from None
    if found["missing_keys"]:
        missing = ", ".join(sorted(found["missing_keys"])[:3])
        raise ValueError(f"model: {str(folder)!r} lacks weights ({missing}); it must hold a trained reward model")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Judge(model.to(device).eval(), tokenizer, _limit(model.config, tokenizer, max_length))


@contextmanager
def quiet() -> Iterator[None]:
    """transformers shows no bars and warns of nothing: what matters is refused or reported."""
    level, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if has_bars:
            logging.enable_progress_bar()


def _check_config(folder: Path) -> None:
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(f"model: {str(folder)!r} is not allowed; it must be a folder with a model's config.json")
    config = files.parse_json(files.read_text(path), repr(str(path)))
    kinds = config.get("architectures") if isinstance(config, dict) else None
    if not isinstance(kinds, list) or not any(str(kind).endswith(HEAD) for kind in kinds):
        raise ValueError(f"architectures: {shown(kinds)} is not allowed; it must be a ...{HEAD} ({str(path)!r})")
    names = config.get("id2label")
    labels = len(names) if isinstance(names, dict) else config.get("num_labels", 2)  # as transformers has it
    if labels != 1:
        raise ValueError(f"num_labels: {shown(labels)} is not allowed; it must be 1, a reward ({str(path)!r})")


def _limit(config: Any, tokenizer: Any, asked: int | None) -> int | None:
    limits = (getattr(config.get_text_config(), "max_position_embeddings", None), tokenizer.model_max_length)
    most = min((limit for limit in limits if limit and limit < NO_LIMIT), default=None)
    if asked is not None and most is not None and asked > most:
        raise ValueError(f"max_length: {asked} is not allowed; this model reads at most {most} tokens")
    return most if asked is None else asked


def _line(error: Exception) -> str:
    return shown(str(error).strip().partition("\n")[0]) if str(error).strip() else json.dumps(type(error).__name__)
