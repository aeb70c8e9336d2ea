"""What a student would write passes: in plain Python, beside the package's own code that the references hand on to."""

import math
import statistics
from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from rlhf_lessons import exercises
from rlhf_lessons.exercises import dpo, over_optimisation, pretraining, read_out, reward_failure, verifiers
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.objectives.direct import dpo_loss
from rlhf_lessons.objectives.preference import bradley_terry_loss
from rlhf_lessons.world import answers
from rlhf_lessons.world.cases import all_cases
from rlhf_lessons.world.rubric import find_phrases
from rlhf_lessons.world.verifier import lazy

GIVEN = exercises.all_exercises()


def sigma(x):
    return 1 / (1 + math.exp(-x))


def temperature(logits, temperature):
    scaled = torch.tensor(logits) / temperature
    weights = (scaled - scaled.max()).exp()
    return weights / weights.sum()


def training_loop(model, batches, learning_rate):
    losses = []
    for tokens in batches:
        logprobs = model(tokens)[:, :-1].log_softmax(-1)
        loss = -logprobs.gather(-1, tokens[:, 1:, None]).mean()
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for weights in model.parameters():
                if weights.grad is not None:  # the embeddings of positions beyond the text get none
                    weights -= learning_rate * weights.grad
        losses.append(loss)
    return losses


def masked_cross_entropy(logits, targets, mask):
    return F.cross_entropy(logits[mask], targets[mask])


def repair_sign(chosen, rejected, weights, bias, learning_rate):
    for difference in chosen - rejected:
        g = sigma(difference @ weights) - 1
        weights = weights - learning_rate * g * difference
        bias = bias - learning_rate * g
    return weights, bias


def repair_bias(chosen, rejected, weights, bias, learning_rate):
    for difference in chosen - rejected:
        g = sigma(difference @ weights) - 1
        weights = weights - learning_rate * g * difference
    return weights, bias


def ece(confidence, accuracy, pairs):
    return sum(n * abs(c - a) for c, a, n in zip(confidence, accuracy, pairs, strict=True)) / sum(pairs)


def token_rewards(score, logprobs, ref_logprobs, kl_coef):
    rewards = [-kl_coef * (one - ref) for one, ref in zip(logprobs, ref_logprobs, strict=True)]
    rewards[-1] += score
    return rewards


def kl_estimates(logprobs, ref_logprobs):
    ds = [one - ref for one, ref in zip(logprobs, ref_logprobs, strict=True)]
    return ds, [math.exp(-d) - 1 + d for d in ds]


def gae(rewards, values, gamma, lam):
    advantages, next_advantage, next_value = [], 0.0, 0.0
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * next_value - values[t]
        next_advantage, next_value = delta + gamma * lam * next_advantage, values[t]
        advantages.insert(0, next_advantage)
    return advantages


def whiten(advantages, mask):
    real = advantages[mask]
    return ((advantages - real.mean()) / (real.var(correction=0) + 1e-8).sqrt()) * mask


def clipped_loss(logprobs, old_logprobs, advantages, clip_range):
    counts = []
    for new, old, advantage in zip(logprobs, old_logprobs, advantages, strict=True):
        ratio = math.exp(new - old)
        clipped = min(max(ratio, 1 - clip_range), 1 + clip_range)
        counts.append(min(ratio * advantage, clipped * advantage))
    return -sum(counts) / len(counts)


def adaptive_price(kl_coef, measured_kl, target, horizon, n):
    error = min(max(measured_kl / target - 1, -0.2), 0.2)
    return kl_coef * (1 + error * n / horizon)


def alarm_rule(kl, sample_accuracy):
    far = next((i + 1 for i in range(4, len(kl)) if sum(kl[i - 4 : i + 1]) / 5 > 1.5), 0)
    fallen = next((i + 1 for i, now in enumerate(sample_accuracy) if now <= sample_accuracy[0] - 0.15), 0)
    return max(far, fallen) if far and fallen else 0


def dpo_gradient(chosen, rejected, ref_chosen, ref_rejected, beta):
    weight = beta * sigma(-beta * (chosen - ref_chosen - rejected + ref_rejected))
    return [-weight, weight]


def group_advantage(rewards):
    return [(one - statistics.mean(rewards)) / (statistics.stdev(rewards) + 1e-4) for one in rewards]


def verifier(case, answer):
    said = find_phrases(answer)
    verdicts = {value for kind, value in said if kind in ("verdict", "loose")}
    advice = {value for kind, value in said if kind == "advice"}
    harmless = not any(kind == "dangerous" for kind, _ in said)
    return float(verdicts == {case.verdict} and advice == {f"{case.verdict} {case.advice}".strip()} and harmless)


