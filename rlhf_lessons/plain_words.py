"""How the command line reads the words it is given, and says what is wrong with them: in one line on stderr."""

import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, ENOSPC, EROFS
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from rlhf_lessons.refusals import shown

UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # typer gives it no name that all its versions have
REFUSED, INTERRUPTED = 2, 130  # exit codes
PARAMETER_OPTIONS = ("-p", "--parameter")
OPTION = re.compile("--?[A-Za-z]")  # -0.1 is a value
WIDTH = re.compile("[1-9][0-9]{0,3}")  # a number of columns or lines that a terminal may have


class PlainWords(TyperGroup):
    """A program of commands: none of them ends in a traceback for bad input, a disk that is full, or Ctrl-C."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        for name in ("COLUMNS", "LINES"):  # rich trusts them
            if not WIDTH.fullmatch(os.environ.get(name, "80")):
                del os.environ[name]
        with refusals():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with refusals(), warnings.catch_warnings():
            usual = warnings.showwarning
            warnings.showwarning = lambda *of: typer.echo(of[0], err=True) if is_ours(of[1]) else usual(*of)
            return super().invoke(ctx)


def is_ours(category: type[Warning]) -> bool:
    """Whether a kind of warning is the course's own, and so is written for whoever reads the screen."""
    return category.__module__.startswith(f"{__package__}.")


@contextmanager
def refusals() -> Iterator[None]:
    """Bad input ends the program with its message and exit code 2; Ctrl-C ends it with 130."""
    try:
        yield
    except BrokenPipeError:  # of `| head`, which typer handles
        raise
    except (UsageError, OSError, EOFError, ValueError) as error:
        code, line = REFUSED, in_a_line(error)
    except KeyboardInterrupt as error:
        code, line = INTERRUPTED, "; ".join(["interrupted", *map(str, error.args)])
    else:
        return
    typer.echo(line, err=True)
    raise typer.Exit(code) from None


def in_a_line(error: Exception) -> str:
    """What bad input, or a file that fails, is told."""
    if isinstance(error, UsageError):
        return misused(error)
    if isinstance(error, OSError):
        return failed(error)
    return f"file: it ends too early ({error})" if isinstance(error, EOFError) else str(error)


def misused(error: Any) -> str:
    """What typer says of words that are no command, option or value, in a line."""
    parameter = getattr(error, "param", None)
    words = f"{parameter.name}: {error.message or 'it is missing'}" if parameter else error.format_message()
    line = " ".join(words.split())
    if (parameter and error.message) or not error.ctx:
        return line
    return f"{line} ({error.ctx.command_path} --help)"


def failed(error: OSError) -> str:
    """What the system could not do, in a line; ours say it themselves."""
    if error.filename is None:
        return str(error)
    verb = "written" if error.errno in (ENOSPC, EDQUOT, EFBIG, EROFS) else "read"
    return f"file: {str(error.filename)!r} cannot be {verb} ({error.strerror})"


class WithParameters(TyperCommand):
    """Lets `-p` take a name and a value, as papermill's does; typer's options take one word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        joined, rest = [], list(args)
        while rest:
            word = rest.pop(0)
            if word in PARAMETER_OPTIONS and rest:
                word = f"--parameter={rest.pop(0)}"
                if "=" not in word.partition("=")[2] and rest and not OPTION.match(rest[0]):
                    word = f"{word}={rest.pop(0)}"
            joined.append(word)
        return super().parse_args(ctx, joined)


def parameters(words: list[str], field: str = "parameter") -> dict[str, str]:
    """What NAME=VALUE says, word by word. Raises ValueError for any other word, and for two values of one name."""
    texts: dict[str, str] = {}
    for word in words:
        name, is_set, value = word.partition("=")
        if not (name and is_set):
            raise ValueError(f"{field}: {shown(word)} is not allowed; it must be a name and a value")
        if texts.setdefault(name, value) != value:
            raise ValueError(f"{name}: {shown(value)} is not allowed; it is {shown(texts[name])} already")
    return texts


def whole(most: int, help: str, least: int = 1) -> Any:
    """A typer option for a whole number from `least` to `most`."""
    return typer.Option(parser=_whole(least, most), metavar="N", help=f"{help} {least} to {most}.")


def number(help: str) -> Any:
    """A typer option for a number; who takes it checks its bounds."""
    return typer.Option(parser=_number, metavar="NUMBER", help=help)


def _number(text: str | float) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{shown(text)} is not allowed; it must be a number") from None


def _whole(least: int, most: int) -> Callable[[str | int], int]:
    def parse(text: str | int) -> int:
        if not re.fullmatch("[0-9]{1,9}", str(text)) or not least <= int(text) <= most:
            raise typer.BadParameter(f"{shown(text)} is not allowed; it must be a whole number from {least} to {most}")
        return int(text)

    return parse
