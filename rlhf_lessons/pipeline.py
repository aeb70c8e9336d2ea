"""The whole course in a page: pretrained -> sft -> reward -> ppo, and what may stand in the place of PPO.

`ensure` loads a stage, or trains it.

    trained = ensure("ppo", seed=3, kl_coef=0.2)

trains whatever is missing on the way. The seed reaches every stage after pretraining: as in practice, many
alignment runs start from one pretrained model.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import torch
from torch import nn
from tqdm.auto import tqdm

from rlhf_lessons import knobs, scales, store
from rlhf_lessons.evaluation.best_of_n import best_of_n
from rlhf_lessons.evaluation.scorecard import MAX_NEW_TOKENS, gold_metrics
from rlhf_lessons.keys import Key
from rlhf_lessons.knobs import Settings
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.model.sampling import sample
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.refusals import check_choice, shown
from rlhf_lessons.stages import direct, group, ppo
from rlhf_lessons.stages.history import History, Record
from rlhf_lessons.stages.loop import OnStep
from rlhf_lessons.stages.pretrain import PretrainSettings, train_pretrain
from rlhf_lessons.stages.reward import RewardSettings, score, train_reward
from rlhf_lessons.stages.rollout import Rollout
from rlhf_lessons.stages.sft import SFTSettings, train_sft
from rlhf_lessons.world import annotators, datasets
from rlhf_lessons.world.annotators import PEOPLE, Annotators
from rlhf_lessons.world.tokenizer import course_tokenizer

PAIR_TEMPERATURE = 1.2  # a little hotter than the policy, so that two answers to one prompt differ
RECORD_BYTES = 2_000  # more than one record of a history takes on disk
MIN_UNTIED = 0.02  # below this share of usable comparisons, collecting pairs would go on for ever


class PretrainedPlan(PretrainSettings):
    """Data, model and training of the pretrained model."""

    n_notes: knobs.NNotes = 40_000
    careful_share: knobs.CarefulShare = 0.6
    popular_share: knobs.PopularShare = 0.25
    layers: knobs.Layers = 2
    heads: knobs.Heads = 4
    width: knobs.Width = 96


class SFTPlan(SFTSettings):
    """Data and training of the SFT model."""

    n_demonstrations: knobs.NDemonstrations = 500
    careless_share: knobs.CarelessShare = 0.05
    blind_share: knobs.BlindShare = 0.7


class RewardPlan(annotators.Annotators, RewardSettings):
    """Annotators, data, head and training of the reward model. `sampled_share` of the pairs come from the SFT model."""

    learning_rate: knobs.LearningRate = 2e-4
    n_pairs: knobs.NPairs = 16_000
    sampled_share: knobs.SampledShare = 0.5
    noise: knobs.Noise = 0.0
    head_init: knobs.HeadInit = "normal"
    head_init_scale: knobs.HeadInitScale = 0.0
    reward_offset: knobs.RewardOffset = 0.0


class PPOPlan(ppo.PPOSettings):
    """Training of the policy."""


class DPOPlan(annotators.Annotators, direct.DPOSettings):
    """Annotators, data and training of DPO: the pairs that the reward model learns from."""

    n_pairs: knobs.NPairs = 16_000
    sampled_share: knobs.SampledShare = 0.5
    noise: knobs.Noise = 0.0


class RLOOPlan(group.GroupSettings):
    """Training of a policy whose baseline is the other answers to the same prompt."""


class GRPOPlan(group.GRPOSettings):
    """Training of a policy as GRPO does."""


class DistilledPlan(SFTSettings):
    """Rejection sampling: SFT on the answers to the train prompts that the reward model likes best of `best_of`."""

    best_of: knobs.BestOf = 16
    n_demonstrations: knobs.NDemonstrations = 1_000


@dataclass(frozen=True)
class Trained:
    """One stage's result. `loaded` says whether it came from the store; `seconds` is its training time then or now.

    `model` is a GPT, and for the stage `reward` a RewardModel. `threads` did the training, on `device`: with another
    number, as on another device or machine, the same seed gives other last digits.
    """

    stage: str
    model: Any
    history: History
    plan: Settings
    key: Key
    seconds: float
    loaded: bool
    threads: int | None = None
    device: str = "cpu"

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change with anything the model depends on."""
        return self.key.fingerprint


