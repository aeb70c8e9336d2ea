"""Exercise of notebook 06: the reward of every token."""

from rlhf_lessons.exercises.exercise import Exercise, Mistake


def token_rewards(score: float, logprobs: list[float], ref_logprobs: list[float], kl_coef: float) -> list[float]:
    # Every token pays for the KL it adds; the score of the whole answer arrives with the last token.
    rewards = [-kl_coef * (lp - ref) for lp, ref in zip(logprobs, ref_logprobs, strict=True)]
    rewards[-1] += score
    return rewards


TOKEN_REWARDS = Exercise(
    name="06.token_rewards",
    stars=1,
    minutes=5,
    task="Return the reward of each token of one answer: the KL price on every token, and the score on the last one.",
    reference=token_rewards,
    cases=[(1.0, [-1.0, -0.5, -0.1], [-1.2, -0.9, -0.1], 0.5), (-0.3, [-2.0], [-1.0], 0.1)],
    mistakes=[
        Mistake(
            lambda score, logprobs, ref_logprobs, kl_coef: [
                score - kl_coef * (lp - ref) for lp, ref in zip(logprobs, ref_logprobs, strict=True)
            ],
            "You pay the score for every token: long answers would win. It belongs to the last one.",
        ),
        Mistake(
            lambda score, logprobs, ref_logprobs, kl_coef: token_rewards(score, ref_logprobs, logprobs, kl_coef),
            "The sign of the KL is turned: this pays the policy for leaving the reference.",
        ),
        Mistake(
            lambda score, logprobs, ref_logprobs, kl_coef: token_rewards(0.0, logprobs, ref_logprobs, kl_coef),
            "The score is missing: the policy would only learn to stay where it is.",
        ),
    ],
    hints=["The KL of one sampled token is logprob - ref_logprob.", "A price is subtracted."],
)
