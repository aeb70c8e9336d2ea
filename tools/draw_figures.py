"""Makes figures/: the map of the course, proxy against gold, all methods, and screenshots of labs in JupyterLab.

python -m tools.draw_figures [path of Chromium]
"""

import sys
import tempfile
from pathlib import Path

import pandas as pd
from playwright.sync_api import ViewportSize, sync_playwright

from rlhf_lessons import plots, reruns, store
from rlhf_lessons.sweeps import comparison, kept, methods, over_optimisation, turning, verdicts
from rlhf_lessons.sweeps.quality import pretrained_quality, summary
from tools import browser

FIGURES = Path(__file__).resolve().parents[1] / "figures"
LABS = {
    "03_reward_model_failure": "lab_program_one",
    "04_reward_model_diagnosis": "lab_fault_bank",
    "06_ppo": "lab_ppo",
}
SCREEN: ViewportSize = {"width": 1366, "height": 768}


def draw_map() -> None:
    """figures/pipeline.png, from the last `rlhf-lessons quality` and the kept methods."""
    measured = store.load_result("quality")
    if measured is None:
        raise SystemExit("no quality to draw yet: run `rlhf-lessons quality` first")
    means = summary(pd.DataFrame(measured["columns"]))["mean"]
    safe = pretrained_quality()["pretrained_safe"]
    stages = {
        "pretraining": f"{safe:.0%} of sampled\nanswers safe",
        "SFT": f"{means['sft_safe']:.0%} safe",
        "reward model": (
            f"{means['reward_accuracy_curated']:.0%} of pairs right,\nof {means['best_possible_curated']:.0%} possible"
        ),
        "PPO": f"{means['ppo_safe']:.0%} safe",
    }
    cases = kept.read(methods.NAME).tables["cases"]
    safe_of = {name: verdicts.mean_of(cases, name).value for name in ("dpo", "rloo", "grpo")}
    groups = f"{safe_of['rloo']:.0%}, {safe_of['grpo']:.0%} safe"
    branches = {"DPO": ("SFT", f"{safe_of['dpo']:.0%} safe"), "RLOO, GRPO": ("reward model", groups)}
    (FIGURES / "pipeline.png").write_bytes(plots.pipeline_map(stages, branches).png())


def draw_over_optimisation() -> None:
    """figures/over_optimisation.png, from the kept results of `rlhf-lessons sweep over-optimisation`."""
    tables, labels = kept.read(over_optimisation.NAME).tables, over_optimisation.LABELS
    unheld = {labels[reward]: condition for reward, condition in over_optimisation.UNPRICED.items()}
    points = {name: turning.ppo_points(tables["evaluations"], condition) for name, condition in unheld.items()}
    peaks = {name: turning.ppo_peak(points[name], tables["looks"], condition) for name, condition in unheld.items()}
    fitted = {name: turning.fitting(part, "ppo", peaks[name]) for name, part in points.items()}
    (FIGURES / "over_optimisation.png").write_bytes(plots.goodhart(points, peaks, fitted, "PPO").png())


def draw_methods() -> None:
    """figures/methods.png, from the kept results of `rlhf-lessons sweep methods`."""
    found, other = (kept.read(name).tables for name in (methods.NAME, over_optimisation.NAME))
    labels = {run: methods.METHODS[run].label for run in methods.MAIN}
    sft = verdicts.mean_of(comparison.with_choice(found, other), "sft").value
    curves = comparison.panels(found, other, labels)
    (FIGURES / "methods.png").write_bytes(plots.methods(**curves, sft=sft).png())


def photograph_labs(path: str) -> None:
    """figures/<name>.png for each of `LABS`: the first lab of a notebook, after Run All in JupyterLab."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for notebook in LABS:
            browser.copy(reruns.find_notebook(notebook, reruns.NOTEBOOKS), Path(folder))
        with browser.serve(Path(folder)) as address:
            chromium = browser.launch(playwright, path)
            for notebook, name in LABS.items():
                session = browser.Session(chromium.new_context(), address, f"{notebook}.ipynb")
                session.page.set_viewport_size(SCREEN)
                session.run_all()
                lab = next(session.labs())
                lab.come_into_view()
                lab.root.screenshot(path=FIGURES / f"{name}.png")
                session.close()
            chromium.close()


if __name__ == "__main__":
    FIGURES.mkdir(exist_ok=True)
    draw_map()
    draw_over_optimisation()
    draw_methods()
    found = sys.argv[1] if len(sys.argv) > 1 else browser.find_browser()
    if not found:
        raise SystemExit(f"no browser: none of {', '.join(browser.NAMES)} is on PATH; name one")
    photograph_labs(found)
