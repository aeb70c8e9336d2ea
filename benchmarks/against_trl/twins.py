"""Our models, data and settings as TRL takes them: the same weights, the same tokens, the same order of the batches."""

import tempfile
import time
import warnings
from collections.abc import Iterator
from typing import Any

import datasets
import torch
import transformers
import trl
from torch.utils.data import Sampler
from transformers import (
    GenerationConfig,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
)

from rlhf_lessons.export import to_gpt2
from rlhf_lessons.export.words import to_fast_tokenizer
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.model.sequences import PAD_ID, PairSet, Sequences
from rlhf_lessons.stages.group import GroupSettings, GRPOSettings
from rlhf_lessons.stages.loop import optimiser
from rlhf_lessons.stages.reward import RewardSettings
from rlhf_lessons.stages.sft import SFTSettings

# Nothing that costs time and is not the work: what somebody sets who knows TRL and trains small models on a CPU.
TUNED = {"bf16": False, "gradient_checkpointing": False, "logging_strategy": "no", "disable_tqdm": True}
DEFAULT: dict[str, Any] = {}  # bf16 and gradient checkpointing are on, every tenth step is logged
BOTH = {"report_to": "none", "save_strategy": "no", "use_cpu": True, "lr_scheduler_type": "linear", "warmup_steps": 0}


def be_silent() -> None:
    """No progress bars and no warnings, here and in the log."""
    warnings.simplefilter("ignore")
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()


class OurOrder(Sampler[int]):
    """Row numbers as `stages.loop.batches` draws them, pass after pass."""

    def __init__(self, n_rows: int, seed: int) -> None:
        self.n_rows, self.generator = n_rows, torch.Generator().manual_seed(seed)

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(self.n_rows, generator=self.generator).tolist())

    def __len__(self) -> int:
        return self.n_rows


class Steps(TrainerCallback):
    """The processor's seconds when the first batch is fetched and when the last step is done."""

    begun = ended = 0.0

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        self.begun = self.begun or time.process_time()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ended = time.process_time()


def seconds_of_steps(trainer: Trainer) -> float:
    """Train. What a trainer prepares once, before its first batch, is counted as start-up and not here."""
    steps = Steps()
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.add_callback(steps)
    trainer.train()
    return steps.ended - steps.begun


def tokenizer(context: int) -> PreTrainedTokenizerFast:
    """The words of the course. TRL pads prompts of different lengths at the left before it samples."""
    words = to_fast_tokenizer(context)
    words.padding_side = "left"
    return words


def reward_trainer(model: RewardModel, pairs: PairSet, settings: RewardSettings, **options: Any) -> Trainer:
    """Trains as `train_reward` does."""
    rows = {"chosen_ids": unpadded(pairs.chosen), "rejected_ids": unpadded(pairs.rejected)}
    how = {"num_train_epochs": settings.epochs, "per_device_train_batch_size": settings.batch_size}
    return _trainer("Reward", to_gpt2(model), rows, settings, {**how, **options})


def sft_trainer(model: GPT, notes: Sequences, settings: SFTSettings, **options: Any) -> Trainer:
    """Trains as `train_sft` does: the words of the prompt are not learnt."""
    rows = unpadded(notes)
    prompts = notes.prompt_lengths.tolist()
    labels = [[-100] * n + row[n:] for row, n in zip(rows, prompts, strict=True)]
    how = {"max_steps": settings.steps, "per_device_train_batch_size": settings.batch_size}
    return _trainer("SFT", to_gpt2(model), {"input_ids": rows, "labels": labels}, settings, {**how, **options})


def _trainer(name: str, model: Any, rows: dict[str, Any], settings: Any, options: dict[str, Any]) -> Trainer:
    how = {"learning_rate": settings.learning_rate, "max_grad_norm": settings.grad_clip, **BOTH}
    trainer = getattr(trl, f"{name}Trainer")(
        model=model,
        args=getattr(trl, f"{name}Config")(output_dir=tempfile.gettempdir(), **how, **options),
        processing_class=tokenizer(model.config.n_positions),
        train_dataset=datasets.Dataset.from_dict(rows),
        # Its own optimiser would not decay biases and norms: ours decays all weights.
        optimizers=(optimiser(model, settings.learning_rate, settings.weight_decay), None),
    )
    order = OurOrder(len(trainer.train_dataset), settings.seed)
    trainer._get_train_sampler = lambda *_: order
    return trainer


def group_trainer(model: GPT, prompts: Sequences, settings: GroupSettings, reward: Any, **options: Any) -> Trainer:
    """Trains as `train_group` does, with its own sampling, shuffling and minibatches of the same sizes.

    RLOO, or GRPO if the settings are. reward: gives numbers for lists of answer tokens.
    """
    name = "GRPO" if isinstance(settings, GRPOSettings) else "RLOO"
    minibatches = settings.rollout_size // settings.minibatch_size
    how = {
        "per_device_train_batch_size": settings.minibatch_size,
        "steps_per_generation": minibatches,
        "num_iterations": settings.ppo_epochs,
        "max_steps": settings.updates * settings.ppo_epochs * minibatches,
        "num_generations": settings.group_size,
        "max_completion_length": settings.max_new_tokens,
        "temperature": settings.temperature,
        "beta": settings.kl_coef,
        "epsilon": settings.clip_range,
        "learning_rate": settings.learning_rate,
        "max_grad_norm": settings.grad_clip,
    }
    if name == "GRPO":  # as Shao et al. 2024
        how |= {"loss_type": "grpo", "scale_rewards": "group", "use_bias_correction_kl": False}
    words = tokenizer(model.config.context)
    texts = [" ".join(words.convert_ids_to_tokens(row[1:])) for row in unpadded(prompts)]  # it puts <bos> before them
    with tempfile.TemporaryDirectory() as folder:  # the trainer loads its reference model from there
        to_gpt2(model).save_pretrained(folder)
        return getattr(trl, f"{name}Trainer")(
            model=folder,
            args=getattr(trl, f"{name}Config")(output_dir=tempfile.gettempdir(), **how, **BOTH, **options),
            processing_class=words,
            train_dataset=datasets.Dataset.from_dict({"prompt": texts}),
            reward_funcs=lambda completion_ids, **_: reward(completion_ids),
        )


def generation(model: GPT, prompts: Sequences, new_tokens: int, **settings: Any) -> tuple[GPT2LMHeadModel, dict]:
    """The twin, and what `generate` takes to answer the prompts as TRL's trainers do."""
    lengths, longest = prompts.prompt_lengths, int(prompts.prompt_lengths.max())
    mask = torch.arange(longest) >= longest - lengths[:, None]
    tokens = torch.full_like(mask, PAD_ID, dtype=torch.long)
    tokens[mask] = prompts.tokens[torch.arange(prompts.tokens.shape[1]) < lengths[:, None]]
    how = {"max_new_tokens": new_tokens, "do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0, **settings}
    config = GenerationConfig(pad_token_id=0, bos_token_id=1, eos_token_id=2, disable_compile=True, **how)
    return to_gpt2(model), {"input_ids": tokens, "attention_mask": mask.long(), "generation_config": config}


def unpadded(sequences: Sequences) -> list[list[int]]:
    """The tokens of each row as a list."""
    rows = sequences.tokens.tolist()
    return [row[:length] for row, length in zip(rows, sequences.lengths.tolist(), strict=True)]
