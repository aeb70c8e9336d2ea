"""Which token is the reward read from? Found by experiment, on a model of which nothing else is known.

transformers' sequence classifiers read the last token that is not `config.pad_token_id`. That goes wrong in four ways:
the model knows no padding token and refuses batches; it knows another one than the tokenizer uses, and reads the
padding; the padding token is the end-of-text token, which it then never reads; the padding stands on the left, and
the positions that the text is read at move.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rlhf_lessons.diagnostics.doctor import causes
from rlhf_lessons.diagnostics.doctor.measures import Margins
from rlhf_lessons.diagnostics.findings import Finding
from rlhf_lessons.integrations.judge import CannotScoreError, Judge

MOST_PAIRS = 64
SPARE = 4  # tokens of padding behind the longest text, where the model has places for them
# Rounding moves rewards a little, by more where weights are stored in 16 bits; a wrong token moves them by much.
SHARE_OF_SPREAD, ROUNDINGS = 0.02, 8
BATCHES = "batches refused"


@dataclass(frozen=True)
class ReadOut:
    """Rewards (2N,) of the same N pairs, the chosen answers first, read in four ways.

    alone: each text by itself. right, left: padded on that side, and None where the model refuses a batch (`refusal`
    says why). last: alone, and at the last token whatever it is. side: where the tokenizer pads. pad_ids: the padding
    token of the model and of the tokenizer. slack: how far rounding may move a reward.
    """

    alone: Tensor
    right: Tensor | None
    left: Tensor | None
    last: Tensor
    refusal: str
    side: str
    pad_ids: tuple[int | None, int | None]
    slack: float

    def change(self, other: Tensor | None) -> float:
        """How far the rewards move at most against `alone`; 0 within `slack`, infinite where one is no number."""
        if other is None:
            return 0.0
        known = self.alone.isfinite()
        moved = float((other - self.alone)[known].abs().nan_to_num(torch.inf).max()) if known.any() else 0.0
        return moved if moved > self.slack else 0.0

    @property
    def spread(self) -> float:
        return float(self.alone.std())

    @property
    def padding_tokens(self) -> str:
        return f"pad_token_id is {self.pad_ids[0]} in the model's config, {self.pad_ids[1]} in the tokenizer"


def probe(judge: Judge, chosen: Sequence[list[int]], rejected: Sequence[list[int]], batch_size: int) -> ReadOut:
    """Score both answers of at most 64 pairs, given as tokens, in four ways."""
    rows = [*chosen[:MOST_PAIRS], *rejected[:MOST_PAIRS]]
    width = max(map(len, rows)) + SPARE
    width = width if judge.max_length is None else max(min(width, judge.max_length), width - SPARE)

    def padded(side: str) -> Tensor:
        batches = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
        return torch.cat([judge.score_padded(batch, side, width) for batch in batches])

    alone, refusal = judge.score(rows, 1), ""
    right = left = None
    batch_size = max(batch_size, 2)
    known = judge.model.get_input_embeddings().num_embeddings
    if judge.pad_id >= known:  # on a GPU the attempt would end the program
        refusal = f"the padding token is {judge.pad_id}, and the model knows {known} tokens"
    else:
        try:
            right, left = padded("right"), padded("left")
        except CannotScoreError:
            raise
        except ValueError as error:
            refusal = str(error).strip().partition("\n")[0]
    with judge.without_padding_token():
        last = judge.score(rows, 1)
    finite = alone[alone.isfinite()]
    rounding = ROUNDINGS * torch.finfo(judge.model.dtype).eps * float(finite.abs().max()) if len(finite) else 0.0
    slack = rounding + (SHARE_OF_SPREAD * float(finite.std()) if len(finite) > 1 else 0.0)
    pad_ids = judge.model.config.pad_token_id, judge.tokenizer.pad_token_id
    return ReadOut(alone, right, left, last, refusal, judge.tokenizer.padding_side, pad_ids, slack)


def faults(e: ReadOut) -> list[Finding]:
    """What makes the rewards of a batch wrong."""
    found = [_refused(e), _padding_is_read(e), _moved_by_left_padding(e), _end_is_better(e)]
    return [finding for finding in found if finding]


def _refused(e: ReadOut) -> Finding | None:
    if not e.refusal and e.pad_ids[1] is not None:
        return None
    why = e.refusal or "the tokenizer cannot pad"
    return Finding(BATCHES, f"two texts at once are refused ({why.rstrip('.')}): {e.padding_tokens}", strength=0.96)


def _padding_is_read(e: ReadOut) -> Finding | None:
    moved = e.change(e.right)
    if not moved:
        return None
    evidence = f"padding on the right moves rewards by up to {moved:.2g} (spread {e.spread:.2g}): {e.padding_tokens}"
    others = ("an attention that sees the padding", "pooling over other tokens than the text's")
    return Finding(causes.READ_OUT, evidence, others, 0.96)


def _moved_by_left_padding(e: ReadOut) -> Finding | None:
    if e.side != "left" or not e.change(e.left) or e.change(e.right):
        return None
    evidence = f"{_left(e)}, and the tokenizer pads on the left"
    return Finding(causes.READ_OUT, evidence, ("positions that are counted from the padding on",), 0.95)


def _left(e: ReadOut) -> str:
    return f"padding on the left moves rewards by up to {e.change(e.left):.2g} (spread {e.spread:.2g})"


def _end_is_better(e: ReadOut) -> Finding | None:
    """The last token, which is not read, ranks these pairs better: so it was read in training."""
    here, end = (Margins(rewards[: len(rewards) // 2] - rewards[len(rewards) // 2 :]) for rewards in (e.alone, e.last))
    if not e.change(e.last) or not end.accuracy.interval.low > here.accuracy.interval.high:
        return None
    evidence = f"{_before_the_end(e)}, though there it would rank {end.accuracy} of these pairs right, not "
    return Finding(causes.READ_OUT, f"{evidence}{here.accuracy}", ("a head trained on another token",), 0.95)


def _before_the_end(e: ReadOut) -> str:
    return f"the last token of a text is not read, for it is the padding token too: {e.padding_tokens}"


def cautions(e: ReadOut) -> list[str]:
    """What is no fault as things stand, and becomes one where texts end or are padded in another way."""
    found = []
    if e.change(e.last) and not _end_is_better(e):
        found.append(f"{_before_the_end(e)}; harmless only if the model was trained that way")
    if e.side != "left" and e.change(e.left) and not e.change(e.right):
        found.append(f"{_left(e)}; the tokenizer pads on the right, so keep it that way")
    return found
