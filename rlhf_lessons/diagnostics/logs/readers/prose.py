"""Which kinds of training the words around a log name."""

import re

from rlhf_lessons.diagnostics.logs.readers.text import fields, lines
from rlhf_lessons.diagnostics.logs.rows import has_measured

LONGEST_PROSE = 100_000  # characters; what the log of a long run says of itself stands at its beginning
KINDS = r"dpo|orpo|kto|simpo|ipo|cpo|grpo|rloo|ppo|sft|reward(?=[ -]?model|trainer)|bradley[- ]terry"
# A whole word, with "Trainer" or "Config" behind it or not, that is no part of a path, a name or a setting.
WORD = re.compile(
    rf"(?<![\w/.,=\"'`-])({KINDS})(?:[ -]?model(?:s|l?ing)?)?(?:trainer|config)?(?![\w/=\"'`-]|[.,:]\S)", re.IGNORECASE
)
CODE = re.compile(r"`(\w+)`")

# The kind as the argument of a program or in its settings: `loss_type='simpo'`, `--rlhf_type grpo`, `stage: rm`.
ARGUMENT = re.compile(
    r"(?<![A-Za-z])(?:(?:trl|rlhf|loss|train|trainer|training)_type|stage|rl|pref_loss|adv_estimator|algorithm|method)"
    rf"[\"']?(?:\s?[:=]\s?|\s)[\"']?({KINDS}|rm)(?:trainer)?(?![\w/=-])",
    re.IGNORECASE,
)

# The name of a model above the first sentence of the card that a Hugging Face trainer writes.
TITLE = re.compile(r"^(?:# *)?([\w.-]{1,200})\s+This model is a fine-tuned version of", re.MULTILINE)
IN_TITLE = re.compile(r"dpo|orpo|kto|simpo|ipo|cpo")


def words(text: str) -> frozenset[str]:
    """The kinds of training that prose, comments and a program's arguments name, in lower case, as in `kinds.WORDS`.

    Lines of measured values are no prose: who trains by PPO prints the reward of a reward model.
    """
    head = text[:LONGEST_PROSE]
    prose = (CODE.sub(r"\1", line) for line in lines(head) if _is_prose(line))
    found = {match[1].lower() for line in prose for match in WORD.finditer(line)}
    found |= {match[1].lower() for match in ARGUMENT.finditer(head)}
    if title := TITLE.search(head):
        found |= {part for part in re.split("[-_.]", title[1].lower()) if IN_TITLE.fullmatch(part)}
    return frozenset("reward model" if word.startswith(("reward", "bradley", "rm")) else word for word in found)


def _is_prose(line: str) -> bool:
    return not any(sign in line for sign in "|\t{}") and not has_measured(fields(line.lstrip("#/ ")))
