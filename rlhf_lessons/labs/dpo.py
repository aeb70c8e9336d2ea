"""Lab of notebook 08: DPO on pairs that people or the SFT model wrote, and what becomes of the chosen answers."""

import copy
from operator import sub
from typing import Any

import torch

from rlhf_lessons import knobs
from rlhf_lessons.evaluation.scorecard import gold_metrics, sample_tokens
from rlhf_lessons.labs.frame.authors import course_sft, make_pairs
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.conversation import Conversation, PolicyTraining
from rlhf_lessons.labs.frame.curves import Chart, draw_charts
from rlhf_lessons.labs.frame.lab import Lab, Question, Verdict, too_early
from rlhf_lessons.labs.frame.training import TrainingPanel, Watch, unwatched
from rlhf_lessons.labs.frame.work import DRAW, LEARN, STEP
from rlhf_lessons.labs.reward_model import schedule
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.objectives.kl import kl_estimate
from rlhf_lessons.plots.style import Face, Meaning
from rlhf_lessons.refusals import check_choice
from rlhf_lessons.stages.direct import DPOSettings, pair_logprobs, train_dpo
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.rollout import response_logprobs
from rlhf_lessons.world.annotators import curated_pairs
from rlhf_lessons.world.datasets import encode_pairs, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

STEPS, LARGEST_BATCH = 60, 32
CHECKS = 10  # how often tuning cases are asked about on the way
NEW_PAIRS, ANSWERS_EACH = 60, 2  # of tuning cases, at each check
OWN_SHARES = {"people": 0.0, "both": 0.5, "SFT model": 1.0}  # of pairs of the SFT model's own answers
ENOUGH = 4  # checks, the one before training included
IMPLICIT = {"own_chosen": "reward_chosen", "own_rejected": "reward_rejected", "own_margin": "margin"}
FATES = ("it rises", "it stays within 1 nat", "it falls")
CLEAR, LOST, LEAST_MARGIN = 0.1, 1.0, 0.5  # of the safe share; nats of the chosen answers and of the margin


def _chart(title: str, pairs: str, look: Meaning) -> Chart:
    looks: dict[str, Meaning] = {"chosen": "chosen", "rejected": "rejected", "margin": look}
    return Chart(title, "nats from SFT", {name: (pairs + name, meaning) for name, meaning in looks.items()}, (-1, 1))


CHARTS = (
    _chart("Own pairs", "own_", "own"),
    _chart("New pairs", "new_", "new"),
    Chart("Safe, unseen cases", "share of answers", {"safe": ("safety", "safe")}, (0, 1)),
    Chart("KL from SFT", "nats an answer", {"KL": ("kl", "distance")}, (0, 0.1)),
)


