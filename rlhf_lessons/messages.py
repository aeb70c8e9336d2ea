"""Texts as messages, in the form that chat templates and TRL take."""

Message = dict[str, str]  # `role` and `content`


def message(role: str, text: str) -> Message:
    """What the `user` or the `assistant` says."""
    return {"role": role, "content": text}


def preference(prompt: str, chosen: str, rejected: str) -> dict[str, list[Message]]:
    """A row of TRL's preference form."""
    answers = {"chosen": [message("assistant", chosen)], "rejected": [message("assistant", rejected)]}
    return {"prompt": [message("user", prompt)], **answers}
