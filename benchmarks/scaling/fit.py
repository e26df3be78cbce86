"""How cost grows with size: exponent, table and plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from benchmarks.provenance import told
from benchmarks.train_time.plot import GRID, MUTED, STYLE
from matplotlib.figure import Figure

COLOURS = {"probe": "#d9480f", "finetune": "#1864ab", "predict": "#2b8a3e"}
AXES = {"rows": "rows", "tokens": "tokens a text"}


class Point(NamedTuple):
    """One size."""

    size: int
    cpu_s: float
    mib: float


def points_of(cells: Mapping[str, Mapping[str, Any]], step: str, by: str) -> list[Point]:
    """Read what one step took at each size.

    Args:
        cells: All that was measured.
        step: Which step.
        by: ``rows`` or ``tokens``.

    Returns:
        The smallest first.
    """
    found = []
    for key, cell in cells.items():
        of, what, size = key.split("/")
        if (of, what) == (step, by):
            found.append(Point(int(size), cell["cpu_s"], cell["above_mib"]))
    return sorted(found)


def exponent(points: Sequence[Point]) -> float | None:
    """Fit ``seconds = a * size ** b``.

    Args:
        points: Sizes and what they took.

    Returns:
        ``b``, by least squares of the logarithms; None where there are fewer than two sizes.

    Example:
        >>> round(exponent([Point(10, 1.0, 0), Point(100, 10.0, 0)]), 3)
        1.0
    """
    if len(points) < 2:
        return None
    sizes, seconds = (np.log([point[at] for point in points]) for at in (0, 1))
    return float(np.polyfit(sizes, seconds, 1)[0])


def last_exponent(points: Sequence[Point]) -> float | None:
    """Take the exponent between the two largest sizes, where what does not grow counts least.

    Args:
        points: Sizes and what they took.

    Returns:
        The exponent; None where there are fewer than two sizes.
    """
    return exponent(points[-2:])


def markdown(whole: Mapping[str, Any]) -> str:
    """Lay out what was measured.

    Args:
        whole: The results.

    Returns:
        A Markdown table for each of rows and length.
    """
    parts = []
    for by, words in AXES.items():
        found = {step: points_of(whole["cells"], step, by) for step in COLOURS}
        sizes = sorted({point.size for points in found.values() for point in points})
        if not sizes:
            continue
        lines = [f"| {words} | {' | '.join(f'`{step}`, s | MiB' for step in found)} |", "|---:|" + "---:|" * 6]
        for size in sizes:
            at = {step: {point.size: point for point in points}.get(size) for step, points in found.items()}
            cells = [f"{point.cpu_s:,.1f} | {point.mib:,.0f}" if point else " | " for point in at.values()]
            lines.append(f"| {size:,} | {' | '.join(cells)} |")
        for words_of, fitted in (("exponent", exponent), ("of the last two", last_exponent)):
            values = [fitted(points) for points in found.values()]
            lines.append(f"| {words_of} | {' | '.join(' | ' if b is None else f'{b:.2f} | ' for b in values)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def draw(whole: Mapping[str, Any], path: Path) -> None:
    """Draw seconds and memory over both sizes.

    Args:
        whole: The results.
        path: File to write, by its ending; the same results give the same bytes of SVG.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 7), facecolor="white")
        for row, (at, unit) in enumerate(((1, "seconds of the processor"), (2, "MiB above what was held before"))):
            for column, (by, words) in enumerate(AXES.items()):
                measured = {step: points_of(whole["cells"], step, by) for step in COLOURS}
                axes = figure.add_subplot(2, 2, 1 + 2 * row + column)
                for step, points in measured.items():
                    b = exponent(points)
                    name = step if b is None or at == 2 else f"{step}, exponent {b:.2f}"
                    values = [max(point[at], 1e-3) for point in points]
                    axes.plot([point.size for point in points], values, "o-", color=COLOURS[step], label=name)
                if not any(measured.values()):
                    axes.set_axis_off()  # nothing has a logarithm
                    continue
                axes.set_xscale("log")
                axes.set_yscale("log")
                axes.set_xlabel(words, color=MUTED)
                axes.set_ylabel(unit, color=MUTED)
                axes.grid(which="major", color=GRID, linewidth=0.8)
                axes.legend(frameon=False, fontsize=9)
        figure.text(0.02, 0.01, told(dict(whole)), fontsize=6.5, color=MUTED)
        figure.subplots_adjust(left=0.09, right=0.98, top=0.97, bottom=0.1, wspace=0.25, hspace=0.25)
        figure.savefig(path, metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None)
