"""`make verify`: a wrong figure is found, and a right one agrees. Only what it parses and judges; it trains nothing."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from rlhf_lessons.diagnostics.findings import Diagnosis, Finding
from rlhf_lessons.sweeps.policy_runs import Condition
from tools.simulated_logs import KINDS
from tools.simulated_logs.rates import measure
from tools.verify import __main__ as verify
from tools.verify import faults, figures, notebooks, readme, report, simulated
from tools.verify.rows import (
    AGREES,
    DIFFERS,
    EQUAL,
    Row,
    compare,
    numbers,
    promise,
    spread_of_extreme,
    spread_of_mean,
    within,
)

README = readme.README.read_text(encoding="utf-8")
SMALL_README = """
## Results

Words before.

| what | mean | range |
|---|---|---|
| SFT | 83.1 % | 78.9 to 87.3 % |
| PPO | 97.5 % | 96.7 to 98.5 % |

## Next

| other | table |
|---|---|
| a | 1 |
"""


def printed(cell_id: str, *texts: str) -> NotebookNode:
    outputs = [new_output("stream", name="stdout", text=text) for text in texts]
    return new_code_cell("1", id=cell_id, outputs=outputs)


def notebook(*cells: NotebookNode) -> NotebookNode:
    return new_notebook(cells=list(cells))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("safe 83.1% (81.2 % to 85.2 %), KL 0.4", [83.1, 81.2, 85.2, 0.4]),
        ("-36.2% and +5.9%, from -1.96", [-36.2, 5.9, -1.96]),
        ("pairs_200 of C26, H1a: 16,000 pairs in [1, 56]", [16000, 1, 56]),
        ("rate 1e-3; 20-30 pairs, seeds 0, 1", [0.001, 20, 30, 0, 1]),
        ("no number, nan", []),
    ],
)
def test_numbers_are_read_out_of_words(text, values):
    assert [number.value for number in numbers(text)] == values


@pytest.mark.parametrize(
    ("remade", "verdict"), [(83.14, EQUAL), (83.2, AGREES), (81.2, AGREES), (85.2, DIFFERS), (80.9, DIFFERS)]
)
def test_a_figure_is_equal_to_the_printed_digit_or_lies_within_its_spread(remade, verdict):
    row = compare("README", "SFT", "83.1 %", remade, allowed=2.0, judged_by="seeds")
    assert (row.quoted, row.verdict) == ("83.1 %", verdict)


def test_the_difference_is_told_in_the_quoted_digits():
    row = compare("README", "SFT", "83.1 %", 80.0, allowed=2.0, judged_by="seeds")
    assert (row.remade, row.difference) == ("80.0 %", "-3.1")


def test_kept_tables_must_agree_to_the_digit():
    assert within("README", "cases", "617", 617, 617, 617, "a count").verdict == EQUAL
    assert compare("README", "PPO", "97.4 %", 97.46, 0, "exact").verdict == DIFFERS


def test_what_holds_no_number_is_refused():
    with pytest.raises(ValueError, match="quoted: 'many' is not allowed; it must hold a number"):
        compare("README", "SFT", "many", 1.0, 0, "exact")


@pytest.mark.parametrize(("value", "verdict"), [(0.96, AGREES), (0.959, DIFFERS)])
def test_a_promise_holds_or_not(value, verdict):
    row = promise("C21", "PPO", "{:.1%}", value, low=0.96)
    assert (row.quoted, row.verdict) == ("at least 96.0%", verdict)


def test_spreads_are_four_standard_deviations():
    values = [1.0, 2.0, 3.0, 4.0, 5.0]  # variance 2.5
    assert spread_of_extreme(values) == pytest.approx(4 * 2.5**0.5)
    assert spread_of_mean(values) == pytest.approx(4 * (2.5 / 5 + 2.5 / 5) ** 0.5)


def test_a_table_is_read_from_under_its_heading():
    found = readme.table(SMALL_README, "Results", ["SFT", "PPO"])
    assert found == {"SFT": ["83.1 %", "78.9 to 87.3 %"], "PPO": ["97.5 %", "96.7 to 98.5 %"]}
    with pytest.raises(ValueError, match="'Results' has other rows than verify knows: DPO"):
        readme.table(SMALL_README, "Results", ["SFT", "PPO", "DPO"])
    with pytest.raises(ValueError, match="'Nowhere' has no table"):
        readme.table(SMALL_README, "Nowhere")


def test_verify_finds_all_that_it_looks_for_in_the_readme():
    readme.table(README, readme.STAGES, figures.STAGES)
    readme.table(README, readme.POLICIES, figures.POLICIES)
    readme.table(README, readme.WAYS, figures.WAYS_BY)
    readme.table(README, readme.FAULTS, faults.PLANTED)
    readme.table(README, readme.SIMULATED, simulated.FAMILIES)
    assert notebooks.quoted_minutes(README).keys() == {
        path.name for path in notebooks.list_notebooks(notebooks.NOTEBOOKS)
    }
    for pattern in (readme.PRETRAINED, readme.RANKS, readme.GATE, readme.RUNS):
        readme.sentence(README, pattern)
    with pytest.raises(ValueError, match="no sentence is like"):
        readme.sentence("Nothing.", readme.RUNS)


@pytest.mark.slow
def test_the_readme_quotes_the_kept_tables_to_the_digit_and_a_wrong_digit_is_found():
    rows = figures.policies(re.sub(r"\| SFT, no PPO \| [\d.]+ %", "| SFT, no PPO | 1.0 %", README))
    assert [row.what for row in rows if row.verdict == DIFFERS] == ["SFT, no PPO, mean"]
    rows = figures.ways(re.sub(r"\| safe to act on, % \| [\d.]+", "| safe to act on, % | 1.0", README))
    assert [row.what for row in rows if row.verdict == DIFFERS] == ["ppo, mean"]


@pytest.fixture
def five_seeds(monkeypatch):
    """Stages whose five seeds have the README's means, but for PPO's, and spread by a percentage point or two."""
    quoted = readme.table(README, readme.STAGES, figures.STAGES)
    said = {}
    for stage, cells in quoted.items():
        said |= {column: cell.split(" %")[0] for column, cell in zip(figures.STAGES[stage], cells, strict=True)}
    said |= {column: mean.rstrip("% ") for column, mean in readme.sentence(README, readme.RANKS).items()}
    means = {column: float(mean) / 100 for column, mean in said.items()}
    means["ppo_safe"] -= 0.045
    columns = {name: [mean + 0.01 * (seed - 2) for seed in range(5)] for name, mean in means.items()}
    monkeypatch.setattr(figures, "quality", lambda seeds: pd.DataFrame(columns).assign(ppo_seconds=20.0))
    said = readme.sentence(README, readme.PRETRAINED)
    shares = {"pretrained_greedy": float(said["greedy"].rstrip("% ")) / 100, "pretrained_safe": 0.7}
    monkeypatch.setattr(figures, "pretrained_quality", lambda: shares)


def test_stages_are_held_against_the_readme_and_against_what_was_promised(five_seeds):
    verdict = {row.what: row.verdict for row in figures.stages(README)}
    assert verdict["sft_safe, mean"] == EQUAL
    assert verdict["ppo_safe, mean"] == DIFFERS  # 4.5 points away, and 4.0 are allowed
    assert verdict["PPO policy safe, mean"] == DIFFERS
    assert verdict["pretrained model safe, greedy"] == EQUAL
    assert verdict["pretrained model safe, sampled"] == DIFFERS  # 70 %, over what was promised


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, EQUAL), (0.002, AGREES), (0.2, DIFFERS)])
def test_runs_made_now_are_held_against_the_kept_runs_of_the_same_seeds(monkeypatch, shift, verdict):
    cases = figures.kept.read(figures.over_optimisation.NAME).tables["cases"]

    def like_the_kept_run(condition: Condition, seed: int) -> SimpleNamespace:
        rows = cases[(cases.condition == "full") & (cases.seed == seed)]
        return SimpleNamespace(cases={name: (rows[name] + shift).tolist() for name in figures.LIVE_MEASURES})

    monkeypatch.setattr(figures, "policy_run", like_the_kept_run)
    assert figures.live(["full"], [0, 1])[0].verdict == verdict


def test_cells_are_compared_by_their_numbers(monkeypatch):
    before = notebook(printed("a", "loss 0.50\n"), printed("b", "safe 80%, KL 0.40"), printed("c", "12 pairs"))
    after = notebook(printed("a", "loss  0.50"), printed("b", "safe 85%, KL 0.41"), printed("c", "12 pairs"))
    monkeypatch.setattr(notebooks, "made_with", lambda: {"06": {"threads": 1}})
    together, other = notebooks.compare_notebooks("06", before, after)
    assert (together.what, together.verdict, together.figures) == ("2 of 3 cells, 2 numbers", EQUAL, 2)
    assert (other.where, other.quoted, other.remade) == ("notebook 06, cell 1", "80%", "85%")
    assert (other.difference, other.verdict, other.figures) == ("6.2%", AGREES, 2)


def test_another_number_of_threads_is_said_beside_the_digits(monkeypatch):
    monkeypatch.setattr(notebooks, "made_with", lambda: {"06": {"threads": 2}, "07": {"threads": 1}})
    (row,) = notebooks.compare_notebooks("06", *[notebook(printed("a", "loss 0.50"))] * 2)
    assert row.what == "1 of 1 cells, 1 numbers; built on 2 threads, remade on 1, so that last digits may differ"
    (row,) = notebooks.compare_notebooks("07", *[notebook(printed("a", "loss 0.50"))] * 2)
    assert row.what == "1 of 1 cells, 1 numbers"


def test_only_the_numbers_that_stray_count_as_differing():
    row = notebooks.compare_words("cell", "1.00, 2.00, 80%", "1.00, 2.10, 95%")
    assert (row.quoted, row.remade, row.verdict, row.figures, row.besides) == ("80%", "95%", DIFFERS, 1, 2)


@pytest.mark.parametrize(
    ("quoted", "remade", "verdict"),
    [
        ("safe 80%", "safe 91%", DIFFERS),
        ("loss 4.00", "loss 4.90", AGREES),
        ("loss 4.00", "loss 5.10", DIFFERS),
        ("loss 0.00", "loss 0.05", AGREES),
        ("rate 1e-3", "rate 0.05", AGREES),
        ("1,232 answers", "1,233 answers", DIFFERS),
        ("12 pairs", "12 pairs and 3", DIFFERS),
        ("it helps", "it harms", DIFFERS),
        ("it helps by 2.0", "it harms by 2.0", AGREES),
        ("", "a number: 1", DIFFERS),
    ],
)
def test_a_number_may_stray_so_far_and_none_may_be_lost(quoted, remade, verdict):
    assert notebooks.compare_words("cell", quoted, remade).verdict == verdict


def test_a_cell_whose_words_changed_says_so():
    assert notebooks.compare_words("cell", "it helps by 2.0", "it harms by 2.0").judged_by.endswith("; other words")
    assert not notebooks.compare_words("cell", "it helps by 2.0", "it helps by 2.1").judged_by.endswith("other words")


def test_the_words_of_a_cell_are_those_a_reader_sees():
    progress = new_output("stream", name="stderr", text="99%")
    styled = {"text/plain": "<Styler at 0x7f8a>", "text/html": "<style>a {1}</style><td id='T_12'>drift &lt; 3</td>"}
    table = new_output("execute_result", data=styled)
    picture = new_output("display_data", data={"image/png": "", "text/plain": "Curve to 4.5."})
    cell = new_code_cell("1", outputs=[progress, table, picture])
    assert notebooks.words_of(cell).split() == ["drift", "<", "3", "Curve", "to", "4.5."]


def test_a_number_in_prose_that_no_cell_prints_is_listed():
    prose = new_markdown_cell("Of 20 pairs 35 % are right, the loss is 0.70, the rate 0.01, and 97.3 % is nowhere.")
    cells = printed("a", "accuracy 0.35, loss 0.6958"), new_code_cell("rate = 0.01")
    found = list(notebooks.unprinted(notebook(prose, *cells)))
    assert [(cell, "97.3 %" in words) for cell, words in found] == [(0, True)]


LABEL = report.Label("2026-01-02", "2.9", 2, 61.2)
ROWS = [
    Row("README", "a | b", "1", "1", "0", "seeds", EQUAL, figures=1200),
    Row("README", "b", "1", "2", "+1", "seeds", AGREES),
    Row("06, cell 3", "c", "1", "9", "+8", "seeds", DIFFERS, besides=3),
]


JUNIT = """<testsuites><testsuite>
<testcase name="a"><properties><property name="kills survived" value="{kills}"/>
<property name="hypothesis-statistics" value="of a library"/></properties></testcase>
<testcase name="b"><properties><property name="kills survived" value="5"/></properties></testcase>
<testcase name="c">{fault}</testcase>
</testsuite></testsuites>"""
FAULTS_README = "\n".join(
    ["## Reliability", "| planted | told |", "|---|---|", *(f"| {name} | 15 of 15 |" for name in faults.PLANTED), ""]
)


@pytest.mark.parametrize(
    ("kills", "fault", "verdicts"), [(10, "", [EQUAL]), (9, "", [DIFFERS]), (10, "<failure/>", [EQUAL, DIFFERS])]
)
def test_planted_faults_are_counted_and_a_failed_test_differs(kills, fault, verdicts, monkeypatch):
    page = ElementTree.fromstring(JUNIT.format(kills=kills, fault=fault))
    counts, failed = faults.counted(page)
    monkeypatch.setattr(faults, "run", lambda: (counts | {"faults noticed": 15, "bad inputs refused": 15}, failed))
    rows = faults.planted(FAULTS_README)
    assert [row.verdict for row in rows if row.what == "kills survived" or row.what == "c"] == verdicts


def test_simulated_runs_are_counted_by_family():
    """A reader that calls every run sick, of the first fault that it thinks of: every healthy run is a false alarm."""
    alarm = Diagnosis((Finding("gradient 0", "no gradient"),), "sick", False, state="sick")
    kinds = [replace(KINDS[name], runs=3) for name in ("rm/healthy", "rm/gradient 0", "sft/healthy")]
    found = simulated.counted(measure(lambda _: alarm, kinds, held_out=True))
    assert list(found["reward models"].values()) == [(3, 3), (0, 3), (3, 3)]
    assert list(found["SFT"].values()) == [(3, 3), (0, 0), (0, 0)]


def test_the_page_sums_up_what_was_remade():
    page = report.page(ROWS, ["06_ppo, cell 3: … 97.3 % …"], LABEL)
    assert page.splitlines()[-1] == (
        "1,205 figures remade, 1,204 agree (1,200 to the digit), 1 differ; "
        "made on 2026-01-02, torch 2.9, threads 2, 61 minutes"
    )
    assert "a / b" in page and "- 06_ppo, cell 3: … 97.3 % …" in page
    assert len({len(line) for line in page.splitlines() if line.startswith("|")}) == 1


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Two parts that count how often they are made; the second finds a difference."""
    made = []

    def part(name: str, row: Row):
        return lambda: made.append(name) or [row]

    monkeypatch.setattr(verify, "BUILD", tmp_path)
    monkeypatch.setattr(verify, "state", lambda: "a state")
    monkeypatch.setattr(verify, "parts", lambda work: {"one": part("one", ROWS[0]), "two": part("two", ROWS[2])})
    monkeypatch.setattr(verify, "prose", lambda: [])
    return made


