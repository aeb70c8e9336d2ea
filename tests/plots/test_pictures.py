"""What a picture hands to a notebook, and that colours keep to what they mean."""

import base64
import io
import itertools
import re
from html import unescape

import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from nbconvert import HTMLExporter
from PIL import Image

from rlhf_lessons import plots
from rlhf_lessons.plots import style
from rlhf_lessons.statistics.intervals import Interval

LOG = pd.DataFrame({"step": [0, 1, 2], "epoch": [0, 1, 2], "loss": [0.7, 0.6, 0.5], "accuracy": [0.5, 0.6, 0.7]})
LOG = LOG.assign(
    reward_chosen=[0, 1, 2], reward_rejected=[0, -1, -2], score=[0, 1, 2], gold_score=[0.5, 0.6, 0.4], kl=1
)
WORDS = 'A "quoted" <alt> & more'


def bundle(picture):
    return picture._repr_mimebundle_()


def test_the_words_reach_who_cannot_see_in_html_and_in_a_page_of_nbconvert():
    data, metadata = bundle(plots.Picture(WORDS, (1, 1)))
    (alt,), (source,) = (
        re.findall(r'alt="([^"]*)"', data["text/html"]),
        re.findall(r"base64,([^\"]*)", data["text/html"]),
    )
    assert unescape(alt) == WORDS == data["text/plain"] == metadata["image/png"]["alt"]
    assert base64.b64decode(source) == data["image/png"] and data["image/png"].startswith(b"\x89PNG")
    stored = data | {"image/png": base64.b64encode(data["image/png"]).decode()}
    output = nbformat.v4.new_output("display_data", stored, metadata=metadata)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=[output])])
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert WORDS in unescape(page) and "No description" not in page


def test_few_colours_are_stored_and_none_is_far_from_what_was_drawn():
    picture = plots.curves({"one": LOG}, ["reward_chosen", "score", "gold_score"])
    stored = np.asarray(Image.open(io.BytesIO(picture.png())).convert("RGB")).astype(int)
    picture.canvas.draw()
    drawn = np.asarray(picture.canvas.buffer_rgba())[..., :3]
    assert len(np.unique(stored.reshape(-1, 3), axis=0)) <= 256 and abs(stored - drawn).max() <= 32


def test_a_table_folds_under_its_picture_with_its_words_whole():
    long = "word " * 40
    data, _ = bundle(plots.Picture("Numbers.", (1, 1)).over(pd.DataFrame({"said": [long.strip()]})))
    assert data["text/html"].index("<img") < data["text/html"].index("<details><summary>")
    assert long.strip() in data["text/html"] and data["text/plain"].startswith("Numbers.\n")
    assert "<details>" not in bundle(plots.Picture("Alone.", (1, 1)))[0]["text/html"]


def colours(ax):
    return {to_hex(line.get_color()).upper() for line in ax.lines}


def test_a_run_alone_is_drawn_in_the_colours_of_what_its_metrics_mean():
    metrics = ["reward_chosen", "reward_rejected", "score", "gold_score", "kl", "loss"]
    meant = ["chosen", "rejected", "proxy", "gold", "distance", "own"]
    alone = plots.curves({"one": LOG}, metrics)
    assert [colours(ax) for ax in alone.axes] == [{style.LOOKS[meaning][0].upper()} for meaning in meant]
    log = plots.reward_log(LOG, "Title")
    assert colours(log.axes[1]) == {style.LOOKS["chosen"][0], style.LOOKS["rejected"][0]}
    assert {text.get_text() for text in log.legends[0].get_texts()} == {"a coin", "chosen", "rejected"}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_series_have_no_colour_that_means_something_and_can_be_told_apart(count):
    lines = [style.series(place, count, marker=True) for place in range(count)]
    meant = {look[0].upper() for look in style.LOOKS.values()}
    assert not meant & {line["color"].upper() for line in lines}
    assert len({(line["color"], line["marker"]) for line in lines}) == count
    for red, green, blue in (to_rgb(line["color"]) for line in lines):
        assert red < green < blue, "slate"
    light = [np.dot(to_rgb(line["color"]), (0.2126, 0.7152, 0.0722)) for line in lines]
    assert all(first < second for first, second in itertools.pairwise(light)) and light[-1] < 0.65


