"""Every command in README, TEACHING and CONTRIBUTING is run by a test: here, or by one that is named here."""

import inspect
import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rlhf_lessons.cli import app
from rlhf_lessons.diagnostics.logs.seed_log import LOG
from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.pipeline import SFTPlan, Trained
from rlhf_lessons.stages.history import History
from rlhf_lessons.sweeps import quality
from tools import browser, simulated_logs

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "TEACHING.md", "CONTRIBUTING.md")
PROGRAMS = ("make", "rlhf-lessons", "python", "pip", "conda", "unzip", "pre-commit")
BLOCK = re.compile(r"^```(?:bash|console|sh)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")

# Commands that take long, or have a test of their own: where they are run, and by which word that place names them.
# A part of the Makefile has to name it, too.
ELSEWHERE = {
    "make": (".ci/run", "make environment"),  # of a clean checkout: `make test` sets everything up first
    "make test": (".ci/run", "test check"),
    "make check": (".ci/run", "test check"),
    **dict.fromkeys(("make units", "make labs"), ("Makefile", "test: units labs")),
    "make lab": ("tests/test_make_lab.py::test_it_serves_the_first_notebook_at_the_address_it_prints", "lab.py"),
    'make lab LAB_ARGS="--ip 0.0.0.0"': (
        "tests/test_make_lab.py::test_jupyterlab_gets_what_the_machine_needs_and_the_user_did_not_say",
        "lab.arguments",
    ),
    "make course": ("tests/test_cli.py::test_course_passes", "course"),
    "make verify": (
        "tests/test_verify.py::test_a_difference_ends_the_program_with_1_and_pages_are_written",
        "verify.main",
    ),
    **dict.fromkeys(
        ("make notebooks NAMES=NAME", 'make notebooks NAMES="06_ppo 07_over_optimisation"'),
        ("tests/test_build_notebooks.py::test_a_build_keeps_outputs_and_no_trace_of_the_machine", "build_notebooks"),
    ),
    **dict.fromkeys(
        ("rlhf-lessons run 06 -p seed 3", "rlhf-lessons run 06 -p seed 3 -p kl_coef 0.2"),
        ("tests/test_cli.py::test_run_keeps_the_run_under_its_parameters", '"06", "-p", "seed", "3"'),
    ),
    "rlhf-lessons examine --model DIR --pairs FILE": (
        "tests/integrations/test_hugging_face.py::test_the_command_says_what_it_found_and_ends_with_its_code",
        '"examine", "--model"',
    ),
    "make book": ("tests/test_book.py::test_nothing_is_fetched_and_every_link_leads_somewhere", "book"),
    "make slides": ("tests/test_book.py::test_slides_show_each_section_and_no_code_but_exercises", "slides"),
    "rlhf-lessons grade FOLDER": (
        "tests/test_grading.py::test_twelve_submissions_give_a_table_of_twelve",
        '"grade"',
    ),
    "rlhf-lessons progress": (
        "tests/test_progress.py::test_the_command_shows_the_table_and_how_near_predictions_were",
        '"progress"',
    ),
    "rlhf-lessons run 06 --grid kl_coef=0,0.05,0.2 --grid seed=0..9": (
        "tests/test_grids.py::test_the_command_runs_every_combination_and_says_where_the_table_is",
        "--grid kl_coef=0,0.05,0.2 --grid seed=0..9",
    ),
    **dict.fromkeys(
        ("rlhf-lessons warm", "rlhf-lessons warm --all"),
        ("tests/test_shared.py::test_once_the_cache_is_warm_a_learner_trains_nothing", '"warm"'),
    ),
    "rlhf-lessons export dpo --to my-dpo": (
        "tests/integrations/test_hand_over.py::test_the_commands_say_what_they_wrote_and_found",
        '"export", "rloo"',
    ),
    "rlhf-lessons import my-dpo/trained": (
        "tests/integrations/test_hand_over.py::test_the_commands_say_what_they_wrote_and_found",
        '"import"',
    ),
    "rlhf-lessons progress --forget": ("tests/test_progress.py::test_forgetting_asks_first", '"--forget"'),
}
# conda is not on the machines that test; tests/test_environment.py holds its file to pyproject.toml. `make real`
# installs a model, and works with it for minutes: its parts are tests/real and notebook 10, which run without one too.
NOT_RUN = {"conda env create -f environment.yml", "make real"}
HERE: set[str] = set()


def here(*commands: str) -> tuple[str, ...]:
    """Enter the commands that a test of this file runs."""
    HERE.update(commands)
    return commands


