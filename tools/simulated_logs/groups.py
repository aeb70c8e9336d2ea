"""GRPO and RLOO: several answers to each prompt, each rewarded against the others of its group."""

from dataclasses import dataclass, field

import numpy as np

from tools.simulated_logs.answers import DECISIONS, PROMPTS, WIDTH, Menu, Policy, entropy, k3, menu
from tools.simulated_logs.optimiser import Adam
from tools.simulated_logs.printing import Journal, Plan, Record, plan

SAME = ("loss", "grad_norm", "learning_rate", "reward", "reward_std", "kl")
LENGTHS = ("mean_length", "min_length", "max_length", "clipped_ratio", "mean_terminated_length")
PARTS = ("accuracy_reward", "format_reward")
OLD = {name: name for name in SAME} | {"mean_length": "completion_length"} | {name: f"rewards/{name}" for name in PARTS}
NEW = (
    {name: name for name in (*SAME, "frac_reward_zero_std", "entropy", "num_tokens")}
    | {name: f"completions/{name}" for name in LENGTHS}
    | {name: f"rewards/{name}/mean" for name in PARTS}
    | {f"{name}_std": f"rewards/{name}/std" for name in PARTS}
    | {name: f"clip_ratio/{name}" for name in ("low_mean", "high_mean", "region_mean")}
)


@dataclass(frozen=True)
class GroupRun:
    """A run of GRPO ("grpo") or RLOO ("rloo"); the fields from `constant` on are how it can be sick.

    weights: what a right answer and a kept format earn; judged: whether a reward model's score stands in for the right
    answer; reach: how far the weights may move in all; beta: the weight of KL, 0 for none (and none is printed).
    """

    plan: Plan
    method: str
    listed: Menu
    prompts: int
    group: int
    weights: tuple[float, float]
    judged: bool
    beta: float
    reach: float
    norm_scale: float
    names: dict[str, str] = field(default_factory=lambda: dict(NEW))
    steps_shown: bool = True
    summary: bool = False
    constant: float | None = None
    frozen: bool = False
    kl_sign: int = 1
    nan_from: float = 2.0

    def rewards(self) -> tuple[np.ndarray, np.ndarray]:
        """(P, K) each: what an answer earns for being right, and for its format, before the weights."""
        if self.constant is not None:
            return np.full(self.listed.right.shape, self.constant), np.zeros(self.listed.right.shape)
        main = self.listed.liked if self.judged else self.listed.right.astype(float)
        return main, self.listed.shaped.astype(float)


class Trainer:
    """Samples groups, moves the policy, and measures as TRL does."""

    def __init__(self, run: GroupRun, rng: np.random.Generator) -> None:
        self.run, self.rng, self.policy = run, rng, Policy(run.listed)
        self.parts = run.rewards()
        self.optimiser = Adam((WIDTH,))
        self.rate = 3 * run.reach / float(run.plan.factors().sum())
        self.tokens = 0

    def step(self, factor: float, alive: bool) -> dict[str, float]:
        """One update; its metrics."""
        run, listed = self.run, self.run.listed
        rows = self.rng.choice(PROMPTS, run.prompts, replace=False)
        logps = self.policy.logps(rows)
        chosen = (logps[:, None, :] + self.rng.gumbel(size=(run.prompts, run.group, logps.shape[1]))).argmax(axis=2)
        at = rows[:, None], chosen
        ratio = np.take_along_axis(self.policy.log_ratio(rows, logps), chosen, axis=1)
        rewards = run.weights[0] * self.parts[0][at] + run.weights[1] * self.parts[1][at]
        advantages = _advantages(run.method, rewards - (run.beta * ratio if run.method == "rloo" else 0.0))
        gradient = self._gradient(rows, logps, chosen, advantages, ratio)
        self.policy.weights -= np.float32(self.rate * factor) * self.optimiser.direction(gradient)
        lengths = listed.lengths[at]
        self.tokens += int(lengths.sum()) + 60 * lengths.size
        measured = self._measure(rewards, advantages, ratio, lengths, listed.cut()[at])
        measured |= {"entropy": entropy(logps) / DECISIONS, "num_tokens": float(self.tokens)}
        for name, part in zip(PARTS, self.parts, strict=True):
            measured |= {name: float(part[at].mean()), f"{name}_std": float(part[at].std())}
        measured["grad_norm"] = run.norm_scale * float(np.sqrt((gradient**2).sum()))
        return measured if alive else _broken(measured)

    def _gradient(
        self, rows: np.ndarray, logps: np.ndarray, chosen: np.ndarray, advantages: np.ndarray, ratio: np.ndarray
    ) -> np.ndarray:
        if self.run.frozen:
            return np.zeros(WIDTH, dtype=np.float32)
        each = -advantages
        if self.run.method == "grpo":
            each = each + self.run.beta * (1 - np.exp(-np.clip(ratio / DECISIONS, -30, 30)))
        pull = np.zeros_like(logps)
        np.add.at(pull, (np.arange(len(rows))[:, None], chosen), each / advantages.size)
        return self.policy.gradient(rows, logps, pull).astype(np.float32)

    def _measure(
        self, rewards: np.ndarray, advantages: np.ndarray, ratio: np.ndarray, lengths: np.ndarray, cut: np.ndarray
    ) -> dict[str, float]:
        each = ratio / DECISIONS
        kl = float((k3(each) if self.run.method == "grpo" and self.run.kl_sign > 0 else each).mean()) * self.run.kl_sign
        ended = lengths[~cut]
        spreads = rewards.std(axis=1, ddof=1)
        loss = -float((advantages * lengths).sum() / lengths.sum())
        return {
            "loss": loss + (self.run.beta * kl if self.run.method == "grpo" else 0.0),
            "reward": float(rewards.mean()),
            "reward_std": float(spreads.mean()),
            "frac_reward_zero_std": float((spreads < 1e-8).mean()),
            "kl": kl,
            "mean_length": float(lengths.mean()),
            "min_length": float(lengths.min()),
            "max_length": float(lengths.max()),
            "clipped_ratio": float(cut.mean()),
            "mean_terminated_length": float(ended.mean()) if ended.size else 0.0,
            **{"low_mean": 0.0, "high_mean": 0.0, "region_mean": 0.0},
        }