def compute(
    beta: float = 0.1,
    n_pairs: int = 200,
    learning_rate: float = 2e-4,
    answers: str = "people",
    direct_loss: knobs.DirectLoss = "dpo",
    seed: int = 0,
    watch: Watch = unwatched,
    sft: GPT | None = None,
) -> PolicyTraining:
    """DPO or IPO for at least 60 steps from the SFT model (or from a copy of `sft`), on pairs about train cases.

    answers: who wrote them. Of a step's pairs, and at each check of new ones that people wrote about tuning cases, it
    records by how many nats log pi of chosen and of rejected answers has changed, and the margin. Step 0 is the start.
    Raises ValueError for an unknown author.
    """
    check_choice("answers", answers, OWN_SHARES)
    start = sft or course_sft()
    policy, reference = copy.deepcopy(start), copy.deepcopy(start)
    new = encode_pairs(course_tokenizer(), curated_pairs(NEW_PAIRS, "tuning", seed=seed))
    new_before, tuning = pair_logprobs(start, new), prompts_in("tuning")
    epochs, batch_size, n_steps = schedule(n_pairs, STEPS, LARGEST_BATCH)
    training = PolicyTraining(n_steps=n_steps, said=Conversation(start))
    checks, n_own = {n_steps * n // CHECKS for n in range(CHECKS + 1)}, round(n_pairs * OWN_SHARES[answers])
    # In passes of one text through one model: a pair by each author, a check, a step, and everything.
    wanted, costs = {None: n_pairs - n_own, start: n_own}, {None: 1, start: 4 * DRAW}  # half of own pairs are ties
    checking, learning = ANSWERS_EACH * len(tuning) * DRAW, STEP + 2 * batch_size * LEARN
    work = sum(costs[author] * n for author, n in wanted.items()) + 2 * n_pairs
    work += checking * len(checks) + learning * (n_steps + 1)
    spent = 0

    def spend(passes: int) -> None:
        nonlocal spent
        spent += passes
        watch(training, spent / work)

    @torch.no_grad()
    def check() -> Record:
        training.said.listen(policy)
        drawn = sample_tokens(policy, tuning, ANSWERS_EACH, seed=seed)
        kl = kl_estimate(drawn.logprobs, response_logprobs(start, drawn.sequences, drawn.responses))
        now = {"kl": float((kl * drawn.response_mask).sum(1).mean()), **gold_metrics(drawn.sequences)}
        chosen, rejected = (float(each.mean()) for each in map(sub, pair_logprobs(policy, new), new_before))
        return now | {"new_chosen": chosen, "new_rejected": rejected, "new_margin": chosen - rejected}

    def on_step(record: Record) -> None:
        own = {name: record.get(metric, 0.0) / beta for name, metric in IMPLICIT.items()}
        is_check = record["step"] in checks
        training.records.append(record | own | (check() if is_check else {}))
        spend(learning + checking * is_check)

    on_step({"step": 0})
    pairs = make_pairs(wanted, seed, lambda author, n: spend(costs[author] * n))
    reference.register_forward_hook(lambda _, texts, __: spend(len(texts[0])))
    settings = DPOSettings(
        direct_loss=direct_loss, beta=beta, learning_rate=learning_rate, epochs=epochs, batch_size=batch_size, seed=seed
    )
    train_dpo(policy, pairs, settings, reference, on_step)
    return training


def draw(result: PolicyTraining, canvas: Canvas) -> None:
    """Both log-probabilities and their gap, of own pairs and of new ones; safe answers; the distance from SFT."""
    draw_charts(canvas, CHARTS, result.records, (0, result.n_steps))
    canvas.level(2, result.records[0]["safety"], "SFT", "before")


def verdict(result: PolicyTraining) -> Verdict:
    """What became of the chosen answers of new pairs, and whether answers are safer (the last three checks)."""
    checked = result.records_with("safety")
    first, last = checked[0], checked[-1]
    safety = sum(record["safety"] for record in checked[-3:]) / len(checked[-3:])
    figures = {
        "chosen, nats": f"{last['new_chosen']:+z.1f}",
        "margin, nats": f"{last['new_margin']:+z.1f}",
        "safe answers": f"{first['safety']:.0%} → {safety:.0%}",
    }
    if len(checked) < ENOUGH:
        return too_early(figures, f"Tuning cases are asked {CHECKS} times on the way; a verdict needs {ENOUGH - 1}.")
    word, mood, state = _state(last, safety - first["safety"])
    return Verdict(word, mood, figures, state)


def _state(last: Record, safer: float) -> tuple[str, Face, str]:
    chosen, margin = last["new_chosen"], last["new_margin"]
    if max(last["own_margin"], margin) < LEAST_MARGIN:
        return "hardly moving", "warn", "Chosen and rejected answers are about as likely as before."
    if chosen < -LOST and margin >= LEAST_MARGIN:
        state = f"Chosen answers lost {-chosen:.1f} nats while the margin rose by {margin:.1f}"
        if safer < -CLEAR:
            return "displacement", "bad", f"{state}; what is said instead is less safe."
        return "displacement", "warn", f"{state}: other answers gained what both lost."
    if safer < -CLEAR:
        return "it harms", "bad", "The margin on its own pairs rises; answers are less safe."
    if margin < LEAST_MARGIN:
        return "learned by heart", "warn", "It tells its own pairs apart and no others."
    if safer > CLEAR / 2:
        return "healthy", "good", "The margin rises, chosen answers hardly lose, and answers are safer."
    return "no safer", "warn", "The margin rises; answers are about as safe as before."


def chosen_fate(result: PolicyTraining) -> str:
    """One of `FATES`: what became of the log-probability of chosen answers in new pairs."""
    change = result.records_with("new_chosen")[-1]["new_chosen"]
    return FATES[0] if change > LOST else FATES[2] if change < -LOST else FATES[1]


LAB = Lab(
    title="Direct preference optimisation",
    compute=compute,
    draw=draw,
    verdict=verdict,
    cards=lambda result: result.said.cards(),
    canvas=lambda: Canvas(4),
    ranges={
        "beta": {"high": 5.0},
        "n_pairs": {"low": 20, "high": 16_000, "meaning": "How many comparisons it learns from."},
        "learning_rate": {"low": 1e-6, "high": 0.01},
        "answers": {"choices": tuple(OWN_SHARES), "meaning": "Who wrote the answers that annotators compared."},
        "seed": {"high": 99},
    },
    presets={
        "20 pairs": {"n_pairs": 20, "learning_rate": 5e-4},
        "no price": {"beta": 0.001, "learning_rate": 5e-4},
        "a high price": {"beta": 1.0, "learning_rate": 5e-4},
        "IPO": {"direct_loss": "ipo", "learning_rate": 5e-4},
        "2,000 pairs": {"n_pairs": 2000},
        "its own answers": {"n_pairs": 2000, "answers": "SFT model"},
    },
    question=Question(
        "200 pairs, a learning rate of 0.0005: what happens to the log-probability of chosen answers in new pairs?",
        chosen_fate,
        {"learning_rate": 5e-4},
        choices=FATES,
    ),
)


def show(**initial: Any) -> TrainingPanel:
    """The lab on the screen. Settings given here replace the defaults."""
    return TrainingPanel(LAB, initial)
