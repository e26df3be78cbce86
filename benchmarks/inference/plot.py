"""Texts a second of every runner as an SVG, made from results.

python -m benchmarks.inference.plot benchmarks/inference/results/banking77.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from benchmarks.inference.compare import figures
from benchmarks.inference.texts import SETS
from benchmarks.provenance import told
from benchmarks.train_time.plot import GRID, INK, MUTED, STYLE
from matplotlib.figure import Figure

OURS, PEER, LOSES = "#d9480f", "#1864ab", "#adb5bd"
TITLES = {"short": "test rows as they are", "long": "three to fourteen test rows a text"}


def draw(whole: Mapping[str, Any], name: str, path: Path) -> None:
    """Draw one bar a runner.

    Args:
        whole: Results of a data set.
        name: The set.
        path: File to write, by its ending; the same result gives the same bytes of SVG.
    """
    found = sorted(figures(whole, name), key=lambda each: each.times_anchor)
    rates = [each.rate for each in found]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 1.5 + 0.34 * len(found)), facecolor="white")
        axes = figure.add_axes((0.27, 0.14, 0.7, 0.72))
        colours = [OURS if each.is_ours else PEER if each.keeps else LOSES for each in found]
        axes.barh(range(len(found)), rates, color=colours, height=0.62)
        axes.set_yticks(range(len(found)), [each.name for each in found])
        axes.set_xscale("log")
        axes.set_xlim(min(rates) / 2, max(rates) * 6)
        for place, each in enumerate(found):
            words = f" {each.rate:,.0f}   {100 * each.accuracy.value:.1f} %"
            axes.text(each.rate, place, words, va="center", fontsize=9, color=INK)
        axes.tick_params(which="both", length=0)
        axes.grid(axis="x", which="major", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        unit = "the processor" if whole["threads"] == 1 else "the clock"
        axes.set_xlabel(f"texts a second of {unit}, logarithmic; accuracy beside", color=MUTED)
        figure.text(0.02, 0.95, f"{whole['dataset']}: {TITLES[name]}", fontsize=14, fontweight="bold", va="top")
        figure.text(0.02, 0.012, told(dict(whole)).replace("; ", "\n"), fontsize=6.5, color=MUTED)
        figure.savefig(path, metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None)


def draw_all(whole: Mapping[str, Any], folder: Path) -> None:
    """Draw every set that was measured.

    Args:
        whole: Results of a data set.
        folder: To write to.
    """
    for name in SETS:
        if figures(whole, name):
            draw(whole, name, folder / f"{whole['dataset']}-{name}.svg")


if __name__ == "__main__":
    for result in map(Path, sys.argv[1:]):
        draw_all(json.loads(result.read_text("utf-8")), result.parent)
