"""Stage 1, pretraining: learn to continue the notes, careful and careless alike."""

from rlhf_lessons import knobs
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.stages.history import History
from rlhf_lessons.stages.language_model import LanguageModelSettings, fit
from rlhf_lessons.stages.loop import OnStep


class PretrainSettings(LanguageModelSettings):
    """The course's pretraining: about a minute and a half on two cores."""

    learning_rate: knobs.LearningRate = 3e-3
    steps: knobs.Steps = 2000
    batch_size: knobs.BatchSize = 128


def train_pretrain(model: GPT, data: Sequences, settings: PretrainSettings, on_step: OnStep | None = None) -> History:
    """Predict every next word of the notes, prompt and answer (Radford et al. 2019, section 2). Trains in place."""
    return fit(model, data, settings, answers_only=False, on_step=on_step)
