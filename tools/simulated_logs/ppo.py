"""PPO: one answer to each prompt, scored by a reward model, with a critic that learns what a prompt is worth."""

from dataclasses import dataclass, field

import numpy as np

from tools.simulated_logs.answers import DECISIONS, PROMPTS, WIDTH, Menu, Policy, entropy, menu
from tools.simulated_logs.optimiser import Adam
from tools.simulated_logs.printing import Journal, Plan, Record, plan

TRL = {
    "kl": "objective/kl",
    "entropy": "objective/entropy",
    "non_score": "objective/non_score_reward",
    "rlhf": "objective/rlhf_reward",
    "score": "objective/scores",
    "approx_kl": "policy/approxkl_avg",
    "clip_fraction": "policy/clipfrac_avg",
    "policy_loss": "loss/policy_avg",
    "value_loss": "loss/value_avg",
    "token_entropy": "policy/entropy_avg",
    "ratio": "val/ratio",
    "ended": "val/num_eos_tokens",
    "learning_rate": "lr",
    "episode": "episode",
}
VERL = {
    "score": "critic/score/mean",
    "highest": "critic/score/max",
    "lowest": "critic/score/min",
    "explained": "critic/vf_explained_var",
    "value_loss": "critic/vf_loss",
    "token_kl": "actor/kl_loss",
    "approx_kl": "actor/ppo_kl",
    "clip_fraction": "actor/pg_clipfrac",
    "policy_loss": "actor/pg_loss",
    "token_entropy": "actor/entropy",
    "grad_norm": "actor/grad_norm",
    "learning_rate": "actor/lr",
    "length": "response_length/mean",
    "longest": "response_length/max",
    "cut": "response_length/clip_ratio",
}
CLIP = 0.2


@dataclass(frozen=True)
class PpoRun:
    """A PPO run; the fields from `scores` on are how it can be sick.

    batch: prompts in a step; passes: how often a batch is learned from; kl_coef: the weight of KL in the reward; reach:
    how far the weights may move in all; scores: what answers earn (P, K), where it is not the reward model's liking;
    lost_critic: the critic values another prompt than the one it is asked about.
    """

    plan: Plan
    listed: Menu
    batch: int
    passes: int
    kl_coef: float
    reach: float
    norm_scale: float
    names: dict[str, str] = field(default_factory=lambda: dict(TRL))
    steps_shown: bool = True
    scores: np.ndarray | None = None
    frozen: bool = False
    lost_critic: bool = False
    kl_sign: int = 1
    nan_from: float = 2.0


@dataclass(frozen=True)
class Rollout:
    """Answers of one step (B,): prompts, answers, old log-probabilities, log-ratios, scores, returns, values."""

    rows: np.ndarray
    chosen: np.ndarray
    old: np.ndarray
    ratio: np.ndarray
    scores: np.ndarray
    returns: np.ndarray
    values: np.ndarray


