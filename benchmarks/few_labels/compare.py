"""What the cells say together: each contender's accuracy, and tunesmith's held against it draw by draw, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

OURS = "tunesmith"
_DRAWS = 2000
_LEVEL = 0.95
_CLOCKS = ("seconds", "cpu_seconds", "train_seconds")


def marks(cell: Mapping[str, Any], n_rows: int) -> NDArray[np.float64]:
    """Read back which test rows are right.

    Args:
        cell: As it was written.
        n_rows: Test rows.

    Returns:
        1 or 0 a row, ``[rows]``.
    """
    digits = str(cell["right"])
    bits = bin(int(digits, 16))[2:].zfill(4 * len(digits))
    return np.array([float(bit) for bit in bits[:n_rows]])


def interval(table: NDArray[np.float64], *, seed: int = 0) -> list[float]:
    """Resample draws and test rows at once: both which rows are learnt from and which are tested on are luck.

    Args:
        table: A value for each draw and test row, ``[draws, rows]``.
        seed: Of the resamples.

    Returns:
        Mean, and the ends of its 95 % interval.

    Source: Owen 2007, "The pigeonhole bootstrap".
    """
    random_source = np.random.default_rng(seed)
    n_draws, n_rows = table.shape
    of_draws = random_source.multinomial(n_draws, np.full(n_draws, 1 / n_draws), size=_DRAWS) / n_draws
    of_rows = random_source.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=_DRAWS) / n_rows
    means = np.einsum("sd,dr,sr->s", of_draws, table, of_rows, optimize=True)
    low, high = np.quantile(means, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return [round(float(value), 6) for value in (table.mean(), low, high)]


def compared(whole: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Compare the contenders on every size of one data set.

    Args:
        whole: Cells of one data set, with the rows of its test file.

    Yields:
        One entry for each size and contender: draws, accuracy, median seconds by the clock, of the processor and of
        training; of SetFit also what tunesmith gains over it and the ratio of their seconds, the median over the draws
        that both have, since each draw is of one machine.
    """
    cells: dict[tuple[int, str], dict[str, Any]] = {}
    for key, cell in whole["cells"].items():
        size, seed, name = key.split("/")
        cells.setdefault((int(size), name), {})[seed] = cell
    for (size, name), found in sorted(cells.items(), key=lambda each: each[0][0]):
        entry = {
            "rows_a_label": size,
            "contender": name,
            "draws": len(found),
            "accuracy": interval(np.stack([marks(cell, whole["test_rows"]) for cell in found.values()])),
            **{clock: _median(found, clock) for clock in _CLOCKS},
        }
        ours = cells.get((size, OURS), {})
        if name != OURS and found.keys() & ours.keys():
            entry |= _held_against(ours, found, whole["test_rows"])
        yield entry


def _held_against(ours: Mapping[str, Any], theirs: Mapping[str, Any], n_rows: int) -> dict[str, Any]:
    """Compare on the draws that both have: the gain, and how many times as long theirs takes."""
    both = sorted(ours.keys() & theirs.keys())
    mine, other = ({seed: cells[seed] for seed in both} for cells in (ours, theirs))
    gains = [marks(mine[seed], n_rows) - marks(other[seed], n_rows) for seed in both]
    ratios = {c: float(np.median([other[seed][c] / mine[seed][c] for seed in both])) for c in _CLOCKS}
    return {
        "tunesmith_gains": interval(np.stack(gains)),
        **{f"{c}_ratio": round(ratio, 2) for c, ratio in ratios.items()},
    }


def _median(cells: Mapping[str, Any], clock: str) -> float:
    return round(float(np.median([cell[clock] for cell in cells.values()])), 2)


def markdown(table: Mapping[str, Any]) -> str:
    """Lay the comparison out.

    Args:
        table: ``{"sets": {name: entries}}``.

    Returns:
        A Markdown table: a line for each data set, size and contender.
    """
    lines = [
        "| data | rows a label | contender | draws | accuracy | tunesmith gains, points | seconds | of processor | "
        "of training | takes times as long as tunesmith, of processor, training alone |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, entries in table["sets"].items():
        for entry in entries:
            value, low, high = (100 * share for share in entry["accuracy"])
            cells = [
                name,
                str(entry["rows_a_label"]),
                entry["contender"],
                str(entry["draws"]),
                f"{value:.1f} % ({low:.1f} to {high:.1f})",
                _gain(entry),
                f"{entry['seconds']:.0f}",
                f"{entry['cpu_seconds']:.1f}",
                f"{entry['train_seconds']:.1f}",
                ", ".join(f"{entry[f'{c}_ratio']:.1f}" for c in _CLOCKS if f"{c}_ratio" in entry),
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _gain(entry: Mapping[str, Any]) -> str:
    """Tell a gain with its interval, bold where that excludes none."""
    if "tunesmith_gains" not in entry:
        return ""
    value, low, high = (100 * share for share in entry["tunesmith_gains"])
    told = f"{value:+.1f} ({low:+.1f} to {high:+.1f})"
    return f"**{told}**" if low > 0 or high < 0 else told
