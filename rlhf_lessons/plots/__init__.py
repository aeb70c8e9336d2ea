"""Results as pictures. Nothing here trains or reads files: a result goes in, a figure comes out."""

from rlhf_lessons.plots.direct import answer_kinds
from rlhf_lessons.plots.methods import methods, pulls
from rlhf_lessons.plots.policy import by_block, foretold, goodhart, hypotheses, ladder, leads, scorecard
from rlhf_lessons.plots.reward import report_picture
from rlhf_lessons.plots.strips import report_strips
from rlhf_lessons.plots.style import Picture
from rlhf_lessons.plots.sweeps import heat_map, learning_curve, over_theory, phase_diagrams, reliability
from rlhf_lessons.plots.tokens import token_strip
from rlhf_lessons.plots.training import band, curves, pipeline_map, reward_log, shares

__all__ = [
    "Picture", "answer_kinds", "band", "by_block", "curves", "foretold", "goodhart", "heat_map", "hypotheses", "ladder",
    "leads", "learning_curve", "methods", "over_theory", "phase_diagrams", "pipeline_map", "pulls", "reliability",
    "report_picture", "report_strips", "reward_log", "scorecard", "shares", "token_strip",
]  # fmt: skip
