"""The commands that hand over to Hugging Face and TRL: `rlhf-lessons export` and `rlhf-lessons import`."""

# torch and transformers take seconds to load: a command imports what it needs of them itself.
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from rlhf_lessons.plain_words import whole
from rlhf_lessons.terminal import show

if TYPE_CHECKING:
    from rlhf_lessons.model.gpt import GPT

NAMES = "pretrained, sft, reward, ppo, dpo, grpo or rloo; pairs, demonstrations or prompts."
Seed = Annotated[int, whole(999_999, least=0, help="Which seed of the course's stages.")]


def export(
    what: Annotated[str, typer.Argument(help=NAMES)],
    to: Annotated[Path, typer.Option(help="The folder to write.")],
    seed: Seed = 0,
    force: Annotated[bool, typer.Option("--force", help="Rename what stands there under that name.")] = False,
) -> None:
    """Write a stage or data for Hugging Face transformers and TRL. reward, dpo and grpo come with all that their
    train.py needs, which runs as it is; docs/handing_over.md says what lies where.
    """
    try:
        from rlhf_lessons.export.hand_over import hand_over

        card = hand_over(what, to, seed, force)
    except ImportError as error:
        raise ValueError(str(error)) from None
    table = Table(*("in", str(to)))
    for name, words in card.files.items():
        table.add_row(name, words)
    show(table)
    for name, words in card.measured.items():
        typer.echo(f"{name}: {words}")


def import_(
    folder: Annotated[Path, typer.Argument(help="A folder that TRL saved a model into.")], seed: Seed = 0
) -> None:
    """Judge a model of the course that TRL has trained further, on held-out cases: a policy beside the SFT model by the
    rubric, a reward model by the doctor.
    """
    from rlhf_lessons.export import from_gpt2, judged
    from rlhf_lessons.model.gpt import GPT

    model = from_gpt2(folder)
    if isinstance(model, GPT):
        show(_beside_sft(model, folder, seed))
        typer.echo(judged.OVER_CASES)
        return
    from rlhf_lessons.export.rows import held_out_pairs

    measured, over = judged.judge_reward(model, held_out_pairs(seed))
    for name, words in measured.items():
        typer.echo(f"{name}: {words}")
    typer.echo(over)


def _beside_sft(policy: "GPT", folder: Path, seed: int) -> Table:
    from rlhf_lessons.export.judged import policy_measures, said
    from rlhf_lessons.pipeline import ensure

    found, sft = policy_measures(policy), policy_measures(ensure("sft", seed).model)
    table = Table("on held-out cases", folder.resolve().name, f"SFT, seed {seed}", "difference")
    for name, values in found.items():
        table.add_row(name, said(name, values), said(name, sft[name]), said(name, values - sft[name]))
    return table
