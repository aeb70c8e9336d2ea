"""Lab of notebook 02: a few hundred demonstrations for a model that knows the facts and answers carelessly."""

import copy
from dataclasses import dataclass, field
from typing import Any

from rlhf_lessons import pipeline
from rlhf_lessons.evaluation.scorecard import Answer, sample_answers
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.conversation import Conversation, PolicyTraining
from rlhf_lessons.labs.frame.curves import Chart, draw_charts
from rlhf_lessons.labs.frame.lab import Lab, Question, Verdict, too_early
from rlhf_lessons.labs.frame.training import TrainingPanel, Watch, unwatched
from rlhf_lessons.labs.frame.wording import answer_list
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.language_model import evaluate
from rlhf_lessons.stages.sft import SFTSettings, train_sft
from rlhf_lessons.world.datasets import demonstrations, encode_notes, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

CHECK_NOTES = 200
CHECKS = 5  # how often answers are sampled and judged on the way
ANSWERS_EACH = 4  # to each tuning prompt
SAMPLES_SHOWN = 6
ENOUGH = 3  # checks, the one before training included
CLEAR = 0.05  # the least change of the safe share that counts
CHARTS = (
    Chart("Loss", "nats a word", {"demonstrations": ("loss", "own"), "new, careful": ("held_out_loss", "new")}, (0,)),
    Chart("Safe, unseen cases", "share of answers", {"safe": ("safety", "safe")}, (0, 1)),
)


@dataclass(kw_only=True)
class FineTuning(PolicyTraining):
    """A fine-tuning. Records with `safety` were taken on tuning cases; the one of step 0 is before training."""

    answers: list[Answer] = field(default_factory=list)  # those sampled last

    @property
    def checked(self) -> list[Record]:
        return self.records_with("safety")


def compute(
    n_demonstrations: int = 500,
    careless_share: float = 0.05,
    blind_share: float = 0.7,
    steps: int = 60,
    learning_rate: float = 3e-4,
    seed: int = 0,
    watch: Watch = unwatched,
    body: GPT | None = None,
) -> FineTuning:
    """Fine-tune the pretrained model (or a copy of `body`) on demonstrations, some careless, some shrugged off."""
    model = copy.deepcopy(body or pipeline.ensure("pretrained", progress=False).model)
    tokenizer, prompts = course_tokenizer(), prompts_in("tuning")
    notes = encode_notes(tokenizer, demonstrations(n_demonstrations, careless_share, blind_share, seed=seed))
    careful = encode_notes(tokenizer, demonstrations(CHECK_NOTES, 0.0, 0.0, split="tuning", seed=seed))
    training = FineTuning(n_steps=steps, said=Conversation(model))

    def check(record: Record) -> Record:
        """The record with what tuning cases say of the model."""
        training.answers = sample_answers(model, prompts, ANSWERS_EACH, seed=seed)
        training.said.listen(model)
        safety = sum(answer.judgement.safe for answer in training.answers) / len(training.answers)
        return record | {"safety": safety, "held_out_loss": evaluate(model, careful, answers_only=True)["loss"]}

    def on_step(record: Record) -> None:
        training.records.append(check(record) if record["step"] % max(steps // CHECKS, 1) == 0 else record)
        watch(training, record["step"] / steps)

    training.records.append(check({"step": 0.0}))
    settings = SFTSettings(learning_rate=learning_rate, steps=steps, seed=seed)
    train_sft(model, notes, settings, on_step)
    return training


def draw(result: FineTuning, canvas: Canvas) -> None:
    """Loss on answer words, and the share of safe answers."""
    draw_charts(canvas, CHARTS, result.records, (0, result.n_steps))
    canvas.level(1, result.checked[0]["safety"], "before SFT", "before")


def verdict(result: FineTuning) -> Verdict:
    """What imitation gained."""
    first, last = result.checked[0], result.checked[-1]
    figures = {
        "safe answers": f"{first['safety']:.0%} → {last['safety']:.0%}",
        "loss on careful answers": f"{first['held_out_loss']:.2f} → {last['held_out_loss']:.2f}",
    }
    if len(result.checked) < ENOUGH:
        return too_early(figures, f"Its answers are judged {CHECKS} times on the way; a verdict needs two of them.")
    gain = last["safety"] - first["safety"]
    if gain > CLEAR:
        return Verdict("it helps", "good", figures, "Imitating these demonstrations makes answers safer.")
    if gain < -CLEAR:
        return Verdict("it harms", "bad", figures, "It imitates these demonstrations, their faults too.")
    return Verdict("changes little", "warn", figures, "Imitating these demonstrations leaves answers about as safe.")


def text(result: FineTuning) -> str:
    """Some answers to tuning cases, with the rubric's judgement of each."""
    return answer_list(result.answers[::ANSWERS_EACH][:SAMPLES_SHOWN])


LAB = Lab(
    title="Supervised fine-tuning",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    cards=lambda result: result.said.cards(),
    canvas=lambda: Canvas(2),
    ranges={
        "n_demonstrations": {"low": 5, "high": 5000},
        "steps": {"low": 5, "high": 300},
        "learning_rate": {"low": 1e-6, "high": 0.1},
        "seed": {"high": 99},
    },
    presets={
        "five demonstrations": {"n_demonstrations": 5},
        "the logged failure": {"n_demonstrations": 5, "learning_rate": 1e-6},
        "careless experts": {"careless_share": 0.9},
        "no blind spots": {"blind_share": 0.0},
        "the fix": {"careless_share": 0.0, "blind_share": 0.0, "steps": 100},
    },
    question=Question(
        "Which share of answers will be safe if half of the demonstrations are careless?",
        lambda result: result.checked[-1]["safety"],
        {"careless_share": 0.5},
        number_format="{:.0%}",
    ),
)


def show(**initial: Any) -> TrainingPanel:
    """The lab on the screen. Settings given here replace the defaults."""
    return TrainingPanel(LAB, initial)
