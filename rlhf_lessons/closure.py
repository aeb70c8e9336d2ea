"""Which definitions of the package a function reaches, read off the sources with `ast`, nothing imported.

From a definition to the names used in it, from each name through the imports to the definition behind it, and on until
nothing new is found.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

PACKAGE = "rlhf_lessons"
ROOT = Path(__file__).parent
AT_IMPORT = "<at import>"  # stands for the statements of a module that bind no name
NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)

Dotted = tuple[str, ...]  # a.b.c as ("a", "b", "c")


class Definition(NamedTuple):
    """A name at the top level of a module."""

    module: str
    name: str


Meanings = dict[str, list["Definition | str"]]  # dotted name -> definitions of the package, or a library's name


def closure_of(starts: tuple[Definition, ...], root: Path) -> dict[Definition, Meanings]:
    """Every definition that is reached, in the order of discovery, with what the names in it stand for.

    Raises KeyError for a start that its module does not define.
    """
    found: dict[Definition, Meanings] = {}
    queue = list(starts)
    for definition in queue:  # which grows on the way
        if definition not in found:
            found[definition] = meanings(definition, root)
            queue += [target for targets in found[definition].values() for target in targets if is_definition(target)]
    return found


@cache
def meanings(definition: Definition, root: Path) -> Meanings:
    """What each name used in a definition stands for. Raises KeyError if its module does not define it."""
    module = module_of(definition.module, root)
    used = set().union(*map(_names_used, module.bindings[definition.name]))
    named = {".".join(name): list(_resolve(module, name, root)) for name in sorted(used)}
    return named | ({AT_IMPORT: [Definition(module.name, AT_IMPORT)]} if AT_IMPORT in module.bindings else {})


class Module:
    """A source file of the package: its top-level statements by the names they bind, and what it imports."""

    def __init__(self, name: str, path: Path):
        self.name, self.path = name, path
        self.bindings: dict[str, list[ast.stmt]] = {}
        self.imports: dict[str, Dotted] = {}  # local name -> what it stands for
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            self.imports |= _imports(statement, name, path)
            if isinstance(statement, ast.Import | ast.ImportFrom) or is_docstring(statement):
                continue
            for bound in _bound(statement) or [AT_IMPORT]:
                self.bindings.setdefault(bound, []).append(statement)


@cache
def module_of(name: str, root: Path) -> Module:
    return Module(name, _file(name, root) or root / "__init__.py")


def _file(name: str, root: Path) -> Path | None:
    """The source file of a module of the package; None if there is no such module."""
    package, *parts = name.split(".")
    if package != PACKAGE:
        return None
    place = root.joinpath(*parts)
    choices = (place / "__init__.py", place.with_suffix(".py")) if parts else (root / "__init__.py",)
    return next((path for path in choices if path.exists()), None)


def _resolve(module: Module, name: Dotted, root: Path) -> Iterator[Definition | str]:
    """What a dotted name in a module stands for: definitions of the package, or the name of something of a library."""
    first, *rest = name
    if first in module.bindings:
        yield Definition(module.name, first)
    elif first in module.imports:
        yield from _look_up((*module.imports[first], *rest), root)
    elif first == PACKAGE:  # an import inside a function: `_names_used` gives it in full
        yield from _look_up(name, root)


def _look_up(full: Dotted, root: Path) -> Iterator[Definition | str]:
    parts = list(full)
    while parts and _file(".".join(parts), root) is None:
        parts.pop()
    if not parts:
        yield ".".join(full)  # of a library
        return
    module, rest = module_of(".".join(parts), root), full[len(parts) :]
    if rest:
        yield from _resolve(module, rest, root)
    else:  # the module itself is handed on, so anything in it may be used
        yield from (Definition(module.name, bound) for bound in module.bindings)


def _imports(tree: ast.AST, module: str, path: Path) -> dict[str, Dotted]:
    """The names that import statements in `tree` bind, functions left out, and what each stands for."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    found: dict[str, Dotted] = {}
    for node in _own_scope(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = tuple(
                    alias.name.split(".") if alias.asname else alias.name.split(".")[:1]
                )
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            source = [*start, *(node.module.split(".") if node.module else [])]
            found |= {alias.asname or alias.name: (*source, alias.name) for alias in node.names}
    return found


def _own_scope(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of `tree` that share its scope: not those inside a function or class in it."""
    yield tree
    if not isinstance(tree, NESTED):
        for child in ast.iter_child_nodes(tree):
            yield from _own_scope(child)


def _bound(statement: ast.stmt) -> list[str]:
    """The names that a top-level statement binds or changes: `a = 1`, `def a`, and also `a["key"] = 1`."""
    names = []
    for node in _own_scope(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names += _root(node)
    return list(dict.fromkeys(names))


def _root(node: ast.expr) -> list[str]:
    """The name that `a.b["c"].d` starts with, if it starts with one."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return [node.id] if isinstance(node, ast.Name) else []


def _dotted(node: ast.expr) -> Dotted | None:
    """`a.b.c` as ("a", "b", "c"); None for anything else."""
    if isinstance(node, ast.Name):
        return (node.id,)
    start = _dotted(node.value) if isinstance(node, ast.Attribute) else None
    return (*start, node.attr) if start and isinstance(node, ast.Attribute) else None


def _names_used(tree: ast.AST, local: frozenset[str] = frozenset()) -> set[Dotted]:
    """The dotted names in `tree` that are not bound by a function around them. Imports in functions come in full."""
    if isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return _names_in_function(tree, local)
    if isinstance(tree, ast.Attribute | ast.Name) and (name := _dotted(tree)):
        is_assigned = isinstance(tree, ast.Name) and isinstance(tree.ctx, ast.Store)
        return set() if is_assigned or name[0] in local else {name}
    return set().union(*(_names_used(child, local) for child in ast.iter_child_nodes(tree)))


def _names_in_function(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, local: frozenset[str]) -> set:
    arguments = function.args
    outside = [*arguments.defaults, *filter(None, arguments.kw_defaults)]
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    parameters += [one for one in (arguments.vararg, arguments.kwarg) if one]
    outside += [one.annotation for one in parameters if one.annotation]
    body: list[ast.AST] = [function.body] if isinstance(function, ast.Lambda) else list(function.body)
    if not isinstance(function, ast.Lambda):
        outside += [*function.decorator_list, *([function.returns] if function.returns else [])]
    own = {one.arg for one in parameters}
    imported: set[Dotted] = set()
    for node in body:
        for inner in _own_scope(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                own.add(inner.id)
            elif isinstance(inner, ast.FunctionDef | ast.ClassDef):
                own.add(inner.name)
            elif isinstance(inner, ast.Import | ast.ImportFrom):
                imported |= set(_imports(inner, PACKAGE, Path()).values())
    inside = local | own
    found = [_names_used(node, inside) for node in body] + [_names_used(node, local) for node in outside]
    return set().union(*found, imported)


def data_files(statements: Iterable[ast.stmt], module: Module) -> list[Path]:
    """The files beside the module that its statements name."""
    texts = {node.value for one in statements for node in ast.walk(one) if isinstance(node, ast.Constant)}
    names = sorted(text for text in texts if isinstance(text, str) and "." in text and "/" not in text)
    paths = (module.path.parent / name for name in names if len(name) < 100 and "\0" not in name)
    return [path for path in paths if path.suffix not in {"", ".py"} and path.is_file()]


def is_definition(target: "Definition | str") -> TypeGuard[Definition]:
    """Whether a name stands for something of the package."""
    return isinstance(target, Definition)


def is_docstring(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