def _advantages(method: str, rewards: np.ndarray) -> np.ndarray:
    """(P, G): against the group's mean in units of its spread, or against the mean of the others."""
    apart = rewards - rewards.mean(axis=1, keepdims=True)
    if method == "rloo":
        return apart * rewards.shape[1] / (rewards.shape[1] - 1)
    return apart / (rewards.std(axis=1, ddof=1, keepdims=True) + 1e-4)


def _broken(measured: dict[str, float]) -> dict[str, float]:
    """What is printed once the weights are not numbers: answers are noise, cut off and worth nothing."""
    lost = ("loss", "grad_norm", "kl", "entropy")
    still = {"reward": 0.0, "reward_std": 0.0, "frac_reward_zero_std": 1.0, "clipped_ratio": 1.0}
    return measured | still | {name: float("nan") for name in lost}


def simulate(run: GroupRun, rng: np.random.Generator) -> list[Record]:
    """Train, and print."""
    trainer = Trainer(run, rng)
    journal, factors = Journal(run.plan, _printed(run), run.steps_shown, run.summary), run.plan.factors()
    for step in range(run.plan.length):
        alive = step < run.nan_from * run.plan.steps
        journal.train(step + 1, factors[step], trainer.step(factors[step], alive))
    return journal.close()


def _printed(run: GroupRun) -> dict[str, str]:
    """The names of what this run has: no KL without its weight, no format without a reward for it."""
    unused = () if run.beta else ("kl",)
    if not run.weights[1]:
        unused = (*unused, "format_reward", "format_reward_std")
    return {name: printed for name, printed in run.names.items() if name not in unused}


def healthy(rng: np.random.Generator, method: str) -> GroupRun:
    """A run without a fault: some answers are right from the beginning, and the policy finds more of them."""
    steps = int(rng.integers(60, 250))
    return GroupRun(
        plan=plan(rng, steps, epochs=float(rng.choice([0.5, 1.0, 2.0])), peak=10 ** rng.uniform(-6.3, -5)),
        method=method,
        listed=menu(rng, solved=rng.uniform(0.15, 0.5)),
        prompts=int(rng.choice([4, 8, 16])),
        group=int(rng.choice([4, 8, 16])),
        weights=(1.0, float(rng.choice([0.0, 0.2, 0.5, 1.0]))),
        judged=bool(rng.random() < 0.3),
        beta=float(rng.choice([0.0, 0.001, 0.01, 0.04])) if method == "grpo" else float(rng.choice([0.01, 0.05])),
        reach=rng.uniform(0.3, 0.9),
        norm_scale=10 ** rng.uniform(-1, 0.5),
        names=dict((OLD, NEW)[rng.integers(2)]),
        steps_shown=bool(rng.random() < 0.6),
        summary=bool(rng.random() < 0.4),
    )
