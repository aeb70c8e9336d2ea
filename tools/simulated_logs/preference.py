"""DPO, KTO and ORPO on the small language model: answers drawn from a model, labelled by noisy annotators, trained on.

The true reward of an answer is a sum over its tokens, so that the best policy is one that this model can reach.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from tools.simulated_logs import objectives
from tools.simulated_logs.optimiser import Adam
from tools.simulated_logs.pairs import batches, sigmoid
from tools.simulated_logs.printing import Journal, Plan, Record, plan
from tools.simulated_logs.tokens import PLACES, WIDTH, Answers, Language, Pass, run

REWARDS = {name: f"rewards/{name}" for name in ("chosen", "rejected", "accuracies", "margins")}
LOGPS = {f"logps_{side}": f"logps/{side}" for side in ("chosen", "rejected")}
LOGITS = {f"logits_{side}": f"logits/{side}" for side in ("chosen", "rejected")}
COMMON = {name: name for name in ("loss", "grad_norm", "learning_rate")}
NAMES = COMMON | REWARDS | LOGPS | LOGITS
NEW_TRL = NAMES | {"token_accuracy": "mean_token_accuracy", "entropy": "entropy"}
KTO = {name: printed for name, printed in NAMES.items() if name != "accuracies"} | {"kl": "kl"}
ORPO = NAMES | {name: name for name in ("nll_loss", "log_odds_ratio", "log_odds_chosen")}


@dataclass(frozen=True)
class PreferenceRun:
    """A run of a preference method; the fields from `memory` on are how it can be sick.

    method: "sigmoid", "hinge" or "ipo" (DPO), "kto", "orpo"; moved: how far log-probabilities of answers may move, as a
    share of their size; off_policy: how far the model that wrote the answers is from the one that is trained;
    familiar: how far annotators like what the writer is likely to say; memory: how many features tell single contexts
    apart, so that pairs can be learned by heart; length_ratio: length of the rejected answers against the chosen ones;
    same_reference: the reference is the policy.
    """

    plan: Plan
    method: str
    beta: float
    n_pairs: int
    batch: int
    held_out: int
    strength: float
    moved: float
    repeats: float
    off_policy: float
    familiar: float
    norm_scale: float
    smoothing: float = 0.0
    names: dict[str, str] = field(default_factory=lambda: dict(NEW_TRL))
    steps_shown: bool = True
    summary: bool = False
    memory: int = 0
    length_ratio: float = 1.0
    frozen: bool = False
    same_reference: bool = False
    swapped: bool = False
    loss_factor: float = 1.0
    nan_from: float = 2.0


@dataclass(frozen=True)
class Preferences:
    """Chosen and rejected answers to the same prompts."""

    chosen: Answers
    rejected: Answers

    def __getitem__(self, rows: np.ndarray) -> "Preferences":
        return Preferences(self.chosen[rows], self.rejected[rows])


@dataclass(frozen=True)
class World:
    """The language, the model that writes answers (D, V), and what a token is worth in its context (D, V)."""

    language: Language
    writer: np.ndarray
    worth: np.ndarray

    def preferences(self, rng: np.random.Generator, run_: PreferenceRun, count: int) -> Preferences:
        """Pairs of answers, the chosen one called so by an annotator who follows Bradley and Terry."""
        prompts = self.language.prompts(rng, count)
        drawn = [self.language.sample(rng, self.writer, prompts) for _ in range(2)]
        gap = self.value(prompts, drawn[0]) - self.value(prompts, drawn[1])
        first = (rng.random(count) < sigmoid(gap)) != run_.swapped
        tokens = [np.where(first[:, None], drawn[i], drawn[1 - i]) for i in range(2)]
        repeats = run_.repeats * rng.lognormal(0, 0.3, (2, count)) * np.array([[1], [run_.length_ratio]])
        return Preferences(*(self.language.answers(prompts, tokens[i], repeats[i]) for i in range(2)))

    def value(self, prompts: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """(N,) the true rewards of answers (N, T)."""
        each = self.language.contexts(prompts, tokens) @ self.worth
        return each[np.arange(len(each))[:, None], np.arange(PLACES), tokens].sum(axis=1)


def world(run_: PreferenceRun, rng: np.random.Generator) -> World:
    """A language and a taste: the gap of two answers has the standard deviation `strength`."""
    language = Language(rng, run_.memory)
    writer = language.start + run_.off_policy * language.plain(rng)
    taste = language.plain(rng) + np.float32(run_.familiar) * writer
    made = World(language, writer, taste)
    prompts = np.repeat(language.prompts(rng, 100), 2, axis=0)
    values = made.value(prompts, language.sample(rng, writer, prompts))
    return replace(made, worth=made.worth * np.float32(run_.strength / (values[::2] - values[1::2]).std()))


class Policy:
    """The model in training, and the reference that it is compared with."""

    def __init__(self, run_: PreferenceRun, made: World) -> None:
        self.run, self.world = run_, made
        self.weights: np.ndarray = made.language.start
        self.optimiser = Adam(self.weights.shape)
        self.rate = self._rate()

    def _rate(self) -> float:
        """Such that the gap of a pair's log-probabilities can move by the share `moved` of an answer's size."""
        run_, worth = self.run, self.world.worth
        nats = run_.moved * 1.4 * PLACES * run_.repeats
        unit = run_.strength / float(np.sqrt((worth[:WIDTH] ** 2).mean())) * run_.repeats
        return 2 * nats / unit / (float(run_.plan.factors().sum()) * min(1.0, 0.2 * np.sqrt(run_.batch)))

    def passes(self, answers: Answers) -> tuple[Pass, np.ndarray]:
        """The policy's pass, and the log-ratios to the reference (N,)."""
        now = run(self.weights, answers)
        return now, np.zeros(len(answers.tokens)) if self.run.same_reference else now.sums() - answers.before

    def measure(self, pairs: Preferences) -> tuple[dict[str, float], np.ndarray]:
        """What the trainer prints of these pairs, and the gradient of the loss."""
        size = len(pairs.chosen.tokens)
        both = pairs.chosen + pairs.rejected
        now, ratios = self.passes(both)
        kl = self._mismatched(both) if self.run.method == "kto" else 0.0
        loss = objectives.loss(self.run, now, ratios, kl)
        sums, rewards = now.sums(), loss.rewards
        margins = rewards[:size] - rewards[size:]
        measured = {
            "loss": loss.value * self.run.loss_factor,
            "chosen": float(rewards[:size].mean()),
            "rejected": float(rewards[size:].mean()),
            "accuracies": float((margins > 0).mean()),
            "margins": float(margins.mean()),
            "logps_chosen": float((now.means() if self.run.method == "orpo" else sums)[:size].mean()),
            "logps_rejected": float((now.means() if self.run.method == "orpo" else sums)[size:].mean()),
            "logits_chosen": now.mean_logit - 1.5,
            "logits_rejected": now.mean_logit - 1.6,
            "token_accuracy": now.token_accuracy(),
            "entropy": now.entropy(),
            "kl": kl,
        }
        return {**measured, **loss.more}, now.gradient(loss.pull * self.run.loss_factor)

    def step(self, pairs: Preferences, factor: float, alive: bool) -> dict[str, float]:
        """One update; its metrics before the update."""
        measured, gradient = self.measure(pairs)
        if self.run.frozen:
            gradient = np.zeros_like(gradient)
        if not alive:
            return {name: float("nan") for name in measured} | {"accuracies": 0.0, "grad_norm": float("nan")}
        self.weights = self.weights - np.float32(self.rate * factor) * self.optimiser.direction(gradient)
        return measured | {"grad_norm": self.run.norm_scale * float(np.sqrt((gradient**2).sum()))}

    def _mismatched(self, answers: Answers) -> float:
        """KTO's reference point: the mean log-ratio of answers to other prompts, at least 0."""
        other = self.world.language.answers(np.roll(answers.prompts, 1, axis=0), answers.tokens, answers.repeats)
        return max(0.0, float(self.passes(other)[1].mean()))


