"""Accuracy over seconds as an SVG, made from results.

python -m benchmarks.train_time.plot benchmarks/train_time/results/banking77.json
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from benchmarks.provenance import told
from benchmarks.train_time.peers import OTHERS
from benchmarks.train_time.table import best_points, counted_points, middle_runs, training_seconds
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

INK, MUTED, GRID = "#1b1f24", "#667085", "#e4e7ec"
COLOURS = {
    "scikit-learn": "#7a8087",
    "sentence-transformers": "#2b8a3e",
    "fastText": "#862e9c",
    "model2vec": "#0b7285",
    "SetFit": "#a61e4d",
    "trainer": "#1864ab",
    "tunesmith": "#d9480f",
}
TITLES = {
    "tunesmith": "tunesmith",
    "trainer": "Hugging Face Trainer, a line for each learning rate",
    "scikit-learn": "scikit-learn, TF-IDF",
    **{peer: peer for peer in OTHERS},
}
TICKS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 3600, 7200, 14400)
_OF_CLOCK = "from process start to the model on disk, logarithmic"
_OF_PROCESSOR = "of the processor, from process start to the model on disk, logarithmic"
LINE_HEIGHT = 12.5
"""Least distance between two labels of a column, in points."""
STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Inter", "Helvetica Neue", "Arial", "DejaVu Sans", "sans-serif"],
    "font.size": 11,
    "svg.fonttype": "none",
    "svg.hashsalt": "tunesmith",
    "axes.edgecolor": MUTED,
    "text.color": INK,
}


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw every contender's curve on one pair of axes.

    Args:
        result: What ``run.py`` wrote.
        path: File to write, by its ending; the same result gives the same bytes of SVG.
    """
    points = middle_runs(counted_points(result))
    is_counted = "clock_seconds" in points[0]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 5.6), facecolor="white")
        axes = figure.add_axes((0.07, 0.17, 0.9, 0.68))
        _set_axes(axes, points)
        axes.set_xlabel(_OF_PROCESSOR if is_counted else _OF_CLOCK, color=MUTED, labelpad=8)
        for peer in COLOURS:
            for curve in curves_of(peer, points):
                _draw_curve(axes, peer, curve)
        _write_labels(axes, points)
        _write_titles(figure, result)
        metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else None
        figure.savefig(path, metadata=metadata)


