"""Lab of notebook 01: a language model trained from random weights, its loss against chance, and what it writes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rlhf_lessons.evaluation.scorecard import Answer, sample_answers
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.conversation import Conversation, PolicyTraining
from rlhf_lessons.labs.frame.curves import Chart, draw_charts
from rlhf_lessons.labs.frame.lab import Lab, Question, Verdict, too_early
from rlhf_lessons.labs.frame.training import TrainingPanel, Watch, unwatched
from rlhf_lessons.labs.frame.wording import answer_list
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.language_model import evaluate
from rlhf_lessons.stages.pretrain import PretrainSettings, train_pretrain
from rlhf_lessons.statistics.shares import Share
from rlhf_lessons.world.datasets import corpus, encode_notes, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

STEPS = 200
BATCH = 64
CHECK_NOTES = 200  # fresh notes, on which memorising does not help
CHECKS = 10  # how often the loss on fresh notes is measured
SAMPLES_SHOWN = 6
CHECK_SEED = 1_000_000  # of the fresh notes: no seed that the slider offers
ENOUGH = 20  # steps


@dataclass(kw_only=True)
class Pretraining(PolicyTraining):
    """A training from random weights. Some records hold the loss on fresh notes; answers are sampled at the end."""

    vocab_size: int
    answers: Sequence[Answer] = ()

    @property
    def chance(self) -> float:
        """The loss of guessing among all words alike."""
        return math.log(self.vocab_size)

    @property
    def safe(self) -> Share:
        """Sampled answers that are safe to act on."""
        return Share(sum(answer.judgement.safe for answer in self.answers), len(self.answers))


def compute(
    n_notes: int = 5_000,
    width: int = 32,
    learning_rate: float = 3e-3,
    steps: int = STEPS,
    seed: int = 0,
    watch: Watch = unwatched,
) -> Pretraining:
    """Train a GPT of two blocks from random weights on `n_notes` notes, in batches of 64."""
    tokenizer = course_tokenizer()
    heads = math.gcd(width, 4)
    model = GPT(GPTConfig(tokenizer.vocab_size, heads=heads, width=width), seed=seed)
    notes, fresh = _encoded(n_notes, seed), _encoded(CHECK_NOTES, CHECK_SEED)
    training = Pretraining(n_steps=steps, said=Conversation(model), vocab_size=tokenizer.vocab_size)

    def on_step(record: Record) -> None:
        check = record["step"] == 1 or record["step"] % max(steps // CHECKS, 1) == 0
        extra = {"held_out_loss": evaluate(model, fresh, answers_only=False)["loss"]} if check else {}
        if check:
            training.said.listen(model)
        training.records.append(record | extra)
        watch(training, len(training.records) / steps)

    settings = PretrainSettings(learning_rate=learning_rate, steps=steps, batch_size=BATCH, seed=seed)
    train_pretrain(model, notes, settings, on_step)
    training.answers = sample_answers(model, prompts_in("tuning"), n_each=2, seed=seed)
    return training


@lru_cache(maxsize=4)
def _encoded(n_notes: int, seed: int) -> Sequences:
    """Notes as tokens. Writing thousands takes seconds, so the notes of the last trainings are kept."""
    return encode_notes(course_tokenizer(), corpus(n_notes, seed=seed))


def draw(result: Pretraining, canvas: Canvas) -> None:
    """Loss against the chance level, and the share of next words the model ranks first."""
    charts = [
        Chart(
            "Loss", "nats a word", {"its notes": ("loss", "own"), "fresh notes": ("held_out_loss", "new")},
            (0, result.chance),
        ),
        Chart("Next word ranked first", "share of words", {"its notes": ("token_accuracy", "own")}, (0, 1)),
    ]  # fmt: skip
    draw_charts(canvas, charts, result.records, (0, result.n_steps))
    canvas.level(0, result.chance, "guessing")


def verdict(result: Pretraining) -> Verdict:
    """What was learned, against chance."""
    last, checked = result.records[-1]["loss"], result.records_with("held_out_loss")[-1]
    figures = {
        "loss": f"{last:.2f}",
        "on fresh notes": f"{checked['held_out_loss']:.2f}",
        "right word gets": f"{math.exp(-last):.1%}",
    }
    if len(result.records) < ENOUGH:
        return too_early(figures, f"A verdict needs {ENOUGH} steps; {len(result.records)} are done.")
    safe = f" {result.safe.value:.0%} of its sampled answers are safe to act on." if result.answers else ""
    if not math.isfinite(last) or last > 0.95 * result.chance:
        return Verdict(
            "at chance", "bad", figures, f"It has learned nothing: blind guessing costs {result.chance:.2f}.{safe}"
        )
    if checked["held_out_loss"] > checked["loss"] + 0.3:
        return Verdict("learned by heart", "bad", figures, f"What it has not seen costs it much more.{safe}")
    return Verdict("learning", "good", figures, f"Fresh notes cost it about as much as its own.{safe}")


def text(result: Pretraining) -> str:
    """Some answers to tuning cases, with the rubric's judgement of each."""
    return answer_list(result.answers[:SAMPLES_SHOWN])


LAB = Lab(
    title="Pretraining from nothing",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    cards=lambda result: result.said.cards(),
    canvas=lambda: Canvas(2),
    ranges={
        "n_notes": {"low": 10, "high": 50_000},
        "width": {"high": 128},
        "learning_rate": {"low": 1e-6},
        "steps": {"low": 10, "high": 500},
        "seed": {"high": 99},
    },
    presets={
        "the logged failure": {"learning_rate": 1e-6},
        "ten notes": {"n_notes": 10},
        "the fix": {"n_notes": 20_000, "width": 64},
    },
    question=Question(
        "At which loss will it end with only ten notes? (Guessing among all words: 6)",
        lambda result: result.records[-1]["loss"],
        {"n_notes": 10},
        within=0.1,
        number_format="{:.2f} nats",
    ),
)


def show(**initial: Any) -> TrainingPanel:
    """The lab on the screen. Settings given here replace the defaults."""
    return TrainingPanel(LAB, initial)
