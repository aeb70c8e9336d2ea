"""The losses of DPO, RLOO and GRPO against TRL's own code, on the same tensors.

TRL computes them inside its trainers. Here these are real ones; only what their models say, and what was sampled, is
planted. Where TRL's loss is another by a factor, the test says which, and the factor holds exactly.
"""

from types import SimpleNamespace

import pytest
import torch

from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sampling import Sample, pack
from rlhf_lessons.objectives.direct import dpo_loss, ipo_loss
from rlhf_lessons.stages.group import GroupSettings, GRPOSettings, collect, policy_loss
from rlhf_lessons.stages.rollout import response_logprobs
from tests.integrations import tiny as words

trl = pytest.importorskip("trl", reason="needs the extra `scale`: pip install -e '.[scale]'")
datasets = pytest.importorskip("datasets", reason="needs the extra `scale`: pip install -e '.[scale]'")

pytestmark = pytest.mark.slow
EXACT = {"atol": 1e-5, "rtol": 1e-5}
PAIRS, ANSWERS, GROUP, LONGEST = 6, 32, 4, 6


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    return str(words.saved(words.language_model(), words.tokenizer(), tmp_path_factory.mktemp("model")))


@pytest.fixture
def trainer(language_model, tmp_path):
    """A trainer of TRL by its name; it trains nothing here."""

    def make(name, data, **settings):
        also = {"reward_funcs": lambda completions, **_: SCORES.tolist()} if name != "DPO" else {}
        options = {"output_dir": str(tmp_path), "report_to": "none", "use_cpu": True, "bf16": False}
        return getattr(trl, f"{name}Trainer")(
            model=language_model,
            args=getattr(trl, f"{name}Config")(per_device_train_batch_size=ANSWERS, **options, **settings),
            processing_class=words.tokenizer(),
            train_dataset=datasets.Dataset.from_list(data),
            **also,
        )

    return make


# Pairs: log-probabilities of up to five tokens an answer, under a policy and its reference.
DRAW = torch.Generator().manual_seed(0)
LENGTHS = torch.randint(1, 6, (2 * PAIRS,), generator=DRAW)  # the chosen answers first, then the rejected ones
POLICY, REFERENCE = (
    -3 * torch.rand(2 * PAIRS, 5, generator=DRAW) * (torch.arange(5) < LENGTHS[:, None]) for _ in range(2)
)


def logps(per_token=False):
    """Of the chosen and rejected answers under policy and reference, in the order of `dpo_loss`."""
    sums = [model.sum(1) / (LENGTHS if per_token else 1) for model in (POLICY, REFERENCE)]
    return [part for model in sums for part in model.chunk(2)]


def trls_direct_loss(made, rows):
    """What a DPOTrainer makes of these pairs: its models give the planted log-probabilities."""
    both = torch.cat([rows, rows + PAIRS])
    mask = torch.cat([torch.zeros(len(both), 1), torch.arange(5) < LENGTHS[both, None]], dim=1).long()
    nothing = torch.zeros(len(both), 5)

    def model(logps):
        said = {"log_probs": logps[both], "entropy": nothing, "mean_logits": nothing, "is_top1": nothing.bool()}
        return lambda **_: SimpleNamespace(**said)

    made.ref_model = model(REFERENCE)
    inputs = {"input_ids": torch.ones_like(mask), "attention_mask": torch.ones_like(mask), "completion_mask": mask}
    return made.compute_loss(model(POLICY), inputs)


@pytest.mark.parametrize("beta", [0.1, 0.7])
def test_dpo(trainer, beta):
    made = trainer("DPO", words.pairs(4), beta=beta)
    torch.testing.assert_close(dpo_loss(*logps(), beta=beta)[0], trls_direct_loss(made, torch.arange(PAIRS)), **EXACT)


def test_dpo_with_label_smoothing(trainer):
    """TRL smooths the labels of its loss "aot", which is DPO's with margins sorted: of one pair, DPO's itself."""
    made = trainer("DPO", words.pairs(4), loss_type="aot", label_smoothing=0.2)
    theirs = torch.stack([trls_direct_loss(made, torch.tensor([row])) for row in range(PAIRS)])
    torch.testing.assert_close(dpo_loss(*logps(), label_smoothing=0.2)[0], theirs.mean(), **EXACT)


def test_ipo(trainer):
    """TRL divides the log-probability of an answer by its number of tokens; the paper, and we, do not."""
    made = trainer("DPO", words.pairs(4), loss_type="ipo", beta=0.5)
    theirs = trls_direct_loss(made, torch.arange(PAIRS))
    torch.testing.assert_close(ipo_loss(*logps(per_token=True), beta=0.5)[0], theirs, **EXACT)
    assert (ipo_loss(*logps(), beta=0.5)[0] - theirs).abs() > 0.1


# Groups: answers from a policy of the course, whose advantages TRL finds, and its loss of the same policy after a move.
SCORES = torch.randn(ANSWERS, generator=DRAW)
ASKED = [{"prompt": "ba"}] * ANSWERS


