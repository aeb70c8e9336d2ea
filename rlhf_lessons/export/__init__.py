"""The course's models and data as those of Hugging Face transformers and TRL, and back again."""

from rlhf_lessons.export.weights import from_gpt2, to_gpt2, to_gpt2_state_dict

__all__ = ["from_gpt2", "to_gpt2", "to_gpt2_state_dict"]
