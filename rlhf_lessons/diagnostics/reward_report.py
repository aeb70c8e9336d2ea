"""The doctor: examine any reward function before PPO relies on it.

    report = reward_report(partial(score, model), test_pairs, model=model, train_pairs=train_pairs, log=history)
    print(report)

Everything but the scoring function and the pairs may be left out; what cannot be measured is not judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch
from torch import nn

from rlhf_lessons.diagnostics.bars import READY_ACCURACY, Bars
from rlhf_lessons.diagnostics.doctor import measures, probes
from rlhf_lessons.diagnostics.doctor.cautions import CAUTIONS
from rlhf_lessons.diagnostics.doctor.checks import find_causes
from rlhf_lessons.diagnostics.doctor.examination import Examination
from rlhf_lessons.diagnostics.doctor.measures import ScoredPairs, ScoreFunction
from rlhf_lessons.diagnostics.doctor.symptoms import SYMPTOMS
from rlhf_lessons.diagnostics.doctor.twins import has_twin
from rlhf_lessons.diagnostics.findings import HEALTHY, Finding
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.parsing import Source, parse
from rlhf_lessons.diagnostics.logs.trends import late
from rlhf_lessons.model.sequences import PairSet
from rlhf_lessons.world.datasets import Pair
from rlhf_lessons.world.tokenizer import Tokenizer, course_tokenizer

FIRST = 5


@dataclass(frozen=True)
class RewardReport:
    """What was measured, what it shows (strongest evidence first), and whether PPO may rely on the rewards."""

    examination: Examination
    findings: tuple[Finding, ...]
    verdict: str
    ready_for_ppo: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the findings, strongest first."""
        return tuple(finding.name for finding in self.findings)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a reader should know beside the findings; none of it forbids PPO."""
        return tuple(sentence for caution in CAUTIONS if (sentence := caution(self.examination)))

    def first_pairs(self) -> pd.DataFrame:
        """The first five pairs with their texts, both rewards and the margin."""
        e = self.examination.pairs
        rows = zip(e.texts, e.chosen.tolist(), e.rejected.tolist(), strict=True)
        table = [
            {"prompt": p, "preferred": c, "dispreferred": r, "r(pref)": rc, "r(dispref)": rr, "margin": rc - rr}
            for (p, c, r), rc, rr in list(rows)[:FIRST]
        ]
        return pd.DataFrame(table)

    def table(self) -> pd.DataFrame:
        """Every measurement, one a row: its value and what a healthy model shows. It names no finding."""
        rows = [row for part in _PARTS for row in part(self.examination)]
        return pd.DataFrame(rows, columns=["measured", "value", "healthy"]).set_index("measured")

    def __str__(self) -> str:
        lines = [f"{number}. {finding}" for number, finding in enumerate(self.findings, start=1)]
        return "\n".join([*lines, *(f"Note: {sentence}." for sentence in self.cautions), self.verdict])

    def __repr__(self) -> str:
        return f"<RewardReport of {len(self.examination.pairs)} pairs>"


def reward_report(
    score: ScoreFunction,
    pairs: PairSet | Sequence[Pair],
    *,
    model: nn.Module | None = None,
    train_pairs: PairSet | Sequence[Pair] | None = None,
    policy_pairs: PairSet | Sequence[Pair] | None = None,
    log: Source | Log | None = None,
    tokenizer: Tokenizer | None = None,
    ceiling: float | None = None,
    policy_ceiling: float | None = None,
) -> RewardReport:
    """Examine a reward function on held-out pairs.

    score: N `Sequences` (for a `PairSet`) or a list of N (prompt, answer) texts -> N rewards.
    model: the module behind it, `(tokens, lengths) -> rewards`; opens the gradient, head and read-out probes,
        for which `pairs` must be a `PairSet`.
    train_pairs: finds leaks and overfitting. policy_pairs: pairs of the policy's own answers.
    log: its training log, in any form that `log_reader.diagnose` takes.
    ceiling: the best possible accuracy on labels with noise, over 0.5 and at most 1; policy_ceiling: on `policy_pairs`.
    Raises ValueError for no pairs, for a score of another shape than (N,), and for a ceiling out of its range.
    """
    bars = Bars(ceiling), Bars(ceiling if policy_ceiling is None else policy_ceiling, "policy_ceiling")
    tokenizer = tokenizer or course_tokenizer()
    scored = measures.score_pairs(score, pairs, tokenizer)
    extra: dict[str, Any] = {"bars": bars[0], "policy_bars": bars[1]}
    if train_pairs is not None:
        extra |= _beside_training(scored, measures.score_pairs(score, train_pairs, tokenizer))
    if policy_pairs is not None:
        extra["policy"] = measures.score_pairs(score, policy_pairs, tokenizer)
    if model is not None and isinstance(pairs, PairSet):
        extra |= _inside(model, pairs, train_pairs if isinstance(train_pairs, PairSet) else pairs)
    if log is not None:
        extra["log"] = replace(parse(log), bars=bars[0])
    return conclude(examination_of(scored, **extra))


def _beside_training(scored: ScoredPairs, train: ScoredPairs) -> dict[str, Any]:
    twins = torch.tensor(has_twin(scored.texts, train.texts))
    return {
        "train": train,
        "seen_pairs": measures.seen_pairs(scored.texts, train.texts),
        "seen_prompts": measures.seen_prompts(scored.texts, train.texts),
        "with_twin": scored.accuracy_where(twins),
        "without_twin": scored.accuracy_where(~twins),
    }


def _inside(model: nn.Module, pairs: PairSet, train_pairs: PairSet) -> dict[str, Any]:
    return {
        "gradients": probes.gradients(model, train_pairs),
        "head": probes.probe_head(model, pairs),
        "read_out": probes.probe_read_out(model, pairs),
    }


def examination_of(scored: ScoredPairs, **extra: Any) -> Examination:
    """What these pairs show by themselves; `extra` are further fields of an `Examination`."""
    bins, leads = measures.reliability(scored), scored.word_leads
    return Examination(
        pairs=scored,
        bins=bins,
        ece=measures.calibration_error(bins),
        length=measures.length_correlation(scored),
        hedging=measures.hedging_correlation(scored),
        longer_chosen=scored.accuracy_where(leads > 0),
        shorter_chosen=scored.accuracy_where(leads < 0),
        identical=measures.identical(scored.texts),
        shift=measures.shift_gradient(scored),
        **extra,
    )


def conclude(examination: Examination) -> RewardReport:
    """The findings, ranked, and the verdict."""
    symptoms = [finding for check in SYMPTOMS if (finding := check(examination))]
    findings = sorted(find_causes(examination) + symptoms, key=lambda finding: finding.strength, reverse=True)
    if findings:
        reason = f"no, because the doctor found {findings[0].name}: {findings[0].evidence}"
        return RewardReport(examination, tuple(findings), f"Ready for PPO: {reason}.", False)
    pairs, policy = examination.pairs, examination.policy
    judged = {"held-out pairs": (pairs, examination.bars)}
    judged |= {"pairs of the policy's answers": (policy, examination.policy_bars)} if policy else {}
    for which, (scored, bars) in judged.items():
        if scored.accuracy.interval.low < bars.accuracy(READY_ACCURACY):
            evidence = f"an accuracy of {scored.accuracy} on {len(scored)} {which}{bars.reachable}"
            reason = f"no, because {evidence} is too low or too uncertain"
            return RewardReport(examination, (), f"Ready for PPO: {reason}.", False)
    evidence = f"it ranks {pairs.accuracy} of the held-out pairs as people did{examination.bars.reachable}"
    evidence += f", with a held-out loss of {pairs.nll:.2f}"
    finding = Finding(HEALTHY, f"{evidence} and an ECE of {examination.ece:.2f}", strength=0.5)
    reason = f"yes, because {evidence}, and no check found a fault"
    return RewardReport(examination, (finding,), f"Ready for PPO: {reason}.", True)


Row = tuple[str, str, str]


def _reward_rows(e: Examination) -> list[Row]:
    pairs, bar = e.pairs, e.bars.accuracy(READY_ACCURACY)
    return [
        ("accuracy, held out (95 % interval)", str(pairs.accuracy), f"over {bar:.0%}{e.bars.reachable}"),
        ("mean r(pref)", f"{float(pairs.chosen.mean()):.3f}", "above r(dispref)"),
        ("mean r(dispref)", f"{float(pairs.rejected.mean()):.3f}", "below r(pref)"),
        ("margin, mean and std", f"{float(pairs.margins.mean()):.3f}, {float(pairs.margins.std()):.3f}", "mean over 0"),
        ("reward, mean and std", f"{float(pairs.rewards.mean()):.3f}, {float(pairs.rewards.std()):.3g}", "std over 0"),
        ("held-out loss", f"{pairs.nll:.3f}", "under ln 2 = 0.693"),
        ("calibration error (ECE)", f"{e.ece:.3f}", "under 0.05 to 0.1"),
        ("gradient of a constant added to all", f"{e.shift:.1g}", "0: the loss cannot see it"),
    ]


def _data_rows(e: Examination) -> list[Row]:
    rows = [
        ("correlation of reward and length", f"{e.length:.2f}", "near that of quality and length"),
        ("accuracy where the better is longer", str(e.longer_chosen), "alike"),
        ("accuracy where the better is shorter", str(e.shorter_chosen), "alike"),
        ("correlation of reward and hedging", f"{e.hedging:.2f}", "not over 0"),
        ("pairs identical when read", str(e.identical), "near 0 %"),
    ]
    if e.train and e.with_twin:
        rows += [
            ("accuracy, training pairs", str(e.train.accuracy), "little above held out"),
            ("test pairs seen in training", str(e.seen_pairs), "near 0 %"),
            ("test prompts seen in training", str(e.seen_prompts), "near 0 %"),
            ("near twins of training prompts", f"{e.with_twin.n} of {len(e.pairs)}", "few"),
            ("accuracy on near twins", str(e.with_twin), "alike"),
            ("accuracy on all but near twins", str(e.without_twin), "alike"),
        ]
    if e.policy:
        rows.append(("accuracy, the policy's own answers", str(e.policy.accuracy), "near held out"))
    return rows


def _model_rows(e: Examination) -> list[Row]:
    rows = []
    if e.gradients is not None:
        means = e.gradients.mean_gradient
        rows = [(f"mean |gradient|, {group}", f"{value:.1g}", "over 1e-7") for group, value in means.items()]
    if e.head:
        rows.append(
            ("head before the end, mean and std", f"{e.head.raw_mean:.3g}, {e.head.raw_std:.2g}", "as the reward")
        )
        rows.append(("reward std with the head moved to 0", f"{e.head.recentred_std:.2g}", "as the reward"))
    if e.read_out:
        rows.append(("largest change, last token replaced", f"{e.read_out.last_token:.2g}", "over 0"))
        rows.append(("largest change, padding replaced", f"{e.read_out.padding:.2g}", "0"))
    return rows


def _log_rows(e: Examination) -> list[Row]:
    loss = e.log.values("loss") if e.log else []
    if not loss:
        return []
    shown = f"{loss[0]:.3f}, {max(loss):.3f}, {late(loss):.3f}"
    rows = [("training loss: first, highest, late", shown, "starts near ln 2, falls")]
    both = e.log.finite("reward_chosen", "reward_rejected") if e.log else []
    if both:
        middle = [(chosen + rejected) / 2 for chosen, rejected in both]
        margin = late([chosen - rejected for chosen, rejected in both])
        rows.append(
            ("drift of both rewards, late margin", f"{middle[-1] - middle[0]:.2f}, {margin:.2f}", "drift not far more")
        )
    return rows


_PARTS = (_reward_rows, _data_rows, _model_rows, _log_rows)
