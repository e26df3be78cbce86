"""What each technique gains or loses, over size and over time, as an SVG, made from results.

python -m benchmarks.compression.plot benchmarks/compression/results/banking77.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from benchmarks.cells import cells_of
from benchmarks.provenance import told
from benchmarks.train_time.plot import GRID, MUTED, STYLE
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

COLOURS = {"probe": "#1864ab", "finetune": "#d9480f"}
"""Of a model by how it was trained."""
MAY_LOSE = -0.5
"""Points that a technique may lose if nothing else is said."""
_TILT = {"probe": 38, "finetune": -38}
"""Degrees by which names are turned, for techniques lie side by side; those of the two models go apart."""
_WIDE, _HIGH = 9, 6.4


def draw(whole: Mapping[str, Any], label: str, path: Path) -> None:
    """Draw every technique twice: over the size of the model, and over the time of one text.

    Args:
        whole: Results of a data set.
        label: Its name.
        path: File to write, by its ending; the same result gives the same bytes of SVG.
    """
    cells = cells_of(whole)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDE, _HIGH), facecolor="white")
        for place, (words, value_of) in enumerate(_OVER.items()):
            axes = figure.add_axes((0.08 + 0.47 * place, 0.17, 0.43, 0.66))
            for key, cell in cells.items():
                rung, to = key.split("/")
                _mark(axes, value_of(cell), cell["test"]["gain"], words=to, rung=rung)
            values = [value_of(cell) for cell in cells.values()]
            axes.set_xscale("log")
            axes.set_xlim(min(values) / 2, max(values) * 3)
            axes.axhline(0.0, color=MUTED, linewidth=0.8)
            axes.axhline(MAY_LOSE, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
            _dress(axes, words)
        figure.axes[0].set_ylabel("points gained over the model before, 95 %", color=MUTED)
        figure.axes[1].sharey(figure.axes[0])
        figure.axes[1].tick_params(labelleft=False)
        figure.text(0.02, 0.965, f"{label}: what compression costs and saves", fontsize=14, fontweight="bold", va="top")
        for place, (rung, colour) in enumerate(COLOURS.items()):
            figure.text(0.08 + 0.12 * place, 0.875, f"● {rung}", fontsize=10, color=colour)
        figure.text(0.02, 0.012, told(dict(whole)).replace("; ", "\n"), fontsize=6.5, color=MUTED)
        figure.savefig(path, metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None)


_OVER: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "size, MiB, logarithmic": lambda cell: float(cell["compress"]["after"]["size_mib"]),
    "one text, ms, logarithmic": lambda cell: float(cell["compress"]["after"]["latency_ms"]["p50"]),
}


def _mark(axes: Axes, at: float, gain: Mapping[str, float], *, words: str, rung: str) -> None:
    """One technique: a dot with its interval and its name."""
    value, low, high = (100.0 * gain[key] for key in ("value", "low", "high"))
    colour, tilt = COLOURS[rung], _TILT[rung]
    axes.plot([at, at], [low, high], color=colour, linewidth=1.2, alpha=0.6)
    axes.plot([at], [value], "o", color=colour, markersize=6)
    axes.annotate(
        words,
        (at, value),
        xytext=(5, 4 if tilt > 0 else -4),
        textcoords="offset points",
        fontsize=8.5,
        color=colour,
        rotation=tilt,
        rotation_mode="anchor",
        va="baseline" if tilt > 0 else "top",
    )


def _dress(axes: Axes, words: str) -> None:
    axes.tick_params(which="both", length=0, colors=MUTED)
    axes.grid(which="major", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(words, color=MUTED)


if __name__ == "__main__":
    for result in map(Path, sys.argv[1:]):
        draw(json.loads(result.read_text("utf-8")), result.stem, result.with_suffix(".svg"))