def test_a_difference_ends_the_program_with_1_and_pages_are_written(planted, tmp_path, capsys):
    assert verify.main(["--part", "one"]) == 0
    assert verify.main([]) == 1
    assert "1 differ" in capsys.readouterr().out
    assert "DIFFERS" in (tmp_path / "verify.md").read_text(encoding="utf-8")
    assert len(json.loads((tmp_path / "verify.json").read_text(encoding="utf-8"))["rows"]) == 2


def test_an_interrupted_run_is_gone_on_with_and_a_finished_one_is_not(planted):
    verify.main(["--part", "one"])
    verify.main([])
    assert planted == ["one", "two"]
    verify.main([])
    assert planted == ["one", "two", "one", "two"]


def test_a_part_that_is_asked_for_is_made_anew_and_so_is_all_after_a_change(planted, monkeypatch):
    verify.main(["--part", "one"])
    verify.main(["--part", "o"])
    assert planted == ["one", "one"]
    monkeypatch.setattr(verify, "state", lambda: "another state")
    verify.main(["--part", "two"])
    verify.main([])
    assert planted == ["one", "one", "two", "one"]


def test_an_unknown_part_is_refused(planted, capsys):
    with pytest.raises(SystemExit):
        verify.main(["--part", "three"])
    assert "part: 'three' is not allowed; it must be the beginning of one of one, two" in capsys.readouterr().err


@pytest.mark.parametrize(("part", "home", "remake"), [("look", "home", "1"), ("minutes", "home-of-a-learner", "")])
def test_a_part_sees_a_cache_of_its_own(planted, tmp_path, monkeypatch, part, home, remake):
    variables = ("RLHF_LESSONS_HOME", "RLHF_LESSONS_SHARED", "RLHF_LESSONS_REMAKE")
    for name in variables:
        monkeypatch.setenv(name, "theirs")
    seen = []

    def look() -> list[Row]:
        seen.extend(verify.os.environ.get(name) for name in variables)
        return []

    monkeypatch.setattr(verify, "parts", lambda work: {part: look})
    verify.main([])
    assert seen == [str(tmp_path / "verify" / home), "", remake]
    assert [verify.os.environ[name] for name in variables] == ["theirs"] * 3