def curves_of(peer: str, points: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Put a contender's points into the order in which a line joins them.

    Args:
        peer: The contender.
        points: Records of all contenders.

    Returns:
        For tunesmith one line through its runs, for the others one line a name.
    """
    mine = sorted((point for point in points if point["peer"] == peer), key=training_seconds)
    if peer == "tunesmith":
        return [mine] if mine else []
    mine.sort(key=lambda point: str(point["name"]))
    return [list(group) for _, group in itertools.groupby(mine, key=lambda point: point["name"])]


def _set_axes(axes: Axes, points: list[dict[str, Any]]) -> None:
    """Set a log axis of seconds with ticks that a person would name, and an axis of accuracy that fits the points."""
    seconds = [training_seconds(point) for point in points]
    accuracy = [point["accuracy"] for point in points]
    margin = max(0.01, (max(accuracy) - min(accuracy)) * 0.16)
    axes.set_xscale("log")
    axes.set_xlim(min(seconds) / 1.6, max(seconds) * 5)
    axes.set_ylim(min(accuracy) - margin, max(accuracy) + margin)
    low, high = axes.get_xlim()
    axes.set_xticks([tick for tick in TICKS if low <= tick <= high])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}%"))
    axes.tick_params(which="both", length=0, colors=MUTED)
    axes.grid(which="major", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _draw_curve(axes: Axes, peer: str, curve: list[dict[str, Any]]) -> None:
    """Draw one line with its points; tunesmith's stands out."""
    x, y = [training_seconds(point) for point in curve], [point["accuracy"] for point in curve]
    width, size, order = (2.6, 56, 4) if peer == "tunesmith" else (1.3, 24, 2)
    axes.plot(x, y, color=COLOURS[peer], linewidth=width, zorder=order)
    axes.scatter(x, y, s=size, color=COLOURS[peer], edgecolors="white", linewidths=1.2, zorder=order + 1)


def _write_labels(axes: Axes, points: list[dict[str, Any]]) -> None:
    """Labels of tunesmith go above its points, of scikit-learn below, of the Trainer into a column at the right."""
    for point in points:
        if point["peer"] == "tunesmith":
            text = f"{short_name(point['name'])}\n{point['accuracy']:.1%}"
            _write(axes, point, text, offset=(0, 8), ha="center", va="bottom", fontweight="bold")
    bags = [point for point in points if point["peer"] == "scikit-learn"]
    for classifier in sorted({point["settings"]["classifier"] for point in bags}):
        tried = [point for point in bags if point["settings"]["classifier"] == classifier]
        worst, best = (pick(tried, key=lambda point: float(point["accuracy"])) for pick in (min, max))
        text = f"{short_name(classifier)}\n{best['accuracy']:.1%}"
        _write(axes, worst, text, offset=(0, -7), ha="center", va="top")  # below both: no point lies under the label
    for peer in OTHERS:
        of_peer = [point for point in points if point["peer"] == peer]
        if of_peer:
            best = max(of_peer, key=lambda point: float(point["accuracy"]))
            _write(axes, best, f"{peer}\n{best['accuracy']:.1%}", offset=(0, -7), ha="center", va="top")
    curves = sorted(curves_of("trainer", points), key=lambda curve: float(curve[-1]["accuracy"]))
    if curves:
        _write_column(axes, curves)


def _write_column(axes: Axes, curves: list[list[dict[str, Any]]]) -> None:
    """Write one line for each curve beside its end, none over another."""
    edge = max(training_seconds(curve[-1]) for curve in curves)
    to_points = 72 / axes.figure.dpi
    heights = [float(axes.transData.transform((edge, curve[-1]["accuracy"]))[1]) * to_points for curve in curves]
    for curve, height, moved in zip(curves, heights, apart(heights), strict=True):
        best = best_points(curve)[0]
        epoch = f", epoch {best['epoch']}" if len(curve) > 1 else ""
        text = f"{short_name(best['name'])}  {best['accuracy']:.1%}{epoch}"
        _write(axes, {**curve[-1], "seconds": edge, "evaluation_seconds": 0}, text, offset=(9, moved - height))


def _write(axes: Axes, point: dict[str, Any], text: str, *, offset: tuple[float, float], **look: Any) -> None:
    """Write beside a point in its contender's colour."""
    axes.annotate(
        text,
        (training_seconds(point), point["accuracy"]),
        xytext=offset,
        textcoords="offset points",
        color=COLOURS[point["peer"]],
        **{"fontsize": 9.5, "linespacing": 1.15, "va": "center", "zorder": 6, **look},
    )


def apart(heights: list[float]) -> list[float]:
    """Move labels of one column up until none lies on another.

    Args:
        heights: Where each would stand, in points, ascending.

    Returns:
        Where each stands.

    Example:
        >>> apart([0.0, 5.0, 50.0])
        [0.0, 12.5, 50.0]
    """
    moved: list[float] = []
    for height in heights:
        moved.append(max(height, moved[-1] + LINE_HEIGHT) if moved else height)
    return moved


def _write_titles(figure: Figure, result: dict[str, Any]) -> None:
    """Write what is shown, which colour is whose, and where it was measured."""
    figure.text(0.03, 0.94, f"{result['dataset']}: test accuracy over training time", fontsize=15, fontweight="bold")
    shown = [peer for peer in TITLES if any(point["peer"] == peer for point in result["points"])]
    dots = [Line2D([], [], color=COLOURS[peer], marker="o", linewidth=0, markersize=8) for peer in shown]
    figure.legend(
        dots,
        [TITLES[peer] for peer in shown],
        loc="upper left",
        bbox_to_anchor=(0.012, 0.93),
        ncols=len(shown),
        frameon=False,
        labelcolor=MUTED,
        handletextpad=0.1,
        columnspacing=1.6,
    )
    machine, versions = f"{result['dataset']}, {told(result)}".split("; ", 1)
    note = "The test file is evaluated outside the clock."
    figure.text(0.03, 0.045, f"{machine}. {note}", fontsize=7.5, color=MUTED)
    figure.text(0.03, 0.018, versions, fontsize=7.5, color=MUTED)


def short_name(name: str) -> str:
    """Shorten a curve's name to what its colour does not tell.

    Returns:
        A few words.

    Example:
        >>> short_name("tunesmith --budget 5m"), short_name("linear_svc C=1")
        ('--budget 5m', 'linear SVC C=1')
    """
    bare = name.removeprefix("tunesmith ").removeprefix("Trainer ")
    return bare.replace("logistic_regression", "logistic regression").replace("linear_svc", "linear SVC")


def duration(seconds: float) -> str:
    """Write a tick as a person would.

    Returns:
        Seconds under a minute, then minutes, then hours.

    Example:
        >>> duration(30), duration(300), duration(7200)
        ('30 s', '5 min', '2 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.0f} h"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        draw(json.loads(Path(name).read_text("utf-8")), Path(name).with_suffix(".svg"))
