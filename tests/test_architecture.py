"""Imports run one way, never in a circle, and no trainer can see the truth: all read off the source with `ast`."""

import ast
import sys
from pathlib import Path

import pytest

import rlhf_lessons

PACKAGE = "rlhf_lessons"
# Top to bottom: a room may import from its own layer and from those under it.
LAYERS = [
    (
        "cli",
        "course",
        "log_commands",
        "teaching_commands",
        "scale_commands",
        "hand_over_commands",
        "terminal",
        "grading",
        "grid_commands",
        "grid_runs",
        "grids",
        "progress_table",
        "plain_words",
        "reports",
        "reruns",
        "run_files",
        "kernels",
        "warming",
        "labs",
        "exercises",
        "questions",
        "integrations",
        "real",
    ),
    ("plots", "export", "tables", "scale_costs"),
    ("sweeps", "cache"),
    ("pipeline",),
    ("store", "parcels", "progress", "diagnostics", "evaluation"),
    ("world",),  # above the trainers, who learn from tensors: they import nothing of the pharmacy
    ("stages", "program_one", "bag_of_words"),
    ("model",),
    ("objectives", "statistics"),
    ("knobs", "devices", "scales", "messages", "closure", "keys", "files", "sealed", "locks", "refusals"),
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
RUBRIC = f"{PACKAGE}.world.rubric"
SEES_RUBRIC = (
    f"{PACKAGE}.world.annotators",
    f"{PACKAGE}.world.verifier",
    f"{PACKAGE}.evaluation",
    f"{PACKAGE}.diagnostics",
)
TRAINERS = (f"{PACKAGE}.stages", f"{PACKAGE}.program_one", f"{PACKAGE}.bag_of_words")


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def module_name(path: Path, root: Path) -> str:
    parts = (PACKAGE, *path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def names_imported(path: Path, module: str) -> set[str]:
    """Every dotted name that a file imports, wherever in the file; `from a import b` gives a and a.b."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*start, *filter(None, [node.module])])
            names |= {source, *(f"{source}.{alias.name}" for alias in node.names)}
    return names


def read_imports(root: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """For each module under root: the modules of the package it loads, and the libraries it loads."""
    files = {module_name(path, root): path for path in root.rglob("*.py")}
    inside, outside = {}, {}
    for module, path in files.items():
        names = names_imported(path, module)
        # Python loads a module's parents first, so their imports count as well.
        parents = {
            ".".join(parts[:n]) for parts in (m.split(".") for m in (*names, module)) for n in range(1, len(parts))
        }
        inside[module] = {name for name in names | parents if name in files} - {module}
        outside[module] = {name.split(".")[0] for name in names} - {PACKAGE}
    return inside, outside


def reachable(start: str, imports: dict[str, set[str]]) -> set[str]:
    """All that a module imports, and all that these import, and so on; the module itself only if in a circle."""
    reached, waiting = set(), list(imports[start])
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting.extend(imports[module])
    return reached


def violations(root: Path) -> list[str]:
    """One sentence for each import under root that the architecture does not allow."""
    inside, outside = read_imports(root)
    return [
        *layer_violations(inside),
        *circles(inside),
        *library_violations(outside),
        *rubric_violations(inside),
    ]


def layer_violations(imports: dict[str, set[str]]) -> list[str]:
    found = []
    for module, targets in sorted(imports.items()):
        if module == PACKAGE:
            found += [f"{module} imports {target}: the package itself imports nothing" for target in targets]
            continue
        own = module.split(".")[1]
        if own not in LEVEL:
            found.append(f"{module} is in no layer")
            continue
        for target in sorted(targets - {PACKAGE}):
            if LEVEL.get(target.split(".")[1], len(LAYERS)) < LEVEL[own]:
                found.append(f"{module} imports {target}, which is above it")
    return found


def circles(imports: dict[str, set[str]]) -> list[str]:
    # A package may gather names of its own modules in its __init__, which Python loads before each of them.
    to_others = {module: {name for name in names if not is_within(module, name)} for module, names in imports.items()}
    reached = {module: reachable(module, to_others) for module in imports}
    found = {frozenset(m for m in reached[module] if module in reached[m]) for module in imports}
    return [f"{' and '.join(sorted(circle))} import each other" for circle in found if circle]


def library_violations(libraries: dict[str, set[str]]) -> list[str]:
    allowed = {"torch", *sys.stdlib_module_names}
    return [
        f"{module} imports {library}: objectives import torch only"
        for module, names in sorted(libraries.items())
        if is_within(module, f"{PACKAGE}.objectives")
        for library in sorted(names - allowed)
    ]


def rubric_violations(imports: dict[str, set[str]]) -> list[str]:
    found = [
        f"{module} imports the rubric"
        for module, targets in sorted(imports.items())
        if RUBRIC in targets and not any(is_within(module, package) for package in SEES_RUBRIC)
    ]
    for module in sorted(imports):
        if any(is_within(module, trainer) for trainer in TRAINERS) and RUBRIC in reachable(module, imports):
            found.append(f"{module} reaches the rubric")
    return found


def test_imports_run_one_way_and_no_trainer_sees_the_rubric():
    assert violations(Path(rlhf_lessons.__file__).parent) == []


def plant(root: Path, files: dict[str, str]) -> Path:
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return root


ALLOWED = {
    "__init__.py": "",
    "knobs.py": "import pydantic",
    "objectives/__init__.py": "",
    "objectives/kl.py": "import math\nimport torch\nfrom rlhf_lessons import knobs",
    "world/__init__.py": "",
    "world/rubric.py": "",
    "world/annotators.py": "from rlhf_lessons.world import rubric",
    "world/datasets.py": "from rlhf_lessons.model.sequences import pad",
    "model/__init__.py": "",
    "model/sequences.py": "import torch",
    "stages/__init__.py": "",
    "stages/ppo.py": "from rlhf_lessons.objectives.kl import x\nfrom rlhf_lessons.model.sequences import y",
    "evaluation/scorecard.py": "from ..world.rubric import grade",
    "plots/__init__.py": "from rlhf_lessons.plots.style import Picture",
    "plots/style.py": "from rlhf_lessons import plots",
    "cli.py": "import rlhf_lessons.reruns",
    "reruns.py": "from rlhf_lessons import pipeline",
    "pipeline.py": "from rlhf_lessons.evaluation import scorecard",
}


def test_a_tree_in_order_passes(tmp_path):
    assert violations(plant(tmp_path, ALLOWED)) == []


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("stages/ppo.py", "from rlhf_lessons.world.datasets import encode", "stages.ppo imports rlhf_lessons.world"),
        ("model/sequences.py", "from rlhf_lessons import world", "model.sequences imports rlhf_lessons.world"),
        ("objectives/kl.py", "from rlhf_lessons.world import datasets", "objectives.kl imports rlhf_lessons.world"),
        ("program_one.py", "from .world import datasets", "program_one imports rlhf_lessons.world"),
        ("world/rubric.py", "from . import annotators", "world.annotators and rlhf_lessons.world.rubric import each"),
        ("knobs.py", "from .objectives import kl", "knobs and rlhf_lessons.objectives.kl import each other"),
        ("evaluation/scorecard.py", "import rlhf_lessons.cli", "pipeline and rlhf_lessons.reruns import each other"),
        ("stages/ppo.py", "def f():\n    import rlhf_lessons.pipeline", "stages.ppo imports rlhf_lessons.pipeline"),
        ("stages/ppo.py", "from .. import cli", "stages.ppo imports rlhf_lessons.cli"),
        ("stages/ppo.py", "from ..evaluation import scorecard", "stages.ppo reaches the rubric"),
        (
            "objectives/kl.py",
            "import numpy.linalg",
            "objectives.kl imports numpy: objectives import torch only",
        ),
        ("labs/ppo.py", "from rlhf_lessons.world.rubric import grade", "labs.ppo imports the rubric"),
        ("world/datasets.py", "from . import rubric", "world.datasets imports the rubric"),
        ("objectives/kl.py", "from rlhf_lessons.evaluation import scorecard", "stages.ppo reaches the rubric"),
        ("model/__init__.py", "from ..world.annotators import label", "stages.ppo reaches the rubric"),
        ("program_one.py", "import rlhf_lessons.world.rubric as r", "program_one reaches the rubric"),
        ("helpers.py", "", "helpers is in no layer"),
        ("__init__.py", "from rlhf_lessons import knobs", "the package itself imports nothing"),
    ],
)
def test_a_planted_violation_is_found(tmp_path, name, source, expected):
    found = violations(plant(tmp_path, {**ALLOWED, name: source}))
    assert any(expected in sentence for sentence in found), found