@pytest.fixture
def answers(tiny, prompts):
    """Planted answers of one to `longest` tokens, GROUP to a prompt."""

    def make(longest):
        draw = torch.Generator().manual_seed(1)
        mask = torch.arange(longest) < torch.randint(1, longest + 1, (ANSWERS, 1), generator=draw)
        asked = prompts[torch.arange(ANSWERS // GROUP).repeat_interleave(GROUP)]
        responses = torch.randint(4, tiny.config.vocab_size, mask.shape, generator=draw) * mask
        sequences = pack(asked.tokens, asked.prompt_lengths, responses, mask)
        return Sample(sequences, responses, mask, response_logprobs(tiny, sequences, responses).detach() * mask)

    return make


@pytest.fixture
def both(trainer, answers, tiny):
    """Advantages (B,) and loss of the same answers, ours and TRL's, after random steps of size `step`.

    name, settings: TRL's trainer and its settings.
    """

    def make(ours, name, longest=LONGEST, step=0.05, **settings):
        drawn, reference, policy = answers(longest), GPT(tiny.config, seed=1), GPT(tiny.config)
        draw = torch.Generator().manual_seed(3)
        for weight, start in zip(policy.parameters(), tiny.parameters(), strict=True):
            weight.data = start.data + step * torch.randn(start.shape, generator=draw)
        rollout = collect(drawn, SCORES, reference, ours)
        logps = response_logprobs(policy, drawn.sequences, drawn.responses)

        def said(model, *_, **__):
            return planted[model], torch.zeros_like(logps), None

        made = trainer(name, ASKED, num_generations=GROUP, num_iterations=2, **settings)
        planted = {made.model: drawn.logprobs, made.ref_model: rollout.ref_logprobs, policy: logps}
        made._get_per_token_logps_and_entropies = said
        tokens = [row[kept].tolist() for row, kept in zip(drawn.responses, drawn.response_mask, strict=True)]
        sampled = [[3]] * ANSWERS, tokens, [""] * ANSWERS
        made._generate = lambda _: sampled if name == "RLOO" else (*sampled[:2], None, sampled[2], None, {}, None, None)
        batch = made._generate_and_score_completions(ASKED)
        theirs = made.compute_loss(policy, batch)
        loss, info = policy_loss(policy, rollout, ours)
        length, clipped = drawn.response_mask.sum(1).float().mean(), info["clip_fraction"]
        values = {"policy": policy, "length": length, "clipped": clipped, "loss": loss, "their_loss": theirs}
        return SimpleNamespace(ours=rollout.advantages[:, 0], theirs=batch["advantages"], **values)

    return make


FREE = {"group_size": GROUP, "missing_eos_penalty": 0, "kl_coef": 0}


def test_the_advantages_of_rloo_with_the_price_of_kl_in_the_reward(both):
    found = both(GroupSettings(**FREE | {"kl_coef": 0.3}), "RLOO", beta=0.3)
    torch.testing.assert_close(found.ours, found.theirs, **EXACT)


@pytest.mark.parametrize(("scale", "scale_rewards"), [(True, "group"), (False, "none")])
def test_the_advantages_of_grpo(both, scale, scale_rewards):
    settings = GRPOSettings(**FREE, scale_by_spread=scale, scale_by_length=False)
    found = both(settings, "GRPO", beta=0, scale_rewards=scale_rewards)
    torch.testing.assert_close(found.ours, found.theirs, **EXACT)


def test_the_loss_of_rloo_for_answers_of_one_token(both):
    found = both(GroupSettings(**FREE), "RLOO", longest=1, beta=0)
    torch.testing.assert_close(found.loss, found.their_loss, **EXACT)
    assert found.clipped > 0.2


def test_the_gradient_of_rloo_while_the_policy_is_the_one_that_sampled(both):
    """TRL clips the ratio of an answer and takes the mean over answers; we, as PPO, those of tokens.

    So TRL's gradient is ours times the mean length.
    """
    found = both(GroupSettings(**FREE), "RLOO", step=0, beta=0)
    ours, theirs = (
        torch.autograd.grad(loss, found.policy.parameters(), retain_graph=True)
        for loss in (found.loss, found.their_loss)
    )
    assert found.length > 2
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one * found.length, other, **EXACT)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize(("by_length", "loss_type"), [(True, "grpo"), (False, "bnpo"), (False, "dr_grpo")])
def test_the_clipped_loss_of_grpo(both, scale, by_length, loss_type):
    """Divided by length it is TRL's "grpo", else its "bnpo".

    TRL's "dr_grpo" divides the sum over tokens by the longest answer that is allowed, in place of the mean length.
    """
    settings = GRPOSettings(**FREE, scale_by_spread=scale, scale_by_length=by_length)
    theirs = {"scale_rewards": "group" if scale else "none", "loss_type": loss_type, "max_completion_length": 32}
    found = both(settings, "GRPO", beta=0, **theirs)
    factor = found.length / 32 if loss_type == "dr_grpo" else 1.0
    torch.testing.assert_close(found.loss * factor, found.their_loss, **EXACT)
    assert found.clipped > 0.2


@pytest.mark.parametrize("by_length", [True, False])
def test_k3_in_the_loss_of_grpo(both, by_length):
    """Ours costs its mean over all tokens, as in TRL's "bnpo"; "grpo", as Shao et al., takes that of each answer first.

    Unless told otherwise, TRL also multiplies k3 by the ratio (DeepSeek-V3.2), which changes its gradient.
    """
    theirs = {"loss_type": "bnpo", "use_bias_correction_kl": False}
    priced, free = (
        both(GRPOSettings(**FREE | {"kl_coef": coef}, scale_by_length=by_length), "GRPO", beta=coef, **theirs)
        for coef in (0.5, 0.0)
    )
    price = priced.loss - free.loss
    torch.testing.assert_close(price, priced.their_loss - free.their_loss, **EXACT)
    assert price > 0.01
