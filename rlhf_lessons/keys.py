"""Which code a result depends on, found by following names.

What is kept on disk must be found again by today's code only if that code would compute the same. So a key contains
a version of the code: `code_version` starts at the functions that compute a result, looks up every name they use, and
goes on to the definitions behind these names, through the package's own imports, until nothing new is found. No list
of files is kept by hand. What the computation does not name (the progress bar around it, the command line, plots,
labs) is never reached.

A version changes with
- the syntax of a definition that is reached: a function, a class, a constant, a statement that runs at import;
- the content of a data file that a reached definition names (a string such as "formulary.csv", beside the module).

It does not change with
- comments, docstrings, layout, and `description=` arguments, which are words for people;
- a definition that is not reached, though it stands in the same file;
- a definition that moves to another module and keeps its name.

It cannot see other libraries, nor names that are put together at run time (`getattr` with a computed string).
"""

import ast
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rlhf_lessons.closure import ROOT, Definition, closure_of, data_files, is_definition, is_docstring, module_of

WORDS = "description"  # the keyword argument by which pydantic documents a field
UNSEEN = ("ctx", "kind", "type_comment")  # fields of a syntax tree that follow from the rest, or mean nothing


@dataclass(frozen=True)
class Key:
    """All that a kept result depends on: its name and settings, the code that computes it, and what it builds on.

    `starts` are the dotted names of the functions at which `code` starts, and `settings` is what JSON can hold.
    """

    name: str
    settings: Mapping[str, Any]
    code: str
    starts: tuple[str, ...] = ()
    parents: tuple["Key", ...] = ()

    @classmethod
    def of(
        cls, name: str, settings: Mapping[str, Any], code: Iterable[Callable[..., Any]], parents: Iterable["Key"] = ()
    ) -> "Key":
        """The key of what the functions `code` compute from `settings` and from the results with the keys `parents`."""
        starts = tuple(".".join(_definition_of(start)) for start in code)
        return cls(name, json.loads(json.dumps(dict(settings))), version_of(starts), starts, tuple(parents))

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change with anything the result depends on."""
        parents = [parent.fingerprint for parent in self.parents]
        parts = {"name": self.name, "settings": self.settings, "code": self.code, "parents": parents}
        return _digest(json.dumps(parts, sort_keys=True).encode())[:16]

    @property
    def is_current(self) -> bool:
        """Whether today's code would make this key again. A function that has moved since counts as gone."""
        try:
            return self.code == version_of(self.starts) and all(parent.is_current for parent in self.parents)
        except KeyError:
            return False

    def as_dict(self) -> dict[str, Any]:
        """The key as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, parts: Mapping[str, Any]) -> "Key":
        """What `as_dict` gave. Raises KeyError or TypeError for anything else."""
        parents = tuple(map(cls.from_dict, parts["parents"]))
        return cls(parts["name"], parts["settings"], parts["code"], tuple(parts["starts"]), parents)


def code_version(*starts: Callable[..., Any], root: Path = ROOT) -> str:
    """16 hex digits for all code that these functions and classes of the package reach.

    `root` is the package's folder; tests give the folder of a changed copy.
    """
    return _version(tuple(map(_definition_of, starts)), root)


def version_of(starts: Iterable[str], root: Path = ROOT) -> str:
    """`code_version` for functions given by their dotted names. Raises KeyError for one that is not there."""
    return _version(_definitions(starts), root)


def reached_from(starts: Iterable[str], root: Path = ROOT) -> set[str]:
    """The dotted names of all definitions that these ones reach. Raises KeyError for one that is not there."""
    return {".".join(definition) for definition in closure_of(_definitions(starts), root)}


@cache
def package_version(root: Path = ROOT) -> str:
    """16 hex digits for all files of the package: for what may reach any of them, as a notebook does."""
    paths = sorted(path for path in root.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return _digest(json.dumps([[str(path.relative_to(root)), _digest(path.read_bytes())] for path in paths]).encode())[
        :16
    ]


def _definitions(starts: Iterable[str]) -> tuple[Definition, ...]:
    return tuple(Definition(*start.rsplit(".", 1)) for start in starts)


def _definition_of(start: Callable[..., Any]) -> Definition:
    return Definition(start.__module__, start.__qualname__.split(".")[0])


@cache
def _version(starts: tuple[Definition, ...], root: Path) -> str:
    closure = closure_of(starts, root)
    # Which definition stands behind which name is told by its place in the order of discovery, so that the module
    # it stands in does not count.
    places = {definition: place for place, definition in enumerate(closure)}
    described = []
    for definition, named in closure.items():
        meant = {
            name: [places[target] if is_definition(target) else target for target in targets]
            for name, targets in named.items()
        }
        described.append([_text(definition, root), meant])
    return _digest(json.dumps(described, sort_keys=True).encode())[:16]


@cache
def _text(definition: Definition, root: Path) -> str:
    """The syntax of a definition and the content of the data files it names, in short."""
    module = module_of(definition.module, root)
    statements = module.bindings[definition.name]
    files = [_digest(path.read_bytes()) for path in data_files(statements, module)]
    return _digest(json.dumps([[_syntax(statement) for statement in statements], files]).encode())


def _syntax(node: Any) -> Any:
    """A syntax tree as plain lists, the same for every version of Python; without docstrings and words for people."""
    if isinstance(node, list):
        return [_syntax(one) for one in node if not is_docstring(one) and not _is_words(one)]
    if isinstance(node, ast.AST):
        fields = [[name, _syntax(value)] for name, value in ast.iter_fields(node) if name not in UNSEEN]
        return [type(node).__name__, [field for field in fields if field[1] not in ("None", [])]]
    return repr(node)


def _is_words(node: Any) -> bool:
    return isinstance(node, ast.keyword) and node.arg == WORDS


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
