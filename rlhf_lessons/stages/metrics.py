"""Every metric a stage records, explained once: its meaning, its formula, and what is healthy.

These are words for people: plots and alarms read them, no trainer does.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """What a recorded number means. `healthy` is a rule of thumb for this course's models, not a law."""

    meaning: str
    formula: str
    healthy: str
    unit: str = ""


METRICS: dict[str, Metric] = {
    "step": Metric("optimiser steps so far", "count", "grows"),
    "epoch": Metric("passes over the data so far", "count", "grows"),
    "learning_rate": Metric("step size of the optimiser", "linear decay to 0", "as set"),
    "loss": Metric("the objective that is minimised", "see the stage", "falls, then levels off", "nats"),
    "token_accuracy": Metric("share of tokens the model ranks first", "mean[argmax logits = target]", "grows", "share"),
    "grad_norm": Metric("length of the gradient before clipping", "||g||_2", "no sudden jumps"),
    "accuracy": Metric("share of pairs ranked as the annotators did", "mean[r_c > r_r]", "0.5 is chance", "share"),
    "margin": Metric("how far the chosen answer is ahead", "mean(r_c - r_r)", "positive, grows"),
    "reward_chosen": Metric("mean reward of chosen answers", "mean r_c", "parts from reward_rejected"),
    "reward_rejected": Metric("mean reward of rejected answers", "mean r_r", "parts from reward_chosen"),
    "held_out_accuracy": Metric("accuracy on pairs of unseen cases", "mean[r_c > r_r]", "near accuracy", "share"),
    "held_out_loss": Metric(
        "preference loss on unseen cases", "-mean log sigma(r_c - r_r)", "under ln 2 = 0.693", "nats"
    ),
    "held_out_margin": Metric("margin on pairs of unseen cases", "mean(r_c - r_r)", "positive"),
    "held_out_reward_chosen": Metric("mean reward of chosen answers, unseen cases", "mean r_c", "as in training"),
    "held_out_reward_rejected": Metric("mean reward of rejected answers, unseen cases", "mean r_r", "as in training"),
    "logps_chosen": Metric(
        "how likely chosen answers are under the policy", "mean log pi(chosen)", "falls little, if at all", "nats"
    ),
    "logps_rejected": Metric("how likely rejected answers are", "mean log pi(rejected)", "falls", "nats"),
    "held_out_logps_chosen": Metric(
        "how likely chosen answers are, unseen cases", "mean log pi(chosen)", "falls little, if at all", "nats"
    ),
    "held_out_logps_rejected": Metric(
        "how likely rejected answers are, unseen cases", "mean log pi(rejected)", "falls", "nats"
    ),
    "score": Metric(
        "what the reward function gives, standardised on samples of the reference",
        "mean (r - mean_ref) / std_ref",
        "grows; so should quality",
        "reference sd",
    ),
    "reward_std": Metric(
        "how far scores differ within a group of answers to one prompt", "mean over groups of std(r)", "over 0", "score"
    ),
    "zero_spread": Metric(
        "groups whose answers all score the same, and so teach nothing", "mean[std(r) = 0]", "under 0.5", "share"
    ),
    "kl": Metric(
        "how far the policy has moved, per answer",
        "mean over answers of sum_t log pi/pi_ref",
        "no farther than the judge can be trusted: notebook 07 measures how far that is",
        "nats",
    ),
    "kl_coef": Metric("price of one nat of KL", "constant or adaptive", "steady"),
    "entropy": Metric("how open the policy's next word is", "mean -sum p log p", "falls slowly, not to 0", "nats"),
    "clip_fraction": Metric(
        "share of tokens whose ratio was clipped", "mean[|ratio - 1| > clip_range]", "0 to 0.2", "share"
    ),
    "approx_kl": Metric("step away from the policy that sampled", "mean k3(new, old)", "under kl_stop", "nats"),
    "policy_loss": Metric("clipped surrogate", "mean max(-A ratio, -A clip(ratio))", "near 0, noisy"),
    "value_loss": Metric("half the squared error of the critic", "mean max of clipped and plain", "falls"),
    "explained_variance": Metric("how well the critic foretells returns", "1 - Var(R - V) / Var(R)", "0.3 to 1"),
    "response_length": Metric("words in an answer, eos included", "mean of response mask sums", "steady", "tokens"),
    "ended": Metric("answers that end with eos", "mean[eos in response]", "near 1", "share"),
    "gold_score": Metric(
        "what the rubric gives: recorded, never optimised", "mean rubric score", "grows with score", "0 to 1"
    ),
    "sample_accuracy": Metric(
        "fresh comparisons of the policy's own answers that the reward model ranks as annotators do",
        "mean[r_c > r_r] on new pairs",
        "over 0.85 at first; falls as answers get better and nearer",
        "share",
    ),
    "gold_sd": Metric(
        "gold_score, standardised on samples of the SFT model", "mean (g - mean_ref) / std_ref", "grows with score"
    ),
    "safety": Metric("answers that are safe to act on, by the rubric", "mean[safe]", "grows with score", "share"),
}
