"""The doctor on scoring functions whose properties are known: nothing is trained here."""

import math

import pytest
import torch

from rlhf_lessons.diagnostics.doctor import causes, measures
from rlhf_lessons.diagnostics.doctor.probes import gradients, probe_head, probe_read_out
from rlhf_lessons.diagnostics.findings import HEALTHY
from rlhf_lessons.diagnostics.logs.seed_log import seed_log
from rlhf_lessons.diagnostics.reward_report import reward_report
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.plots.reward import report_picture
from rlhf_lessons.world.datasets import Pair, encode_pairs, written_pairs
from rlhf_lessons.world.tokenizer import course_tokenizer

PAIRS = written_pairs(120, "held_out", seed=6)
TRAIN = written_pairs(120, "train", seed=3)
CHOSEN = {(pair.prompt, pair.chosen) for pair in PAIRS}


def oracle(size=2.0, wrong_every=10, pairs=PAIRS):
    """Scores the chosen answers `size` higher, but every tenth pair the wrong way round."""
    wrong = {pair for number, pair in enumerate(pairs) if number % wrong_every == 0}
    scores = {}
    for pair in pairs:
        lead = -size if pair in wrong else size
        scores[pair.prompt, pair.chosen], scores[pair.prompt, pair.rejected] = lead / 2, -lead / 2
    return lambda answers: [scores[answer] for answer in answers]


def length(answers):
    return [float(len(answer.split())) for _, answer in answers]


def small_model(kind=RewardModel, **head):
    body = GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=16), seed=1)
    return kind(body, **{"head_init_scale": 1.0, **head})


def report_on(model, **more):
    pairs = encode_pairs(course_tokenizer(), PAIRS)
    return reward_report(lambda s: model(s.tokens, s.lengths), pairs, model=model, **more)


def test_a_calibrated_score_that_ranks_well_is_ready():
    report = reward_report(oracle(size=math.log(9)), PAIRS, train_pairs=None)
    assert report.names == (HEALTHY,) and report.ready_for_ppo
    assert report.verdict.startswith("Ready for PPO: yes, because it ranks 90.0% (")
    e = report.examination
    assert e.ece == pytest.approx(0.0, abs=0.02)  # sigma(ln 9) = 0.9, and 0.9 are right
    assert e.pairs.nll == pytest.approx(0.9 * math.log(10 / 9) + 0.1 * math.log(10), abs=0.02)
    assert e.shift == 0.0  # C19, C29: no gradient along a constant


def test_the_first_five_pairs_show_both_rewards_and_the_margin_c17():
    table = reward_report(oracle(), PAIRS).first_pairs()
    assert len(table) == 5
    assert table.margin.tolist() == pytest.approx((table["r(pref)"] - table["r(dispref)"]).tolist())
    assert table.margin.tolist() == pytest.approx([-2, 2, 2, 2, 2])
    assert table.prompt.tolist() == [pair.prompt for pair in PAIRS[:5]]


def test_a_sure_and_often_wrong_score_is_overconfident_c20():
    report = reward_report(oracle(size=9.68, wrong_every=6), PAIRS)
    assert report.names == ("overconfident",) and not report.ready_for_ppo
    assert report.examination.ece == pytest.approx(1 / 6, abs=0.02)
    assert "100% sure on average, and right on 83%" in report.findings[0].evidence


def test_a_score_that_cannot_leave_a_clip_is_underconfident_c10():
    """All pairs right but one, at a margin of 1: sigma(1) = 0.73 sure, right on 119 of 120."""
    report = reward_report(oracle(size=1.0, wrong_every=len(PAIRS)), PAIRS)
    assert report.names == ("underconfident",) and not report.ready_for_ppo
    assert report.examination.ece == pytest.approx(119 / 120 - 1 / (1 + math.exp(-1)))
    assert measures.mean_confidence(report.examination.bins) == pytest.approx(1 / (1 + math.exp(-1)))
    assert "73% sure on average, and right on 99%" in report.findings[0].evidence


