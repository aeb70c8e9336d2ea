"""Train a reward model on the pairs beside this file, with TRL's RewardTrainer.

    python train.py                                              on a CPU, or on one GPU
    accelerate launch --config_file accelerate.yaml train.py     on several GPUs

It starts from the language model in start/ with a new head, and leaves the reward model in trained/.
"""

import argparse
from pathlib import Path

import torch
from datasets import load_dataset
from trl import RewardConfig, RewardTrainer

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default=str(HERE / "trained"), help="folder for the trained model")
    parser.add_argument("--rows", type=int, help="train on so many pairs, not on all")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--batch-size", type=int, default=64, help="pairs a step, on each device")
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    options = parser.parse_args()

    pairs = load_dataset("json", data_files={name: str(HERE / f"{name}.jsonl") for name in ("train", "held_out")})
    train = pairs["train"].shuffle(seed=0)
    trainer = RewardTrainer(
        model=str(HERE / "start"),
        args=RewardConfig(
            output_dir=options.output,
            num_train_epochs=options.epochs,
            per_device_train_batch_size=options.batch_size,
            per_device_eval_batch_size=256,
            learning_rate=options.learning_rate,
            weight_decay=0.1,
            bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
            logging_steps=5,
            eval_strategy="steps",
            eval_steps=0.25,  # of the run
            save_strategy="no",
            report_to="none",
        ),
        train_dataset=train.select(range(min(options.rows or len(train), len(train)))),
        eval_dataset=pairs["held_out"],
    )
    trainer.train()
    trainer.save_model()
    trainer.save_state()  # trainer_state.json, the log: `rlhf-lessons diagnose` reads it


if __name__ == "__main__":
    main()