def commands(page: str) -> Iterator[str]:
    """The commands of a page: in blocks, where one line that is a command makes commands of all, and within lines."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in BLOCK.findall(text):
        lines = [bare(line) for line in block.splitlines()]
        if any(line.split()[:1] and line.split()[0] in PROGRAMS for line in lines):
            yield from filter(None, lines)
    for code in map(bare, INLINE.findall(BLOCK.sub("", text))):
        if " " in code and code.split()[0] in PROGRAMS:
            yield code


def bare(line: str) -> str:
    """A command without its comment and without the folder of the environment."""
    return re.sub(r"\s+#.*", "", line).strip().removeprefix("$ ").replace(".venv/bin/", "")


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_run_by_a_test(page):
    found = set(commands(page))
    assert found and found - HERE - ELSEWHERE.keys() - NOT_RUN == set()


def test_no_command_is_listed_that_no_page_has():
    found = {command for page in PAGES for command in commands(page)}
    assert (HERE | ELSEWHERE.keys() | NOT_RUN) - found == set()


@pytest.mark.parametrize("command", ELSEWHERE)
def test_the_place_that_runs_a_command_exists_and_names_it(command):
    place, word = ELSEWHERE[command]
    file, _, test = place.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert f"def {test}" in text if test else True
    assert word in text
    program, *target = command.split()
    if program == "make" and file.startswith("tests/"):
        recipe = re.search(rf"^{target[0]}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert recipe and word.partition(".main")[0].partition(".arguments")[0] in recipe[1]


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Runs a command of the course's program in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda command: CliRunner().invoke(app, shlex.split(command)[1:])


@pytest.mark.parametrize("command", here("rlhf-lessons explain RM003", "rlhf-lessons cache"))
def test_a_command_that_only_tells_ends_well(command, program):
    result = program(command)
    assert result.exit_code == 0 and result.stdout


@pytest.mark.parametrize("command", here("rlhf-lessons diagnose my.log", "rlhf-lessons diagnose FILE"))
def test_a_log_of_the_readers_own_is_diagnosed(command, program):
    shutil.copy(LOG, Path(command.split()[-1]))
    result = program(command)
    assert result.exit_code == 1 and "Ready for PPO: no" in result.stdout


SWEEPS = here(*(f"rlhf-lessons sweep {name}" for name in ("over-optimisation", "method-search", "methods")))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends the signals of POSIX")
@pytest.mark.parametrize("command", SWEEPS)
def test_a_sweep_starts_and_ctrl_c_stops_it(command, tmp_path):
    words = [sys.executable, "-m", "rlhf_lessons.cli", *shlex.split(command)[1:]]
    home = os.environ | {"RLHF_LESSONS_HOME": str(tmp_path)}
    sweep = subprocess.Popen(words, cwd=ROOT, env=home, stderr=subprocess.PIPE, text=True, bufsize=1)
    shown = ""
    while "runs:   0%" not in shown and sweep.poll() is None:
        shown += sweep.stderr.read(1)
    sweep.send_signal(signal.SIGINT)
    _, rest = sweep.communicate(timeout=60)
    assert sweep.returncode == 130, shown + rest
    assert "interrupted; finished runs are kept, and the same command goes on from there\n" in rest
    assert "Traceback" not in rest, rest


def as_main(command: str, monkeypatch) -> int | str | None:
    """Run `python -m tools.x ...` in this process; returns what it ended with."""
    _, _, module, *words = shlex.split(command)
    name = f"{module}.__main__" if (ROOT / module.replace(".", "/")).is_dir() else module
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "argv", [module, *words])
    try:
        runpy.run_module(name, run_name="__main__")
    except SystemExit as end:
        return end.code
    return 0


@pytest.mark.parametrize("command", here("python -m tools.minutes"))
def test_the_minutes_are_printed(command, monkeypatch, capsys):
    assert as_main(command, monkeypatch) == 0
    assert capsys.readouterr().out.count("\n| 0") == 10


@pytest.mark.slow
@pytest.mark.parametrize("command", here("python -m tools.simulated_logs --held-out"))
def test_the_rates_are_measured_on_one_run_of_each_kind(command, monkeypatch, capsys):
    monkeypatch.setattr(
        simulated_logs, "KINDS", {name: replace(kind, runs=1) for name, kind in simulated_logs.KINDS.items()}
    )
    assert as_main(command, monkeypatch) == 0
    printed = capsys.readouterr().out
    assert all(f"| {name} | 1 |" in printed for name in simulated_logs.KINDS)


MEASURE, DRAW = here("rlhf-lessons quality", "python -m tools.draw_figures")


@pytest.mark.slow
def test_quality_is_measured_and_drawn(program, tiny, tmp_path, monkeypatch):
    """With untrained models, and without a browser to photograph the labs."""

    def ensure(stage: str, seed: int = 0) -> Trained:
        model: GPT | RewardModel = RewardModel.from_policy(tiny, head_init_scale=1.0) if stage == "reward" else tiny
        return Trained(stage, model, History(), SFTPlan(), Key(stage, {}, "0" * 16), 0.0, True)

    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(quality, "ensure", ensure)
    monkeypatch.setattr(quality, "N_PAIRS", 20)
    monkeypatch.setattr(quality, "N_EACH", quality.BEST_OF)
    result = program(MEASURE)
    assert result.exit_code == 0 and "ppo_safe" in result.stdout
    monkeypatch.setattr(browser, "find_browser", lambda: None)
    copied = shutil.copy(ROOT / "tools" / "draw_figures.py", (tmp_path / "tools").mkdir() or tmp_path / "tools")
    monkeypatch.setattr(sys, "argv", shlex.split(DRAW)[2:])
    with pytest.raises(SystemExit, match="no browser"):
        runpy.run_path(copied, run_name="__main__")
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    assert drawn == {"pipeline.png", "over_optimisation.png", "methods.png"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "some"),
    list(
        zip(
            here("make quick", "make bench"),
            ("--noconftest tests/test_plain_words.py", "-k drawing_tokens"),
            strict=True,
        )
    ),
)
def test_a_target_that_tests_runs_some_of_its_tests(command, some, tmp_path):
    (tmp_path / ".installed").touch()
    variables = [f"INSTALLED={tmp_path}/.installed", f"BIN={Path(sys.executable).parent}", "WORKERS=0"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_CORE"))}
    result = subprocess.run(
        [*shlex.split(command), *variables],
        cwd=ROOT, env=inherited | {"PYTEST_ADDOPTS": f"-p no:nbval {some}"}, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0 and " passed" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("command", here("unzip -p rlhf_lessons/sweeps/kept/over_optimisation.zip label.json"))
def test_the_label_of_kept_results_is_shown(command):
    if not shutil.which("unzip"):
        pytest.skip("no unzip here")
    shown = subprocess.run(shlex.split(command), cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 0 and '"seeds"' in shown.stdout


@pytest.mark.parametrize("command", here("pre-commit install"))
def test_the_hook_is_installed(command, tmp_path):
    if not (git := shutil.which("git")):
        pytest.skip("no git here")
    subprocess.run([git, "init", "--quiet", tmp_path], check=True)
    shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
    words = [sys.executable, "-m", *shlex.split(command.replace("-", "_", 1))]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / ".git" / "hooks" / "pre-commit").exists()


def wheel(folder: str, name: str, more: str = "") -> str:
    """Write the smallest package that pip installs; returns the name of its file."""
    file, metadata = f"{name}-0-py3-none-any.whl", f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n{more}"
    with zipfile.ZipFile(f"{folder}/{file}", "w") as archive:
        for part, text in {
            "METADATA": metadata,
            "WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
            "RECORD": "",
        }.items():
            archive.writestr(f"{name}-0.dist-info/{part}", text)
    return file


BACKEND = f"""import zipfile
{inspect.getsource(wheel)}
def build_editable(folder, *_):
    extras = "".join(f"Provides-Extra: {{extra}}\\n" for extra in ("test", "dev", "book", "scale"))
    return wheel(folder, "course", "Requires-Dist: small\\n" + extras)
