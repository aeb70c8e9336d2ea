"""The pairs of answers that the labelling lab shows where no real model is installed, and the chat's conversation.

`python -m tools.kept_answers` makes them anew, in about ten minutes; it needs what `make real` installs.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from rlhf_lessons import files
from rlhf_lessons.real.kept_answers import CONVERSATION, PAIRS, WARNING
from rlhf_lessons.real.model import RealModel, load
from rlhf_lessons.world.cases import Case, all_cases

N_PAIRS, SEED = 40, 0
HEALTHY_EGFR = 60  # above, there is little to ask
PAIR_SETTINGS: dict[str, Any] = {"max_new_tokens": 80, "temperature": 0.7}
CHAT_SETTINGS: dict[str, Any] = {"max_new_tokens": 120, "temperature": 0.7, "seed": SEED}
SITUATIONS = {
    "cirrhosis": "with cirrhosis",
    "grapefruit": "who drinks grapefruit juice every day",
    "long qt": "with long QT syndrome",
    "muscle pain": "with new muscle pain",
    "new rash": "with a new rash",
    "old age": "who is over 80 years old",
    "penicillin anaphylaxis": "who once had an anaphylactic shock from penicillin",
    "polypharmacy": "who takes ten other medicines",
    "pregnancy": "who is pregnant",
    "st johns wort": "who takes St John's wort",
    "potassium": "who takes potassium tablets",
}
SAID = (
    "What does a pharmacist do?",
    "Say it in one short sentence.",
    "Can I take ibuprofen while I take warfarin?",
)


def questions() -> Iterator[str]:
    """Questions of the course's pharmacy in everyday English, each fact once, in a fixed order."""
    cases = [case for case in all_cases() if _situation(case)]
    random.Random(SEED).shuffle(cases)
    asked = set()
    for case in cases:
        if case.fact not in asked:
            asked.add(case.fact)
            yield f"Is {case.drug} safe for a patient {_situation(case)}? Answer in two sentences."


def _situation(case: Case) -> str:
    kind, _, value = case.situation.partition(" ")
    if kind == "egfr":
        return f"whose eGFR is {value}" if int(value) < HEALTHY_EGFR else ""
    drugs = {each.drug for each in all_cases()}
    return f"who takes {case.situation}" if case.situation in drugs else SITUATIONS.get(case.situation, "")


def _label(model: RealModel, settings: dict[str, Any]) -> dict[str, Any]:
    made = datetime.now(UTC).date().isoformat()
    return {
        "label": {
            "model": model.name,
            "settings": settings,
            "made": made,
            "by": f"python -m {__spec__.name}",
            "note": WARNING,
        }
    }


def _lines(model: RealModel) -> Iterator[dict[str, Any]]:
    yield _label(model, {**PAIR_SETTINGS, "seed": f"the place of the question, from {SEED}"})
    made = 0
    for seed, question in enumerate(questions(), start=SEED):
        answers = model.answers(question, 2, seed=seed, **PAIR_SETTINGS)
        if all(answers) and answers[0] != answers[1]:
            yield {"question": question, "answers": answers}
            made += 1
            print(made, question, answers, flush=True)
        if made == N_PAIRS:
            return


def _talk(model: RealModel) -> Iterator[dict[str, Any]]:
    yield _label(model, CHAT_SETTINGS)
    messages = []
    for text in SAID:
        messages.append({"role": "user", "content": text})
        messages.append({"role": "assistant", "content": model.answer(messages, **CHAT_SETTINGS)})
    yield from messages


def main() -> None:
    """Make both files."""
    model = load()
    for path, lines in ((CONVERSATION, _talk(model)), (PAIRS, _lines(model))):
        files.replace(path, "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines).encode())


if __name__ == "__main__":
    main()
