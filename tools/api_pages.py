"""A reference of the package, read from its source: pages of Markdown for the book, one for each package.

Nothing is imported, and signatures stand as they are written: autodoc would spell out every alias of a type.
"""

import ast
import re
from pathlib import Path

# In docstrings an argument, an equation, what is returned and what is raised begin a line of their own.
BREAK = re.compile(r"(?<=[^\n])\n(?= *(?:[\w, {}+]+(?: \([^)]*\))?(?::| =) |Returns |Raises ))")
Definition = ast.FunctionDef | ast.ClassDef


def package_page(package: Path, root: Path) -> str:
    """The page of the package in the folder `package`, under `root`: all its modules with what is public in them."""
    name = ".".join(package.relative_to(root).parts)
    modules = sorted(path for path in package.glob("*.py") if not path.stem.startswith("_"))
    parts = [f"# {name}", _docstring(_parse(package / "__init__.py"))]
    return "\n\n".join([*parts, *(_module(path, name) for path in modules)]) + "\n"


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _docstring(node: ast.Module | Definition) -> str:
    return BREAK.sub(r"\\\n", ast.get_docstring(node) or "")


def _module(path: Path, package: str) -> str:
    tree = _with_full_names(_parse(path), f"{package}.{path.stem}")
    heading = f"## {path.stem}\n\n```{{py:currentmodule}} {package}.{path.stem}\n```"
    return "\n\n".join([heading, _docstring(tree), *map(_function_or_class, _public(tree))])


def _with_full_names(tree: ast.Module, module: str) -> ast.Module:
    """In annotations, call the package's own classes by their full names: two of them may have one short name."""
    package, _, _ = module.partition(".")
    names = {node.name: f"{module}.{node.name}" for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(package):
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    for part in ast.walk(tree):
        for annotation in filter(None, (getattr(part, "annotation", None), getattr(part, "returns", None))):
            for name in ast.walk(annotation):
                if isinstance(name, ast.Name):
                    name.id = names.get(name.id, name.id)
    return tree


def _public(tree: ast.Module | ast.ClassDef) -> list[Definition]:
    return [node for node in tree.body if isinstance(node, Definition) and not node.name.startswith("_")]


def _function_or_class(node: Definition) -> str:
    if isinstance(node, ast.FunctionDef):
        return _entry("function", node.name + _call(node), node)
    fields = [ast.unparse(line).replace(" = ", "=") for line in node.body if isinstance(line, ast.AnnAssign)]
    return _entry("class", node.name + (f"({', '.join(fields)})" if fields else ""), node)


def _method(node: Definition) -> str:
    if isinstance(node, ast.FunctionDef) and "property" in map(ast.unparse, node.decorator_list):
        kind = f"\n:type: {ast.unparse(node.returns)}" if node.returns else ""
        return _entry("property", node.name + kind, node)
    return re.sub(r"\(self(, )?", "(", _function_or_class(node).replace("{py:function}", "{py:method}", 1), count=1)


def _call(node: ast.FunctionDef) -> str:
    return f"({ast.unparse(node.args)})" + (f" -> {ast.unparse(node.returns)}" if node.returns else "")


def _entry(kind: str, signature: str, node: Definition) -> str:
    """A directive of Sphinx's Python domain, and inside that of a class its public methods."""
    inside = [_method(method) for method in _public(node)] if isinstance(node, ast.ClassDef) else []
    fence = "::::" if kind == "class" else ":::"
    return "\n\n".join([f"{fence}{{py:{kind}}} {signature}", _docstring(node), *inside, fence])