"""
PROJECT = """[project]
name = "course"
version = "0"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


FREEZE, DOWNLOAD, INSTALL = here(
    "python -m pip freeze --exclude-editable > wheels.txt",
    "python -m pip download --dest wheelhouse -r wheels.txt editables",
    'make PIP_ARGS="--no-index --find-links wheelhouse"',
)


@pytest.mark.slow
def test_a_stick_with_wheels_sets_up_a_course_without_a_network(tmp_path):
    """A course of two packages in place of 170, by the same commands and the Makefile's own recipe."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "tools").mkdir(), shutil.copy(ROOT / "tools" / "torch_build.py", tmp_path / "tools")
    (tmp_path / "pyproject.toml").write_text(PROJECT), (tmp_path / "backend.py").write_text(BACKEND)
    for name in ("small", "editables"):
        wheel(str(tmp_path), name)
    offline = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    offline |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PYTHON": sys.executable}

    def run(command: str, **more: str) -> None:
        words = command.replace("python", shlex.quote(sys.executable), 1)
        done = subprocess.run(words, shell=True, cwd=tmp_path, env=offline | more, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    run(FREEZE)
    assert "torch==" in (tmp_path / "wheels.txt").read_text()
    (tmp_path / "wheels.txt").write_text("small==0\n")
    run(DOWNLOAD, PIP_FIND_LINKS=str(tmp_path))
    assert len(list((tmp_path / "wheelhouse").iterdir())) == 2
    run(INSTALL)
    packages = {path.name for path in (tmp_path / ".venv").rglob("*.dist-info")}
    assert {"small-0.dist-info", "course-0.dist-info"} <= packages