def test_pictures_fit_a_notebook_and_no_letter_is_small():
    for picture in (plots.curves({"a": LOG, "b": LOG}, ["loss"] * 3), plots.reward_log(LOG, "Title")):
        picture.png()
        assert picture.get_figwidth() <= style.WIDTH
        for ax in picture.axes:
            assert not ax.texts, "names stand in the legend, where no curve runs"
            assert all(label.get_fontsize() >= 9 for label in ax.get_xticklabels() + ax.get_yticklabels())
        (names,) = picture.legends
        top = max(ax.get_tightbbox().ymax for ax in picture.axes)
        assert names.get_window_extent().ymin >= top


HYPOTHESES = pd.DataFrame(
    {
        "against": ["base", "base", "base", "small"],
        "lead": [0.0, 0.1, -0.02, 0.0],
        "plus_minus": [0.0, 0.05, 0.05, 0.01],
        "held_out_loss": [0.5, 0.4, 0.8, 0.9],
        "verdict": ["-", "ranks better", "no clear difference", "no clear difference"],
    },
    index=["base", "better", "small", "smaller"],
)


def test_hypotheses_stand_under_what_they_are_compared_with_and_are_filled_where_clear():
    picture = plots.hypotheses(HYPOTHESES)
    names = [label.get_text() for label in picture.axes[0].get_yticklabels()]
    assert names == ["over “base”", "better", "small", "over “small”", "smaller"]
    marks = [line for line in picture.axes[0].lines if line.get_marker() == "o"]
    teal = style.LOOKS["new"][0]
    assert [mark.get_markerfacecolor() for mark in marks] == [teal, "white", "white"]
    assert "better +10.0%, ranks better" in picture.alt and "base +0.0%" not in picture.alt


def test_kinds_of_answers_stand_in_rows_with_a_marker_and_an_interval_for_every_policy():
    said = {
        "SFT": {"one": Interval(0.6, 0.5, 0.7), "other": Interval(0.4, 0.3, 0.5)},
        "DPO": {"one": Interval(0.9, 0.8, 1.0), "other": Interval(0.1, 0.0, 0.2)},
    }
    picture = plots.answer_kinds(said)
    (ax,) = picture.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "other"]
    marks = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert [(line.get_xdata()[0], round(line.get_ydata()[0])) for line in marks] == [
        (0.6, 0),
        (0.4, 1),
        (0.9, 0),
        (0.1, 1),
    ]
    assert picture.alt == "Shares of answers by kind. one: SFT 60%, DPO 90%; other: SFT 40%, DPO 10%."
    assert {text.get_text() for text in picture.legends[0].get_texts()} == {"SFT", "DPO"}


def test_tokens_are_framed_where_more_of_the_same_earns_nothing():
    table = pd.DataFrame(
        {"token": list("abcdefghij"), "advantage": [1.0] * 9 + [-1.0], "ratio": [1.0] * 8 + [1.5, 1.5]}
    )
    table["plain"] = table.ratio * table.advantage
    table["counts"] = np.minimum(table.plain, table.ratio.clip(0.8, 1.2) * table.advantage)
    picture = plots.token_strip(table, ["advantage", "ratio"], 0.2)
    framed = [patch for patch in picture.axes[0].patches if to_hex(patch.get_edgecolor()) == "#000000"]
    assert len(picture.axes[0].patches) == 20 and len(framed) == 1
    assert "i: advantage 1.00, ratio 1.50" in picture.alt and picture.alt.endswith("Clipped at 0.2: 1 of 10.")
    assert picture.png() and picture.table.equals(table.round(3))


def test_a_heat_map_names_both_ends_and_leaves_empty_what_was_not_measured():
    frame = pd.DataFrame({"kl_coef": [0.0, 0.0, 0.2], "seed": [0, 1, 0], "safe": [0.5, 0.75, 0.25]})
    picture = plots.heat_map(frame, "seed", "kl_coef", "safe")
    assert picture.alt == (
        "safe over seed and price of KL: lowest 0.25 at seed 0 and price of KL 0.2; "
        "highest 0.75 at seed 1 and price of KL 0.0."
    )
    (image,) = picture.axes[0].images
    assert image.get_array().tolist() == [[0.5, 0.75], [0.25, None]]
    assert [text.get_text() for text in picture.axes[0].texts] == ["0.50", "0.75", "0.25", ""]
