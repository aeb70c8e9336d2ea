"""Lab of notebook 09: an answer is worth what it earns above its siblings, as a model or a program says."""

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

from rlhf_lessons import pipeline
from rlhf_lessons.evaluation.scorecard import gold_metrics, sample_tokens
from rlhf_lessons.evaluation.verified import verified
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.conversation import Conversation, PolicyTraining
from rlhf_lessons.labs.frame.curves import Chart, draw_charts
from rlhf_lessons.labs.frame.lab import Lab, Question, Verdict, too_early
from rlhf_lessons.labs.frame.training import TrainingPanel, Watch, unwatched
from rlhf_lessons.labs.frame.wording import alarm_list, unseen
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.plots.style import Face
from rlhf_lessons.refusals import check_choice
from rlhf_lessons.stages.group import GroupSettings, train_group
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.rollout import RewardFunction, ScoreScale
from rlhf_lessons.sweeps.reward_models import GOLD, reward_function
from rlhf_lessons.world import verifier
from rlhf_lessons.world.datasets import encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

ROLLOUT = 128  # answers an update, or a few less where groups do not divide it
ANSWERS_EACH = 2  # to each tuning prompt, after every update
CLEAR, LEAST_GAIN = 0.05, 0.05  # changes of the gold score and of the judge's that count
ALIKE = 0.9  # from this share of groups without spread on, there is nothing to compare
ENOUGH = 7  # records, so that the first three and the last three are two groups
REWARD_MODEL = "reward_model"
VERIFIERS = {"strict_verifier": verifier.strict, "lazy_verifier": verifier.lazy}
JUDGES = (REWARD_MODEL, *VERIFIERS, GOLD)
ADVANTAGES: Mapping[str, Mapping[str, Any]] = {
    "RLOO": {"baseline": "others", "scale_by_spread": False, "kl_in": "reward"},
    "GRPO": {"baseline": "group", "scale_by_spread": True, "kl_in": "loss"},
    "Dr. GRPO": {"baseline": "group", "scale_by_spread": False, "kl_in": "loss"},
}
CHARTS = (
    Chart("What it climbs", "sd or share", {"score": ("score", "proxy")}, (0,)),
    Chart("The truth", "rubric", {"safe": ("safety", "safe"), "gold": ("gold_score", "gold")}, (0, 1)),
    Chart("Groups", "sd; share", {"spread": ("reward_std", "own"), "all alike": ("zero_spread", "idle")}, (0, 1)),
    Chart("Variety", "nats a token", {"entropy": ("entropy", "own")}, (0, 0.5)),
)


def compute(
    judge: str = REWARD_MODEL,
    advantage: str = "RLOO",
    scale_by_length: bool = False,
    group_size: int = 8,
    kl_coef: float = 0.05,
    learning_rate: float = 5e-4,
    updates: int = 6,
    seed: int = 0,
    watch: Watch = unwatched,
    sft: GPT | None = None,
) -> PolicyTraining:
    """Learn from groups, from the SFT model (or from a copy of `sft`) on train cases, some 128 answers an update.

    Judge and rubric look at the same answers to tuning cases, so that groups of any size are compared on equal
    questions. The first record is of the start (step 0); each later one was taken before the policy learned from its
    update. Raises ValueError for an unknown judge or advantage.
    """
    check_choice("advantage", advantage, ADVANTAGES)
    start = sft or pipeline.ensure("sft", progress=False).model
    policy, reward = copy.deepcopy(start), reward_of(judge)
    size = ROLLOUT // group_size * group_size
    settings = GroupSettings(
        group_size=group_size, scale_by_length=scale_by_length, kl_coef=kl_coef, learning_rate=learning_rate,
        updates=updates, seed=seed, rollout_size=size, minibatch_size=size // 2, **ADVANTAGES[advantage],
    )  # fmt: skip
    training = PolicyTraining(n_steps=updates, said=Conversation(start, reward))

    def report() -> None:
        watch(training, len(training.records) / (updates + 1))

    def on_step(record: Record) -> None:
        training.add(record, policy)
        report()

    def ask(model: GPT) -> Sequences:
        return sample_tokens(model, prompts_in("tuning"), ANSWERS_EACH, seed=seed).sequences

    def measured(answers: Sequences) -> Record:
        return {"score": float(scale(reward(answers)).mean()), **gold_metrics(answers)}

    def look(_: Sequences) -> Record:
        report()  # in the middle of an update too, so that Stop need not wait for its end
        found = measured(ask(policy))
        report()
        return found

    is_verified, first = judge in VERIFIERS, ask(start)
    scale = ScoreScale(0.0, 1.0) if is_verified else ScoreScale.of(reward(first))
    on_step({"step": 0, "kl": 0.0, **measured(first)})
    prompts = encode_prompts(course_tokenizer(), prompts_in("train"))
    train_group(policy, prompts, settings, reward, start, look, on_step, standardise=not is_verified)
    return training


