"""Which kinds of training the words around a log name."""

import re

from rlhf_lessons.diagnostics.logs.readers.text import PRINTED_PAIR, lines

LONGEST_PROSE = 100_000  # characters; what the log of a long run says of itself stands at its beginning
KINDS = r"dpo|orpo|kto|simpo|ipo|cpo|grpo|rloo|ppo|sft|reward(?=[ -]?model|trainer)|bradley[- ]terry"
# A whole word, with "Trainer" or "Config" behind it or not, that is no part of a path, a name or a setting.
WORD = re.compile(
    rf"(?<![\w/.,=\"'`-])({KINDS})(?:[ -]?model(?:s|l?ing)?)?(?:trainer|config)?(?![\w/=\"'`-]|[.,:]\S)", re.IGNORECASE
)


def words(text: str) -> frozenset[str]:
    """The kinds of training that lines of prose and comments name, in lower case; "reward model" for one of those."""
    found = {
        match[1].lower()
        for line in lines(text[:LONGEST_PROSE])
        if not any(sign in line for sign in "|\t{}") and not PRINTED_PAIR.search(line.lstrip("#/ "))
        for match in WORD.finditer(line)
    }
    return frozenset("reward model" if word.startswith(("reward", "bradley")) else word for word in found)
