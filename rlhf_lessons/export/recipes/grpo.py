"""Train a policy on the prompts beside this file, with TRL's GRPOTrainer and the reward model in judge/.

    python train.py                                              on a CPU, or on one GPU
    accelerate launch --config_file accelerate.yaml train.py     on several GPUs

It starts from the SFT model in start/, which is the reference too, and leaves the policy in trained/.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from datasets import load_dataset
from trl import GRPOConfig, GRPOTrainer

HERE = Path(__file__).parent


def count_positions(model: torch.nn.Module, args: tuple[Any, ...], inputs: dict[str, Any]) -> Any:
    """Give GPT-2 the positions of tokens behind padding on the left; otherwise it counts the padding as well."""
    mask = inputs.get("attention_mask")
    if mask is not None and inputs.get("position_ids") is None:
        inputs["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)
    return args, inputs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default=str(HERE / "trained"), help="folder for the trained model")
    parser.add_argument("--rows", type=int, help="train on so many prompts, not on all")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--batch-size", type=int, default=64, help="answers a step, on each device")
    parser.add_argument("--group-size", type=int, default=8, help="answers to each prompt")
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--beta", type=float, default=0.05, help="the price of distance from the reference")
    options = parser.parse_args()

    prompts = load_dataset("json", data_files=str(HERE / "train.jsonl"), split="train").shuffle(seed=0)
    trainer = GRPOTrainer(
        model=str(HERE / "start"),
        reward_funcs=str(HERE / "judge"),
        args=GRPOConfig(
            output_dir=options.output,
            num_train_epochs=options.epochs,
            per_device_train_batch_size=options.batch_size,
            num_generations=options.group_size,
            max_completion_length=16,
            learning_rate=options.learning_rate,
            beta=options.beta,
            bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
            logging_steps=1,
            save_strategy="no",
            report_to="none",
        ),
        train_dataset=prompts.select(range(min(options.rows or len(prompts), len(prompts)))),
    )
    for model in filter(None, (trainer.model, trainer.ref_model)):
        model.register_forward_pre_hook(count_positions, with_kwargs=True)
    trainer.train()
    trainer.save_model()
    trainer.save_state()  # trainer_state.json, the log: `rlhf-lessons diagnose` reads it


if __name__ == "__main__":
    main()