SOLUTIONS = {
    "01.chance_level": math.log,
    "01.bits_per_character": lambda nats, tokens, characters: nats / math.log(2) * tokens / characters,
    "01.temperature": temperature,
    "01.training_loop": training_loop,
    "02.answer_mask": lambda p, length, width: [j >= p - 1 and j <= length - 2 for j in range(width - 1)],
    "02.masked_cross_entropy": masked_cross_entropy,
    "03.bt_gradient": lambda chosen, rejected: [sigma(chosen - rejected) - 1, 1 - sigma(chosen - rejected)],
    "03.shift": lambda chosen, rejected, constant: (math.log(1 + math.exp(rejected - chosen)), 0),
    "03.drift": lambda n_pairs, learning_rate, sigma: n_pairs * learning_rate * (1 - sigma),
    "03.repair_sign": repair_sign,
    "03.repair_bias": repair_bias,
    "04.deepspeed_log": lambda log: 2,
    "04.dpo_log": lambda log: 4,
    "04.read_out": lambda tokens, pad_id: [len([one for one in row if one != pad_id]) - 1 for row in tokens],
    "05.bradley_terry": lambda margins: statistics.mean(-math.log(sigma(margin)) for margin in margins),
    "05.ece": ece,
    "06.grpo_log": lambda log: 2,
    "06.token_rewards": token_rewards,
    "06.kl_estimates": kl_estimates,
    "06.gae_by_hand": lambda rewards, values: [-0.1, 0.6, 0.4],
    "06.gae": gae,
    "06.whiten": whiten,
    "06.clipped_loss": clipped_loss,
    "07.best_of_n_kl": lambda n: math.log(n) - 1 + 1 / n,
    "07.adaptive_price": adaptive_price,
    "07.alarm_rule": alarm_rule,
    "08.dpo": lambda c, r, ref_c, ref_r, beta: math.log(1 + math.exp(-beta * (c - ref_c - r + ref_r))),
    "08.dpo_gradient": dpo_gradient,
    "09.leave_one_out": lambda rewards: [r - (sum(rewards) - r) / (len(rewards) - 1) for r in rewards],
    "09.group_advantage": group_advantage,
    "09.verifier": verifier,
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_students_solution_is_right(name, capsys):
    assert GIVEN[name].check(SOLUTIONS[name]) is SOLUTIONS[name], capsys.readouterr().out


def test_the_training_loop_learns_what_can_be_learned():
    losses = pretraining.training_loop(*pretraining.TRAINING_LOOP.cases[0])
    assert abs(losses[0] - math.log(5)) < 0.1
    assert losses[-1] < 0.7 * losses[0]
    assert all(later < earlier for earlier, later in pairwise(losses))


@pytest.mark.parametrize("inputs", reward_failure.BT_GRADIENT.cases)
def test_the_gradient_of_a_pair_is_autograds(inputs):
    rewards = torch.tensor(inputs, requires_grad=True)
    bradley_terry_loss(rewards[:1], rewards[1:]).backward()
    assert rewards.grad.tolist() == pytest.approx(reward_failure.bt_gradient(*inputs), abs=1e-6)


@pytest.mark.parametrize("inputs", dpo.DPO_GRADIENT.cases)
def test_the_gradient_of_dpo_is_autograds(inputs):
    policy, reference = torch.tensor(inputs[:2], requires_grad=True), torch.tensor(inputs[2:4])
    dpo_loss(policy[:1], policy[1:], reference[:1], reference[1:], inputs[4])[0].backward()
    assert policy.grad.tolist() == pytest.approx(dpo.dpo_gradient(*inputs), abs=1e-6)


@pytest.mark.parametrize(("tokens", "pad_id"), read_out.READ_OUT.cases)
def test_the_reward_model_reads_where_the_exercise_says(tokens, pad_id, tiny):
    model = RewardModel(tiny, head_init_scale=1.0)
    position = read_out.read_out(tokens, pad_id)
    everywhere = model.head(model.body.hidden(tokens))[..., 0]
    torch.testing.assert_close(model(tokens, position + 1), everywhere.gather(1, position[:, None])[:, 0])


def test_the_alarm_reads_the_packages_own_thresholds():
    assert over_optimisation.policy_claims.FAR == 1.5 and over_optimisation.policy_claims.FALL == 0.15


def games(case):
    """Answers that satisfy the lazy verifier and deserve nothing."""
    verdict = answers.VERDICT_PHRASES[case.verdict][0]
    dose = answers.advice_phrases(case.verdict, case.advice)[0]
    yield " ; ".join(phrases[0] for phrases in answers.VERDICT_PHRASES.values())
    yield f"{verdict} ."
    for phrase in answers.DANGEROUS_PHRASES:
        yield f"{verdict} ; {dose} ; {phrase} ."
    for other, phrases in answers.LOOSE_PHRASES.items():
        if other != case.verdict:
            yield f"{verdict} ; {dose} ; {phrases[0]} ."
    if case.verdict == "reduce":
        yield f"{verdict} ; {dose} ; 5 percent dose ."


@pytest.mark.parametrize("check", [verifiers.VERIFIER.reference, verifier])
def test_the_verifier_pays_for_the_whole_answer_and_refuses_every_way_to_game_the_lazy_one(check):
    for case in all_cases():
        verdict, dose = answers.VERDICT_PHRASES[case.verdict][0], answers.advice_phrases(case.verdict, case.advice)[0]
        for answer in games(case):
            assert lazy(case, answer) == 1.0
            assert check(case, answer) == 0.0, (case.prompt, answer)
        assert check(case, f"{verdict} ; {dose} .") == 1.0, case.prompt
