"""Makes figures/: the map of the course from `rlhf-lessons quality`, and a screenshot of a lab in a real JupyterLab.

python tools/draw_figures.py [path of Chromium]
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from playwright.sync_api import Page, sync_playwright

from rlhf_lessons import plots, store
from rlhf_lessons.quality import pretrained_quality, summary

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "figures"
PORT = 8899
BROWSER_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
KERNEL = "jupyterapp.shell.currentWidget?.context?.sessionContext?.session?.kernel"


def draw_map() -> None:
    """figures/pipeline.png, from the last `rlhf-lessons quality`."""
    measured = store.load_result("quality")
    if measured is None:
        raise SystemExit("no quality to draw yet: run `rlhf-lessons quality` first")
    means = summary(pd.DataFrame(measured["columns"]))["mean"]
    safe = pretrained_quality()["pretrained_safe_sampled"]
    stages = {
        "pretraining": f"{safe:.0%} of sampled\nanswers safe",
        "SFT": f"{means['sft_safe']:.0%} safe",
        "reward model": f"{means['reward_accuracy_curated']:.0%} of pairs\nranked right",
        "PPO": f"{means['ppo_safe']:.0%} safe",
    }
    (FIGURES / "pipeline.png").write_bytes(plots.pipeline_map(stages).png())


def photograph_lab(browser: str, notebook: str, name: str) -> None:
    """figures/<name>.png: the lab of a notebook, after Run All in JupyterLab."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"{notebook}.ipynb"
        copy.write_bytes((ROOT / "notebooks" / copy.name).read_bytes())
        quiet = Path(folder) / "settings" / "@jupyterlab" / "apputils-extension"
        quiet.mkdir(parents=True)
        (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        server = subprocess.Popen(
            [
                Path(sys.executable).with_name("jupyter"), "lab", "--no-browser", "--allow-root",
                "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={PORT}", "--IdentityProvider.token=T",
                "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}",
            ],
            env=os.environ
            | {"JUPYTERLAB_WORKSPACES_DIR": folder, "JUPYTER_CONFIG_DIR": folder}
            | {"JUPYTERLAB_SETTINGS_DIR": str(Path(folder) / "settings")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            time.sleep(8)
            with sync_playwright() as playwright:
                page = playwright.chromium.launch(executable_path=browser, args=BROWSER_ARGUMENTS).new_page()
                page.set_viewport_size({"width": 1280, "height": 1400})
                page.goto(f"http://127.0.0.1:{PORT}/lab/tree/{copy.name}?token=T")
                run_all(page)
                lab = page.locator(".widget-image").first
                lab.scroll_into_view_if_needed()
                time.sleep(2)
                frame = lab.locator("xpath=ancestor::div[contains(@class, 'jp-OutputArea-output')]")
                frame.first.screenshot(path=FIGURES / f"{name}.png")
        finally:
            server.terminate()
            server.wait()


def run_all(page: Page) -> None:
    """Run All, once there is a kernel that listens, and wait until it is done."""
    idle = f"() => {KERNEL} && {KERNEL}.connectionStatus == 'connected' && {KERNEL}.status == 'idle'"
    page.wait_for_function(idle, timeout=90_000)
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_selector(".widget-image", timeout=120_000)
    page.wait_for_function(idle, timeout=300_000)


if __name__ == "__main__":
    FIGURES.mkdir(exist_ok=True)
    draw_map()
    chromium = sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium"
    photograph_lab(chromium, "03_reward_model_failure", "lab_program_one")