def reward_of(judge: str) -> RewardFunction:
    """The course's own reward model, a verifier, or the rubric itself. Raises ValueError for any other name."""
    check_choice("judge", judge, JUDGES)
    if judge in VERIFIERS:
        return partial(verified, VERIFIERS[judge])
    return reward_function("full" if judge == REWARD_MODEL else judge)


def draw(result: PolicyTraining, canvas: Canvas) -> None:
    """The score; the rubric; how far the answers of a group differ, and groups that teach nothing; the entropy."""
    draw_charts(canvas, CHARTS, result.records, (0, result.n_steps), x="update")
    canvas.level(0, result.records[0]["score"], "SFT", "before")
    canvas.level(1, result.records[0]["gold_score"], "SFT", "before")


def verdict(result: PolicyTraining) -> Verdict:
    """Whether the truth followed the score: the first three records against the last three."""
    gain, truer = (result.late(name) - result.early(name) for name in ("score", "gold_score"))
    figures = {
        "score gained": f"{gain:+z.2f}",
        "gold gained": f"{truer:+z.2f}",
        "safe answers": f"{result.early('safety'):.0%} → {result.late('safety'):.0%}",
    }
    if len(result.records) < ENOUGH:
        return too_early(figures, f"A verdict needs {ENOUGH - 1} updates; {len(result.records) - 1} are done.")
    word, mood, state = _state(gain, truer, result.late("zero_spread"))
    state += unseen(mood, result.records)
    return Verdict(word, mood, figures, f"{state} (First three records to last three.)")


def _state(gain: float, truer: float, alike: float) -> tuple[str, Face, str]:
    if gain < LEAST_GAIN and truer < -CLEAR:
        return "collapsed", "bad", "Score and truth both fall."
    if gain < LEAST_GAIN and alike > ALIKE:
        return "nothing to compare", "warn", "Nearly all groups earn the same throughout."
    if gain < LEAST_GAIN:
        return "hardly moving", "warn", "The policy finds nothing to climb."
    if truer < -CLEAR:
        return "gamed", "bad", "The judge is content; the rubric is not."
    if truer > CLEAR:
        return "healthy", "good", "Score and truth rise together."
    return "no better", "warn", "The score climbs; the truth has not clearly moved."


def text(result: PolicyTraining) -> str:
    """The alarms that ring for this run, and what is not drawn."""
    last = result.records[-1]
    words = last.get("response_length", 0.0)
    return f"{alarm_list(result.records)}\nKL from SFT: {last['kl']:z.1f} nats an answer; {words:.1f} tokens in one."


LAB = Lab(
    title="Groups, and who scores them",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    cards=lambda result: result.said.cards(),
    canvas=lambda: Canvas(4),
    ranges={
        "judge": {"choices": JUDGES, "meaning": "Who scores the answers."},
        "advantage": {"choices": tuple(ADVANTAGES), "meaning": "What an answer earns above its siblings, and how."},
        "group_size": {"high": 16, "log": False},
        "kl_coef": {"high": 1.0, "log": True},
        "learning_rate": {"low": 1e-6, "high": 0.01},
        "updates": {"low": 2, "high": 100, "meaning": "How often answers are sampled and learned from."},
        "seed": {"high": 99},
    },
    presets={
        "a strict verifier": {"judge": "strict_verifier", "updates": 30},
        "a lazy verifier": {"judge": "lazy_verifier", "updates": 30},
        "the lazy one, gamed": {"judge": "lazy_verifier", "kl_coef": 0.0, "learning_rate": 1e-3, "updates": 40},
        "GRPO": {"advantage": "GRPO", "scale_by_length": True, "updates": 20},
        "groups of two": {"group_size": 2, "updates": 20},
    },
    question=Question(
        "A lazy verifier, no price: it will pass nearly all answers. Which share will be safe to act on?",
        lambda result: result.late("safety"),
        {"judge": "lazy_verifier", "kl_coef": 0.0, "learning_rate": 1e-3, "updates": 40},
        number_format="{:.0%}",
    ),
)


def show(**initial: Any) -> TrainingPanel:
    """The lab on the screen. Settings given here replace the defaults."""
    return TrainingPanel(LAB, initial)