def test_one_huge_bet_that_loses_is_overconfident_though_the_others_are_small():
    small = oracle(size=1.0, wrong_every=len(PAIRS))
    huge = {(PAIRS[0].prompt, PAIRS[0].rejected): 200.0}
    report = reward_report(lambda answers: [huge.get(a) or small([a])[0] for a in answers], PAIRS)
    assert report.examination.pairs.nll > math.log(2)
    assert measures.mean_confidence(report.examination.bins) < report.examination.pairs.accuracy.value
    assert report.names == ("overconfident",)


def test_a_constant_score_is_collapsed_c18_c19():
    report = reward_report(lambda answers: torch.full((len(answers),), -9.98), PAIRS)
    assert report.names == ("collapse to a constant", "no better than a coin")
    assert report.examination.pairs.nll == pytest.approx(math.log(2))
    assert math.isnan(report.examination.length)


def test_a_score_that_is_length_is_a_shortcut():
    report = reward_report(length, PAIRS)
    assert report.names[0] == causes.LENGTH
    assert report.examination.length == pytest.approx(1.0)
    shorter = reward_report(lambda answers: [-x for x in length(answers)], PAIRS)
    assert any(f.name == causes.LENGTH and "shorter" in f.evidence for f in shorter.findings)


def test_a_score_that_ranks_the_reverse_is_inverted():
    report = reward_report(lambda answers: [-x for x in oracle()(answers)], PAIRS)
    assert report.names[0] == causes.INVERTED


def test_a_score_that_pays_for_hedging_is_told():
    pairs = [Pair("a ?", f"word{n} .", f"it depends maybe {n} .", "") for n in range(40)]
    report = reward_report(lambda answers: [float("depends" in answer) for _, answer in answers], pairs)
    assert "hedging is rewarded" in report.names
    assert report.examination.hedging == pytest.approx(1.0)


def test_identical_pairs_and_leaks_are_counted():
    twice = [Pair(p.prompt, p.chosen, p.chosen, "") for p in PAIRS[:30]] + PAIRS[30:]
    report = reward_report(oracle(), twice)
    assert report.names[0] == causes.IDENTICAL and "30 of 120" in report.findings[0].evidence
    leaked = reward_report(oracle(), PAIRS, train_pairs=PAIRS[:60])
    assert leaked.names[0] == causes.LEAK and leaked.examination.seen_pairs.hits >= 60
    same_prompts = [Pair(p.prompt, p.rejected, p.chosen, "") for p in PAIRS]
    assert causes.LEAK in reward_report(oracle(), PAIRS, train_pairs=same_prompts).names


def test_a_gap_between_training_and_held_out_is_overfitting():
    scores = {(p.prompt, p.chosen): 1.0 for p in TRAIN} | dict.fromkeys(list(CHOSEN)[::2], 1.0)
    scores |= {(p.prompt, p.rejected): 0.5 for p in PAIRS}
    report = reward_report(lambda answers: [scores.get(a, 0.0) for a in answers], PAIRS, train_pairs=TRAIN)
    assert "overfit" in report.names


def test_a_weakness_on_the_policys_answers_forbids_ppo():
    policy = [pair.swapped() for pair in TRAIN]
    score = {**{(p.prompt, p.chosen): 2.0 for p in PAIRS}, **{(p.prompt, p.chosen): 0.2 for p in TRAIN}}
    report = reward_report(lambda answers: [score.get(a, 0.0) for a in answers], PAIRS, policy_pairs=policy)
    assert report.names[0] == "weak on the policy's samples" and not report.ready_for_ppo


def test_too_few_pairs_are_too_uncertain():
    few = PAIRS[1:7]
    report = reward_report(oracle(), few)
    assert not report.ready_for_ppo and "too low or too uncertain" in report.verdict


def test_rewards_that_are_no_numbers_are_divergence():
    report = reward_report(lambda answers: [math.nan] * len(answers), PAIRS)
    assert report.names[0] == "divergence" and not report.ready_for_ppo
    assert report_picture(report).png()