@dataclass(frozen=True)
class Stage:
    """How a stage is made: its plan, its parents, a model to start from, and the training itself."""

    plan: type[Settings]
    parents: tuple[str, ...]
    start: Callable[..., nn.Module]
    train: Callable[..., History]
    steps: Callable[[Any], int]

    def key(self, stage: str, plan: Settings, parents: Mapping[str, Key]) -> Key:
        """What the stage with this plan depends on."""
        code = (self.plan, self.start, self.train)
        return Key.of(stage, plan.model_dump(), code, [parents[name] for name in self.parents])


def ensure(
    stage: str,
    seed: int = 0,
    parents: Mapping[str, Trained] | None = None,
    progress: bool = True,
    on_step: OnStep | None = None,
    **changes: Any,
) -> Trained:
    """Load the stage (`pretrained`, `sft`, ... of `STAGES`) if it was trained before, else train and keep it.

    `changes` override fields of the stage's plan; `parents` replaces what it builds on. A training that `on_step` ends
    early is returned and not kept. Raises ValueError for an unknown stage or parent, or a value out of range, and
    OSError if it must be trained and cannot be kept.
    """
    recipe, plan = _recipe(stage, seed, changes)
    if not (on_step is None or callable(on_step)):
        raise ValueError(f"on_step: {shown(on_step)} is not allowed; it must be a function of a record")
    given = _checked_parents(stage, recipe.parents, parents or {})
    for name in recipe.parents:
        if name not in given:
            given[name] = ensure(name, _seed_of(name, seed), progress=progress)
    key = recipe.key(stage, plan, {name: trained.key for name, trained in given.items()})
    family = [given[name].model for name in recipe.parents]
    # Looked for before it is locked: a shared cache serves many readers, who may not write there.
    if found := _recalled(stage, plan, key, family):
        return found
    with store.lock(stage, key.fingerprint):
        return _recalled(stage, plan, key, family) or _trained(stage, plan, key, family, progress, on_step)


def _checked_parents(stage: str, needed: Sequence[str], given: Mapping[str, Trained]) -> dict[str, Trained]:
    if not isinstance(given, Mapping):
        raise ValueError(f"parents: {shown(given)} is not allowed; it must be a dict of stage and what ensure gives")
    for name, parent in given.items():
        if name not in needed:
            allowed = f"one of {', '.join(needed)}" if needed else "left out, for this stage has none"
            raise ValueError(f"parents: {shown(name)} is not allowed for {stage}; it must be {allowed}")
        if not isinstance(parent, Trained) or parent.stage != name:
            raise ValueError(f"parents: {name}={shown(parent)} is not allowed; it must be what ensure({name!r}) gives")
    return dict(given)


def _recalled(stage: str, plan: Settings, key: Key, family: Sequence[nn.Module]) -> Trained | None:
    """The stage as it is stored, or None if there is nothing that can be used."""
    stored = store.load(stage, key.fingerprint)
    if not stored:
        return None
    model = STAGES[stage].start(plan, *family)
    try:
        model.load_state_dict(stored.tensors)
        history, seconds = History(stored.meta["history"]), float(stored.meta["seconds"])
        threads, device = stored.meta.get("threads"), stored.meta.get("device", "cpu")
        return Trained(stage, model, history, plan, key, seconds, True, threads, device)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:  # whole, but of another shape
        reason = " ".join(str(error).split())
        store.distrust(stage, f"what is stored as {stage}-{key.fingerprint} does not fit this version ({reason:.100})")
        return None


def _trained(
    stage: str, plan: Settings, key: Key, family: Sequence[nn.Module], progress: bool, on_step: OnStep | None
) -> Trained:
    """Train the stage, and store it unless `on_step` ended it early."""
    recipe, threads = STAGES[stage], torch.get_num_threads()
    model = recipe.start(plan, *family)
    device = next(model.parameters()).device.type
    size = sum(tensor.nbytes for tensor in model.state_dict().values())
    store.check_room(stage, key.fingerprint, size + RECORD_BYTES * recipe.steps(plan))
    start = time.perf_counter()
    with _Progress(stage, recipe.steps(plan), on_step, progress) as step:
        history = recipe.train(model, plan, *family, on_step=step)
    seconds = time.perf_counter() - start
    if step.stopped_after:
        key = replace(key, settings={**key.settings, "stopped_after": step.stopped_after})
    else:
        changed = {name: value for name, value in plan if value != recipe.plan.model_fields[name].default}
        told = {"key": key.as_dict(), "changes": changed, "seconds": seconds, "threads": threads}
        meta = {**told, "device": device, "torch": torch.__version__, "history": history.records}
        store.save_or_rescue(stage, key.fingerprint, model.state_dict(), meta)
    return Trained(stage, model, history, plan, key, seconds, False, threads, device)


