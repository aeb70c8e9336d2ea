"""How a real model reads: pieces of words, and a conversation written as one text."""

from typing import Any

from rlhf_lessons.real import plain_english as english
from rlhf_lessons.real.model import RealModel
from rlhf_lessons.world.tokenizer import course_tokenizer

PROMPT = "metformin with egfr 28 ?"


def reading(model: RealModel, seed: int) -> dict[str, Any]:
    """One question in the course's words and in the model's pieces, and the text that the chat template makes of it."""
    asked, tokenizer = english.question(PROMPT), model.tokenizer
    pieces = [tokenizer.decode([token]) for token in tokenizer(asked, add_special_tokens=False)["input_ids"]]
    template = {"tokenize": False, "add_generation_prompt": True}
    course = course_tokenizer()
    return {
        "words": PROMPT.split(),
        "vocabulary of the course": course.vocab_size,
        "pieces": pieces,
        "vocabulary": len(tokenizer),
        "written": tokenizer.apply_chat_template(english.conversation(asked), **template),
        "answer": model.answer(english.conversation(asked), max_new_tokens=60, temperature=0.7, seed=seed),
    }
