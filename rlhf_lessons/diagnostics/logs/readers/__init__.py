"""The forms in which logs are printed, one small reader for each.

A form has a name, as it is said in "Read: ..."; `sniff`, which tells by a text's first 300,000 characters whether it
has this form; and `read`, which yields the text's rows, and remarks on what had to be assumed. The first form that
fits is taken. `read` raises ValueError for what is in its form and cannot be read.
"""

from collections.abc import Callable
from typing import NamedTuple

from rlhf_lessons.diagnostics.logs.readers import (
    bars,
    cards,
    charts,
    deepspeed,
    dicts,
    html_tables,
    json_text,
    lines,
    markdown,
    tables,
    verl,
    vertical,
)
from rlhf_lessons.diagnostics.logs.readers.text import Found


class Form(NamedTuple):
    """One form of printed logs."""

    name: str
    sniff: Callable[[str], bool]
    read: Callable[[str], Found]


FORMS = (
    Form("LLaMA-Factory's trainer_log.jsonl", json_text.is_llama_factory, json_text.read_llama_factory),
    Form("JSON lines", json_text.is_lines, json_text.read_lines),
    Form("JSON", json_text.is_whole, json_text.read_whole),
    Form("a chart exported from W&B", charts.is_wandb, charts.read_wandb),
    Form("a scalar exported from TensorBoard", charts.is_tensorboard, charts.read_tensorboard),
    Form("a Markdown table", markdown.sniff, markdown.read),
    Form("an HTML table", html_tables.sniff, html_tables.read),
    Form("a table", tables.sniff, tables.read),
    Form("a table with a metric a row", vertical.sniff, vertical.read),
    Form("a text with a table or results", cards.sniff, cards.read),
    Form("DeepSpeed-Chat's lines", deepspeed.sniff, deepspeed.read),
    Form("verl's console lines", verl.sniff, verl.read),
    Form("printed dictionaries", dicts.sniff, dicts.read),
    Form("progress bars", bars.sniff, bars.read),
    Form("mlx-lm's lines", lines.is_mlx, lines.read),
    Form("PaddleNLP's lines", lines.is_paddle, lines.read),
    Form("torchtune's lines", lines.is_torchtune, lines.read),
    Form("printed lines", lines.sniff, lines.read),
)