def key_of(stage: str, seed: int = 0, **changes: Any) -> Key:
    """The key of what `ensure(stage, seed, **changes)` would give; nothing is trained or loaded."""
    recipe, plan = _recipe(stage, seed, changes)
    return recipe.key(stage, plan, {name: key_of(name, _seed_of(name, seed)) for name in recipe.parents})


def _recipe(stage: str, seed: int, changes: Mapping[str, Any]) -> tuple[Stage, Settings]:
    check_choice("stage", stage, STAGES)
    return STAGES[stage], STAGES[stage].plan(seed=seed, **{**scales.changes(stage), **changes})


def _seed_of(stage: str, seed: int) -> int:
    return 0 if stage == "pretrained" else seed


class _Progress:
    """A progress bar as an `on_step`, in front of the caller's own. Notes whether that one ended the training early."""

    def __init__(self, stage: str, steps: int, on_step: OnStep | None, shown: bool):
        self.bar = tqdm(total=steps, desc=f"training {stage}", leave=False, disable=not shown)
        self.steps, self.taken, self.stopped_after = steps, 0, 0
        self.on_step = on_step

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def __call__(self, record: Record) -> bool:
        self.bar.update()
        self.taken += 1
        is_over = bool(self.on_step and self.on_step(record))
        self.stopped_after = self.taken if is_over and self.taken < self.steps else 0
        return is_over


def _start_pretrained(plan: PretrainedPlan) -> GPT:
    vocab_size = course_tokenizer().vocab_size
    return GPT(GPTConfig(vocab_size, layers=plan.layers, heads=plan.heads, width=plan.width), seed=plan.seed)


def _train_pretrained(model: GPT, plan: PretrainedPlan, on_step: OnStep) -> History:
    notes = datasets.corpus(plan.n_notes, plan.careful_share, plan.popular_share, plan.seed)
    return train_pretrain(model, datasets.encode_notes(course_tokenizer(), notes), plan, on_step)


def _train_sft(model: GPT, plan: SFTPlan, pretrained: GPT, on_step: OnStep) -> History:
    notes = datasets.demonstrations(plan.n_demonstrations, plan.careless_share, plan.blind_share, "train", plan.seed)
    return train_sft(model, datasets.encode_notes(course_tokenizer(), notes), plan, on_step)


def _start_reward(plan: RewardPlan, pretrained: GPT, sft: GPT) -> RewardModel:
    head = plan.model_dump(include={"head_init", "head_init_scale", "reward_offset", "seed"})
    return RewardModel.from_policy(pretrained, **head)


def _train_reward(model: RewardModel, plan: RewardPlan, pretrained: GPT, sft: GPT, on_step: OnStep) -> History:
    pairs = preference_pairs(sft, plan.n_pairs, plan.sampled_share, "train", plan.seed, plan)
    pairs = annotators.add_noise(pairs, plan.noise, plan.seed)
    return train_reward(model, datasets.encode_pairs(course_tokenizer(), pairs), plan, on_step)


def _train_ppo(model: GPT, plan: PPOPlan, sft: GPT, reward: RewardModel, on_step: OnStep) -> History:
    prompts = datasets.encode_prompts(course_tokenizer(), datasets.prompts_in("train"))
    return ppo.train_ppo(model, prompts, plan, partial(score, reward), watch=gold_metrics, on_step=on_step)


def _train_dpo(model: GPT, plan: DPOPlan, sft: GPT, on_step: OnStep) -> History:
    pairs = preference_pairs(sft, plan.n_pairs, plan.sampled_share, "train", plan.seed, plan)
    pairs = annotators.add_noise(pairs, plan.noise, plan.seed)
    return direct.train_dpo(model, datasets.encode_pairs(course_tokenizer(), pairs), plan, sft, on_step)


def _train_group(model: GPT, plan: group.GroupSettings, sft: GPT, reward: RewardModel, on_step: OnStep) -> History:
    prompts = datasets.encode_prompts(course_tokenizer(), datasets.prompts_in("train"))
    return group.train_group(model, prompts, plan, partial(score, reward), watch=gold_metrics, on_step=on_step)


def _train_distilled(model: GPT, plan: DistilledPlan, sft: GPT, reward: RewardModel, on_step: OnStep) -> History:
    generator = torch.Generator().manual_seed(plan.seed)
    prompts = datasets.encode_prompts(course_tokenizer(), datasets.prompts_in("train"))
    rows = torch.randint(len(prompts), (plan.n_demonstrations,), generator=generator)
    best = best_of_n(sft, prompts[rows], plan.best_of, partial(score, reward), generator)
    return train_sft(model, best, plan, on_step)


