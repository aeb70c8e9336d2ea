"""The README.md of what is handed over: what lies there, what was measured, how it was made."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch

from rlhf_lessons import __version__
from rlhf_lessons.keys import Key

NO_ADVICE = (
    "**A teaching simplification, not medical advice.** The facts are those of a toy pharmacy with public sources, in "
    "its few hundred words; never ask it about a patient."
)
PAGE = """---
license: mit
tags: [rlhf, teaching]
---

# RLHF lessons: {what}, seed {seed}

{no_advice}

| here | what it is |
|---|---|
{files}

## Measured when this was written

| | |
|---|---|
{measured}

{over}

## How it was made

`rlhf-lessons export {what} --seed {seed}`, rlhf-lessons {version}, torch {torch}; MIT licence. `code` changes with any
function that the result depends on, `fingerprint` with the settings as well.

| what | fingerprint | code | settings |
|---|---|---|---|
{made}

{how}
"""
MODEL_USE = """
## Use

```python
from transformers import AutoTokenizer, {kind}

tokenizer, model = AutoTokenizer.from_pretrained("."), {kind}.from_pretrained(".")
talk = [{{"role": "user", "content": "{prompt}"}}{answer}]
inputs = tokenizer.apply_chat_template(talk, return_tensors="pt", return_dict=True)
{use}
```

Words are lower case, with spaces between them; a word that the course does not know is an error. GPT-2 counts positions
from the left edge: pad on the right, or give `position_ids`, as `generate` does by itself.
"""
PROMPT, ANSWER = "metformin with pregnancy ?", ', {"role": "assistant", "content": "avoid it ."}'
USES = {
    "GPT2LMHeadModel": {"answer": "", "use": "print(tokenizer.decode(model.generate(**inputs, do_sample=True)[0]))"},
    "GPT2ForSequenceClassification": {"answer": ANSWER, "use": "print(model(**inputs).logits)"},
}


@dataclass(frozen=True)
class Card:
    """files: what lies there, by name. measured: figures in words. over: of what they are. how: the data was made.

    kind: the class of the model, if there is one.
    """

    what: str
    seed: int
    key: Key
    files: Mapping[str, str]
    measured: Mapping[str, str]
    over: str = ""
    how: str = ""
    kind: str | None = None

    def __str__(self) -> str:
        page = PAGE.format(
            what=self.what,
            seed=self.seed,
            no_advice=NO_ADVICE,
            files=_rows((f"`{name}`", words) for name, words in self.files.items()),
            measured=_rows(self.measured.items()),
            over=self.over,
            version=__version__,
            torch=torch.__version__,
            made=_rows(_made(self.key)),
            how=self.how,
        )
        use = MODEL_USE.format(kind=self.kind, prompt=PROMPT, **USES[self.kind]) if self.kind else ""
        return f"{page.rstrip()}\n{use}"


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _made(key: Key) -> Iterator[tuple[str, ...]]:
    settings = ", ".join(f"{name} {value}" for name, value in key.settings.items())
    yield key.name, key.fingerprint, key.code, settings
    for parent in key.parents:
        yield from _made(parent)