def simulate(run_: PreferenceRun, rng: np.random.Generator) -> list[Record]:
    """Train, and print."""
    made = world(run_, rng)
    pairs = made.preferences(rng, run_, run_.n_pairs)
    held_out = made.preferences(rng, run_, max(run_.held_out, 1))
    policy, journal = Policy(run_, made), Journal(run_.plan, run_.names, run_.steps_shown, run_.summary)
    factors, order = run_.plan.factors(), batches(rng, run_.n_pairs, run_.batch)
    for step in range(run_.plan.length):
        alive = step < run_.nan_from * run_.plan.steps
        journal.train(step + 1, factors[step], policy.step(pairs[next(order)], factors[step], alive))
        if run_.held_out and alive and journal.due(step + 1):
            journal.evaluate(step + 1, policy.measure(held_out)[0])
    return journal.close()


def healthy(rng: np.random.Generator, method: str) -> PreferenceRun:
    """A run without a fault: human-like labels, one to three epochs, a policy that stays near its reference."""
    batch = int(rng.choice([4, 8, 16, 32]))
    epochs = int(rng.choice([1, 1, 2, 3])) if batch > 4 else 1
    n_pairs = min(int(rng.integers(400, 1300)), 250 * batch // epochs)
    steps = n_pairs * epochs // batch
    beta = float(rng.choice([0.01, 0.05, 0.1, 0.1, 0.1, 0.2, 0.5] if method != "ipo" else [0.1, 0.2, 0.5, 1.0]))
    strength, repeats = rng.uniform(1.0, 2.0), float(rng.uniform(3, 30))
    best = strength / beta / (1.4 * PLACES * repeats)
    names = {"kto": KTO, "orpo": ORPO}.get(method, (NAMES, NEW_TRL)[rng.integers(2)])
    return PreferenceRun(
        plan=plan(rng, steps, epochs, peak=10 ** rng.uniform(-6.3, -5.3)),
        method=method,
        beta=beta,
        n_pairs=n_pairs,
        batch=batch,
        held_out=int(rng.choice([0, 50, 100, 200, 300])),
        strength=strength,
        moved=min(rng.uniform(0.03, 0.12), best) if method != "orpo" else rng.uniform(0.3, 0.8),
        repeats=repeats,
        off_policy=rng.uniform(0, 0.2) if method != "orpo" else rng.uniform(0.3, 0.5),
        norm_scale=10 ** rng.uniform(-0.5, 1),
        familiar=rng.uniform(0, 0.3) if method != "orpo" else rng.uniform(0.6, 1.5),
        smoothing=float(rng.choice([0, 0, 0, 0.1])) if method == "sigmoid" else 0.0,
        names=dict(names),
        steps_shown=bool(rng.random() < 0.6),
        summary=bool(rng.random() < 0.4),
    )