def first_rollout(sft: Trained, reward: Trained, seed: int = 0, **changes: Any) -> Rollout:
    """The first rollout of the PPO run that `ensure("ppo", seed, **changes)` would start, before any update."""
    prompts = datasets.encode_prompts(course_tokenizer(), datasets.prompts_in("train"))
    return ppo.first_rollout(sft.model, prompts, PPOPlan(seed=seed, **changes), partial(score, reward.model))


def preference_pairs(
    sft: GPT, n_pairs: int, sampled_share: float, split: str, seed: int, people: Annotators = PEOPLE
) -> list[datasets.Pair]:
    """The RM's data: curated pairs, and pairs of the SFT model's own answers, in this order."""
    n_sampled = round(n_pairs * sampled_share)
    n_curated = n_pairs - n_sampled
    curated = annotators.curated_pairs(n_curated, split, seed=seed, people=people) if n_curated else []
    return curated + sampled_pairs(sft, n_sampled, split, seed, people)


@torch.no_grad()
def sampled_pairs(policy: GPT, n_pairs: int, split: str, seed: int, people: Annotators = PEOPLE) -> list[datasets.Pair]:
    """`n_pairs` pairs of the policy's own answers to the split's prompts, as annotators choose; no ties.

    Raises ValueError for a policy whose answers are nearly all ties, such as an untrained one.
    """
    generator = torch.Generator().manual_seed(seed)
    prompts = datasets.prompts_in(split)
    pairs: list[datasets.Pair] = []
    while len(pairs) < n_pairs:
        asked = [prompts[row] for row in torch.randint(len(prompts), (512,), generator=generator).tolist()]
        found = compared(policy, asked, generator, people=people)
        if len(found) < MIN_UNTIED * len(asked):
            raise ValueError(
                f"policy: {len(found)} of {len(asked)} pairs of its answers differ in worth, which is too few to "
                f"learn from; at least {MIN_UNTIED:.0%} must (train it for longer, or set sampled_share to 0)"
            )
        pairs += found
    return pairs[:n_pairs]


@torch.no_grad()
def compared(
    policy: GPT,
    prompts: Sequence[str],
    generator: torch.Generator,
    other: GPT | None = None,
    people: Annotators = PEOPLE,
) -> list[datasets.Pair]:
    """What annotators prefer of two sampled answers to each prompt, the second by `other` if there is one; no ties."""
    encoded = datasets.encode_prompts(course_tokenizer(), prompts)
    first, second = (_answers(model, encoded, generator) for model in (policy, other or policy))
    rng = random.Random(int(torch.randint(2**31, (1,), generator=generator)))
    return annotators.compare(zip(prompts, first, second, strict=True), rng, people)


def _answers(policy: GPT, prompts: Sequences, generator: torch.Generator) -> list[str]:
    drawn = sample(policy, prompts, MAX_NEW_TOKENS, PAIR_TEMPERATURE, generator)
    return [course_tokenizer().decode(row) for row in drawn.responses.tolist()]


def _copy(plan: Settings, model: GPT, *others: nn.Module) -> GPT:
    twin = GPT(model.config)
    twin.load_state_dict(model.state_dict())
    return twin


def _reward_steps(plan: RewardPlan | DPOPlan) -> int:
    return plan.epochs * -(-plan.n_pairs // plan.batch_size)


STAGES: Mapping[str, Stage] = {
    "pretrained": Stage(PretrainedPlan, (), _start_pretrained, _train_pretrained, lambda plan: plan.steps),
    "sft": Stage(SFTPlan, ("pretrained",), _copy, _train_sft, lambda plan: plan.steps),
    "reward": Stage(RewardPlan, ("pretrained", "sft"), _start_reward, _train_reward, _reward_steps),
    "ppo": Stage(PPOPlan, ("sft", "reward"), _copy, _train_ppo, lambda plan: plan.updates),
    "dpo": Stage(DPOPlan, ("sft",), _copy, _train_dpo, _reward_steps),
    "rloo": Stage(RLOOPlan, ("sft", "reward"), _copy, _train_group, lambda plan: plan.updates),
    "grpo": Stage(GRPOPlan, ("sft", "reward"), _copy, _train_group, lambda plan: plan.updates),
    "distilled": Stage(DistilledPlan, ("sft", "reward"), _copy, _train_distilled, lambda plan: plan.steps),
}