def test_the_documents_log_gives_its_findings():
    report = reward_report(oracle(), PAIRS, log=seed_log("reward_model"))
    assert report.names[:2] == (causes.WRONG_WAY, causes.DRIFT)  # C8, C30
    assert "measured here, that gradient is 0" in report.findings[1].evidence


@pytest.mark.parametrize("give", [lambda a: [1.0], lambda a: torch.zeros(len(a), 1)])
def test_a_score_of_the_wrong_shape_is_refused(give):
    with pytest.raises(ValueError, match=r"score: shape .* is not allowed; it must give \(120,\)"):
        reward_report(give, PAIRS)


def test_no_pairs_are_refused():
    with pytest.raises(ValueError, match="pairs: 0 is not allowed"):
        reward_report(length, [])


def test_gradients_by_group_c12_c18():
    pairs = encode_pairs(course_tokenizer(), PAIRS)
    alive, dead = (gradients(small_model(**head), pairs) for head in ({}, {"bound": "tanh", "reward_offset": -30.0}))
    assert alive.index.tolist() == [
        "body.token_embedding",
        "body.position_embedding",
        "body.blocks.0",
        "body.ln_f",
        "head",
    ]
    assert (alive.mean_gradient > 1e-7).all() and alive.loc["head", "weights"] == 17
    assert (dead.largest_gradient == 0).all()


def test_the_head_probe_moves_the_head_and_puts_it_back():
    pairs, model = encode_pairs(course_tokenizer(), PAIRS), small_model(bound="tanh", reward_offset=-30.0)
    probe = probe_head(model, pairs)
    assert probe.raw_mean == pytest.approx(-30, abs=2) and probe.raw_std > 0.01
    assert probe.reward_std == 0 and probe.recentred_std > 0.01
    assert model.head.bias.item() == -30
    assert report_on(model).names[0] == causes.SATURATED
    assert probe_head(torch.nn.Identity(), pairs) is None


class ReadsThePadding(RewardModel):
    def forward(self, tokens, lengths):
        return super().forward(tokens, (lengths + 1).clamp(max=tokens.shape[1]))


class ReadsEarly(RewardModel):
    def forward(self, tokens, lengths):
        return super().forward(tokens, lengths - 1)


def test_the_read_out_probe_finds_the_token():
    pairs = encode_pairs(course_tokenizer(), PAIRS)
    right, early, late = (
        probe_read_out(small_model(kind), pairs) for kind in (RewardModel, ReadsEarly, ReadsThePadding)
    )
    assert right.last_token > 1e-3 and right.padding == 0
    assert early.last_token == 0 and early.padding == 0
    assert late.padding > 1e-3
    for kind, where in ((ReadsEarly, "before the end"), (ReadsThePadding, "behind the end")):
        found = [f for f in report_on(small_model(kind)).findings if f.name == causes.READ_OUT]
        assert where in found[0].evidence
    assert causes.READ_OUT not in report_on(small_model()).names


def test_reliability_bins_add_up():
    scored = measures.score_pairs(oracle(wrong_every=4), PAIRS, course_tokenizer())
    bins = measures.reliability(scored)
    assert bins.pairs.sum() == len(PAIRS)
    assert bins.accuracy.tolist() == pytest.approx([0.75]) and measures.calibration_error(bins) == pytest.approx(
        torch.sigmoid(torch.tensor(2.0)).item() - 0.75
    )


def test_the_table_tells_no_finding_and_the_picture_speaks():
    report = report_on(small_model(), train_pairs=encode_pairs(course_tokenizer(), TRAIN), log=seed_log("reward_model"))
    text = report.table().to_string()
    assert not any(finding.name in text for finding in report.findings)
    assert report.table().index.is_unique
    figure = report_picture(report)
    assert len(figure.axes) == 6 and "ECE" in figure.alt
    assert len(report_picture(report_on(small_model())).axes) == 3
    assert str(report).endswith(report.verdict)
