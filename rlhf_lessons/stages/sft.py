"""Stage 2, supervised fine-tuning (SFT): imitate demonstrations."""

from rlhf_lessons import knobs
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.stages.history import History
from rlhf_lessons.stages.language_model import LanguageModelSettings, fit
from rlhf_lessons.stages.loop import OnStep


class SFTSettings(LanguageModelSettings):
    """The course's SFT: a few seconds on two cores."""

    learning_rate: knobs.LearningRate = 3e-4
    steps: knobs.Steps = 100
    batch_size: knobs.BatchSize = 32


def train_sft(model: GPT, data: Sequences, settings: SFTSettings, on_step: OnStep | None = None) -> History:
    """Predict the words of the answer alone; the prompt is given (Ouyang et al. 2022, section 3.5). Trains in place."""
    return fit(model, data, settings, answers_only=True, on_step=on_step)
