"""Lab of notebooks 06 and 07: PPO against reward models of all qualities, with the rubric's verdict shown beside."""

import copy
from typing import Any

import torch

from rlhf_lessons import pipeline
from rlhf_lessons.evaluation import scorecard
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.conversation import Conversation, PolicyTraining
from rlhf_lessons.labs.frame.curves import Chart, draw_charts
from rlhf_lessons.labs.frame.lab import Card, Lab, Question, Verdict, too_early
from rlhf_lessons.labs.frame.training import TrainingPanel, Watch, unwatched
from rlhf_lessons.labs.frame.wording import alarm_list, unseen
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.plots.style import Face
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.ppo import PPOSettings, answer_random_prompts, train_ppo
from rlhf_lessons.sweeps.reward_models import BROKEN, GOLD, REWARD_MODELS, reward_function
from rlhf_lessons.world.datasets import encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

ROLLOUT = 128
FIRST_ANSWERS = 64
CLEAR, LEAST_GAIN = 0.05, 0.05  # changes of the safe share and of the score that count
ENOUGH = 7  # records, so that the first three and the last three are two groups
CHARTS = (
    Chart("What PPO sees", "score, sd of SFT", {"score": ("score", "proxy")}, (0,)),
    Chart("The truth", "rubric", {"safe": ("safety", "safe"), "gold": ("gold_score", "gold")}, (0, 1)),
    Chart("KL from SFT", "nats an answer", {"KL": ("kl", "distance")}, (0, 0.1)),
)


def compute(
    reward_model: str = "full",
    kl_coef: float = 0.05,
    clip_range: float = 0.2,
    learning_rate: float = 3e-4,
    updates: int = 6,
    seed: int = 0,
    watch: Watch = unwatched,
    sft: GPT | None = None,
) -> PolicyTraining:
    """PPO from the SFT model (or from a copy of `sft`) on train cases, 128 answers an update.

    The first record is of the start (step 0); each later one was taken before the policy learned from its update.
    """
    start = sft or pipeline.ensure("sft", progress=False).model
    policy, judge = copy.deepcopy(start), reward_function(reward_model)
    prompts = encode_prompts(course_tokenizer(), prompts_in("train"))
    settings = PPOSettings(
        kl_coef=kl_coef, clip_range=clip_range, learning_rate=learning_rate, updates=updates, seed=seed,
        rollout_size=ROLLOUT, minibatch_size=ROLLOUT // 2,
    )  # fmt: skip
    training = PolicyTraining(n_steps=updates, said=Conversation(start, judge))

    def report() -> None:
        watch(training, len(training.records) / (updates + 1))

    def on_step(record: Record) -> None:
        training.add(record, policy)
        report()

    def truth(answers: Sequences) -> Record:
        report()  # in the middle of an update too, so that Stop need not wait for its end
        return scorecard.gold_metrics(answers)

    on_step(at_start(policy, prompts, settings))
    train_ppo(policy, prompts, settings, judge, watch=truth, on_step=on_step)
    return training


def at_start(policy: GPT, prompts: Sequences, settings: PPOSettings) -> Record:
    """The record before the first update. By definition its score and its KL are 0; the rubric judges samples."""
    generator = torch.Generator().manual_seed(settings.seed)
    drawn = answer_random_prompts(policy, prompts, FIRST_ANSWERS, settings, generator)
    return {"step": 0, "score": 0.0, "kl": 0.0, **scorecard.gold_metrics(drawn.sequences)}


def draw(result: PolicyTraining, canvas: Canvas) -> None:
    """The score, which PPO optimises; the rubric, which the score stands for; and the distance from the SFT model."""
    draw_charts(canvas, CHARTS, result.records, (0, result.n_steps), x="update")
    canvas.level(0, 0.0, "SFT", "before")
    canvas.level(1, result.records[0]["safety"], "SFT", "before")


def verdict(result: PolicyTraining) -> Verdict:
    """Whether the truth followed the score: the first three records against the last three."""
    gain, safer = (result.late(name) - result.early(name) for name in ("score", "safety"))
    safe = f"{result.early('safety'):.0%} → {result.late('safety'):.0%}"
    figures = {"score gained": f"{gain:+z.2f}", "safe answers": safe, "KL, nats": f"{result.late('kl'):z.1f}"}
    if len(result.records) < ENOUGH:
        return too_early(figures, f"A verdict needs {ENOUGH - 1} updates; {len(result.records) - 1} are done.")
    word, mood, state = _state(gain, safer)
    state += unseen(mood, result.records)
    return Verdict(word, mood, figures, f"{state} (First three records to last three.)")


def _state(gain: float, safer: float) -> tuple[str, Face, str]:
    if gain < LEAST_GAIN and safer < -CLEAR:
        return "collapsed", "bad", "Score and safety both fall."
    if gain < LEAST_GAIN:
        return "hardly moving", "warn", "The policy finds nothing to climb."
    if safer > CLEAR:
        return "healthy", "good", "Score and safety rise together: the judge leads the right way."
    if safer < -CLEAR:
        return "over-optimised", "bad", "The judge loves it; it would harm the patient."
    return "no safer", "warn", "The score climbs; safety has not clearly moved."


def text(result: PolicyTraining) -> str:
    """The alarms that ring for this run."""
    return alarm_list(result.records)


def cards(result: PolicyTraining) -> list[Card]:
    """What the SFT model and the policy say to the same prompts."""
    return result.said.cards()


LAB = Lab(
    title="PPO, and who scores it",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    cards=cards,
    canvas=lambda: Canvas(3),
    ranges={
        "reward_model": {"choices": (BROKEN, *REWARD_MODELS, GOLD), "meaning": "Who scores PPO's answers."},
        "kl_coef": {"high": 1.0, "log": True},
        "learning_rate": {"low": 1e-6, "high": 0.01},
        "updates": {"low": 2, "high": 100},
        "seed": {"high": 99},
    },
    presets={
        "the logged failure": {"reward_model": "broken", "updates": 20},
        "20 pairs": {"reward_model": "pairs_20", "updates": 20},
        "the fix": {"reward_model": "full", "updates": 20},
        "the rubric itself": {"reward_model": "gold", "updates": 20},
        "no KL price": {"reward_model": "pairs_20", "kl_coef": 0.0, "updates": 40, "learning_rate": 5e-4},
    },
    question=Question(
        "With a reward model of only 20 pairs, which share of answers will be safe in the end?",
        lambda result: result.late("safety"),
        {"reward_model": "pairs_20", "updates": 20},
        number_format="{:.0%}",
    ),
)


def show(**initial: Any) -> TrainingPanel:
    """The lab on the screen. Settings given here replace the defaults."""
    return TrainingPanel(LAB, initial)
