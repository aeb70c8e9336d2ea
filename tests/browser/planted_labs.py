"""Cells of notebooks with labs made for tests: they answer at once, train until they are told, or are slow at first."""

INSTANT = """
import dataclasses, functools, importlib, pathlib, time
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.lab import Lab, Question, Verdict
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.labs.frame.training import TrainingPanel

def draw(result, canvas):
    canvas.axis(0, "Pairs", "x", "pairs", (0, 1), canvas.fit(0, [0, result]))
    canvas.curve(0, "pairs", [0, 1], [0, result], "own")

def say(result):
    return Verdict("counted", "good", {"pairs": f"{result:.0f}"}, f"There are {result:.1f} pairs, all counted.")

def count(n_pairs: int = 12, learning_rate: float = 0.01, seed: int = 0):
    return n_pairs

asked = Question("How many pairs are there if you ask for 20?", float, {"n_pairs": 20}, 1, "{:.0f}")
shared = dict(draw=draw, verdict=say, canvas=lambda: Canvas(1), ranges={"n_pairs": {"high": 100}, "seed": {"high": 9}})
instant = Lab("Counting", compute=count, question=asked, presets={"fifty": {"n_pairs": 50}}, **shared)
"""
TRAINING = """
def train(n_pairs: int = 12, seed: int = 0, watch=None):
    global begun
    for step in range(1, 10_000) if begun else ():
        watch(n_pairs * step / (step + 10), step / (step + 10))
        time.sleep(0.03)
        if pathlib.Path("enough").exists():
            break
    begun = True
    return n_pairs

begun = False
training = Lab("Training", compute=train, presets={"fifty": {"n_pairs": 50}}, **shared)
"""
SLOW = """
def slow(n_pairs: int = 12, watch=None):
    for step in range(1, 51):
        time.sleep(0.1)
        watch(n_pairs, step / 50)
    return n_pairs

TrainingPanel(Lab("Slow at first", compute=slow, **shared))
"""
PICTURE = "from rlhf_lessons.plots.style import picture\npicture('Words for those who do not see it.')[0]"
# A lab of the course with all its controls, and nothing behind them.
HOLLOW = """
lab = importlib.import_module("rlhf_lessons.labs.{name}").LAB
hollow = functools.wraps(lab.compute)(lambda **settings: 1)
Panel(dataclasses.replace(
    lab, compute=hollow, draw=draw, verdict=say, canvas=lambda: Canvas(1),
    text=None, cards=None, question=None,
))
"""
