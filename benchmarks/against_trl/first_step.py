"""One optimiser step of a reward model on 20 pairs, in a process of its own: `python -m ...first_step ours|trl`.

Neither imports anything of the other, and both learn from the same random tokens.
"""

import random
import sys
import tempfile

DRAW = random.Random(0)
CHOSEN, REJECTED = ([[DRAW.randrange(3, 341) for _ in range(18)] for _ in range(20)] for _ in range(2))


def ours() -> None:
    """As a notebook does it."""
    from rlhf_lessons.model.gpt import GPT, GPTConfig
    from rlhf_lessons.model.heads import RewardModel
    from rlhf_lessons.model.sequences import PairSet, pad
    from rlhf_lessons.stages.reward import RewardSettings, train_reward

    data = PairSet(*(pad([(row[:5], row[5:]) for row in rows]) for rows in (CHOSEN, REJECTED)))
    train_reward(RewardModel(GPT(GPTConfig(341, width=64))), data, RewardSettings(epochs=1, batch_size=20))


def trl() -> None:
    """As TRL's own examples do it, in fp32 and without gradient checkpointing."""
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import GPT2Config, GPT2ForSequenceClassification, PreTrainedTokenizerFast
    from trl import RewardConfig, RewardTrainer

    size = {"n_positions": 48, "n_embd": 64, "n_layer": 2, "n_head": 4, "num_labels": 1, "pad_token_id": 0}
    words = Tokenizer(models.WordLevel({"<pad>": 0}, unk_token="<pad>"))
    how = {"max_steps": 1, "per_device_train_batch_size": 20, "report_to": "none", "save_strategy": "no"}
    RewardTrainer(
        model=GPT2ForSequenceClassification(GPT2Config(vocab_size=341, **size)),
        args=RewardConfig(tempfile.gettempdir(), use_cpu=True, bf16=False, gradient_checkpointing=False, **how),
        processing_class=PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>"),
        train_dataset=Dataset.from_dict({"chosen_ids": CHOSEN, "rejected_ids": REJECTED}),
    ).train()


if __name__ == "__main__":
    {"ours": ours, "trl": trl}[sys.argv[1]]()
