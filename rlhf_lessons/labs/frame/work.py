"""How the work of a training that has two parts is shared between them, so that its time left can be told."""

from dataclasses import dataclass

from rlhf_lessons.stages.ppo import SCALE_SAMPLES, PPOSettings

# In passes of one text through one model, as measured: an optimiser step as such, for each text that it learns from,
# and an answer drawn word by word.
STEP, LEARN, DRAW = 80, 3, 20


@dataclass(frozen=True)
class Work:
    """What a reward model and then PPO on its score cost, counted in passes of one text through one model."""

    rm_steps: int
    batch_size: int
    members: int
    settings: PPOSettings

    def share_done(self, reward: float, n_records: int) -> float:
        """How much is done after a share `reward` of the reward model's steps, with `n_records` of the policy."""
        answers, epochs = self.settings.rollout_size, self.settings.ppo_epochs
        steps = epochs * answers // self.settings.minibatch_size
        learning = self.rm_steps * (STEP + 2 * self.batch_size * self.members * LEARN)
        scaling = SCALE_SAMPLES * (DRAW + self.members)
        # In an update, the reference and the critic read all answers, and both the policy and the critic learn.
        update = answers * (DRAW + self.members + 2) + 2 * (steps * STEP + epochs * answers * LEARN)
        total = learning + scaling + self.settings.updates * update
        return (learning * reward + (scaling + (n_records - 1) * update if n_records else 0)) / total