class Trainer:
    """Samples, learns a few passes from each batch, and measures as TRL and verl do."""

    def __init__(self, run: PpoRun, rng: np.random.Generator) -> None:
        self.run, self.rng, self.policy = run, rng, Policy(run.listed)
        self.scores = run.listed.liked if run.scores is None else run.scores
        self.critic = np.zeros(WIDTH + 1)
        self.optimiser = Adam((WIDTH,))
        self.rate = 3 * run.reach / float(run.plan.factors().sum()) / run.passes

    def step(self, factor: float, alive: bool) -> dict[str, float]:
        """One batch; its metrics."""
        rollout, logps = self._roll_out()
        measured = self._measure(rollout, logps)
        measured |= self._learn(rollout, factor)
        return measured if alive else {name: float("nan") for name in measured}

    def _roll_out(self) -> tuple[Rollout, np.ndarray]:
        rows = self.rng.integers(PROMPTS, size=self.run.batch)
        logps = self.policy.logps(rows)
        chosen = (logps + self.rng.gumbel(size=logps.shape)).argmax(axis=1)
        old = logps[np.arange(len(rows)), chosen]
        ratio = self.policy.log_ratio(rows, logps)[np.arange(len(rows)), chosen]
        scores = self.scores[rows, chosen]
        returns = scores - self.run.kl_coef * ratio
        return Rollout(rows, chosen, old, ratio, scores, returns, self._values(rows)), logps

    def _values(self, rows: np.ndarray) -> np.ndarray:
        asked = self.rng.permutation(rows) if self.run.lost_critic else rows
        return self.run.listed.prompts[asked] @ self.critic[:-1] + self.critic[-1]

    def _learn(self, rollout: Rollout, factor: float) -> dict[str, float]:
        """The clipped loss (arXiv:1707.06347, eq. 7), `passes` times over the batch."""
        apart = rollout.returns - rollout.values
        advantages = (apart - apart.mean()) / (apart.std() + 1e-8)
        at, seen = (np.arange(self.run.batch), rollout.chosen), []
        share = self.run.listed.lengths[rollout.rows, rollout.chosen] / self.run.batch
        for _ in range(self.run.passes):
            logps = self.policy.logps(rollout.rows)
            ratio = np.exp(np.clip(logps[at] - rollout.old, -20, 20))
            clipped = np.where(advantages > 0, ratio > 1 + CLIP, ratio < 1 - CLIP)
            pull = np.zeros_like(logps)
            pull[at] = np.where(clipped, 0.0, -advantages * ratio) / self.run.batch
            gradient = self.policy.gradient(rollout.rows, logps, pull).astype(np.float32) * (not self.run.frozen)
            self.policy.weights -= np.float32(self.rate * factor) * self.optimiser.direction(gradient)
            loss = np.maximum(-advantages * ratio, -advantages * np.clip(ratio, 1 - CLIP, 1 + CLIP))
            outside = float((np.abs(ratio - 1) > CLIP).mean())
            moved = float(((logps[at] - rollout.old) ** 2).mean()) / 2 / DECISIONS
            seen.append(
                (
                    float((loss * share).sum() / share.sum()),
                    outside,
                    moved,
                    float(ratio.mean()),
                    float(np.sqrt((gradient**2).sum())),
                )
            )
        self._teach(rollout)
        names = ("policy_loss", "clip_fraction", "approx_kl", "ratio", "grad_norm")
        measured = dict(zip(names, np.mean(seen, axis=0).tolist(), strict=True))
        return measured | {"grad_norm": measured["grad_norm"] * self.run.norm_scale}

    def _teach(self, rollout: Rollout) -> None:
        """A step of least squares for the critic."""
        seen = np.hstack([self.run.listed.prompts[rollout.rows], np.ones((self.run.batch, 1))])
        error = seen @ self.critic - rollout.returns
        self.critic -= 0.12 * seen.T @ error / self.run.batch

    def _measure(self, rollout: Rollout, logps: np.ndarray) -> dict[str, float]:
        run, at = self.run, (rollout.rows, rollout.chosen)
        kl, unsure = run.kl_sign * float(rollout.ratio.mean()), entropy(logps)
        error, lengths, cut = rollout.returns - rollout.values, run.listed.lengths[at], run.listed.cut()[at]
        return {
            "kl": kl,
            "token_kl": kl / DECISIONS,
            "entropy": unsure,
            "token_entropy": unsure / DECISIONS,
            "non_score": -run.kl_coef * kl,
            "rlhf": float(rollout.scores.mean()) - run.kl_coef * kl,
            "score": float(rollout.scores.mean()),
            "highest": float(rollout.scores.max()),
            "lowest": float(rollout.scores.min()),
            "value_loss": float((error**2).mean()) / 2,
            "explained": 1 - float(error.var() / (rollout.returns.var() + 1e-5)),
            "length": float(lengths.mean()),
            "longest": float(lengths.max()),
            "cut": float(cut.mean()),
            "ended": float((~cut).sum()),
        }


def simulate(run: PpoRun, rng: np.random.Generator) -> list[Record]:
    """Train, and print."""
    trainer, factors = Trainer(run, rng), run.plan.factors()
    journal = Journal(run.plan, run.names, run.steps_shown)
    for step in range(run.plan.length):
        measured = trainer.step(factors[step], step < run.nan_from * run.plan.steps)
        journal.train(step + 1, factors[step], measured | {"episode": float((step + 1) * run.batch)})
    return journal.close()


def healthy(rng: np.random.Generator) -> PpoRun:
    """A run without a fault: the score rises, the policy stays near its reference, the critic learns."""
    steps = int(rng.integers(60, 250))
    names = (TRL, VERL)[rng.integers(2)]
    return PpoRun(
        plan=plan(rng, steps, epochs=float(rng.choice([0.5, 1.0, 2.0])), peak=10 ** rng.uniform(-6, -5)),
        listed=menu(rng),
        batch=int(rng.choice([32, 64, 128])),
        passes=int(rng.choice([1, 2, 4] if names is VERL else [2, 4])),
        kl_coef=float(rng.choice([0.02, 0.05, 0.1, 0.2])),
        reach=rng.uniform(0.3, 0.9),
        norm_scale=10 ** rng.uniform(-0.5, 0.5),
        names=dict(names),
        steps_shown=bool(rng.random() < 0.6),
    )
