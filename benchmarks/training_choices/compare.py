"""From cells to a table: each choice against the default, paired by seed and by test row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from benchmarks.training_choices.choices import CHOICES, DEFAULT, Choice
from benchmarks.training_choices.measure import unpacked
from numpy.typing import NDArray

N_DRAWS = 4000
_LEVEL = 0.95

Cells = Mapping[str, Mapping[str, Any]]
"""Of one data set: ``CHOICE/SEED`` to what was measured."""


def pigeonhole_draws(differences: NDArray[np.float64], *, seed: int) -> NDArray[np.float64]:
    """Draw means of a table anew, seeds and rows each with replacement.

    Rows of one seed share its luck, and seeds of one row its difficulty; drawing both ways counts both, and errs on
    the side of wide intervals.

    Args:
        differences: Of each seed and test row, ``[S, B]``.
        seed: Of the draws.

    Returns:
        ``[draws]``.

    Source: Owen 2007, "The pigeonhole bootstrap".
    """
    random = np.random.default_rng(seed)
    n_seeds, n_rows = differences.shape
    seed_counts = random.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=N_DRAWS) / n_seeds
    row_counts = random.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=N_DRAWS) / n_rows
    drawn: NDArray[np.float64] = np.einsum("ds,db,sb->d", seed_counts, row_counts, differences, optimize=True)
    return drawn


def compared(
    cells_of: Mapping[str, Cells], choices: Sequence[Choice] = CHOICES, *, default: str = DEFAULT
) -> list[dict[str, Any]]:
    """Compare every choice that was measured with the default, in costs on the seeds that one machine has of both.

    Args:
        cells_of: Data set to its cells.
        choices: What is compared.
        default: Name of the one that the others are held to.

    Returns:
        An entry a choice: for each data set and for their mean, in points of test accuracy, the difference and the ends
        of its 95 % interval; and how many times as long it took.
    """
    return [
        _entry(choice, cells_of, default)
        for choice in choices
        if any(_seeds(choice, cells, default) for cells in cells_of.values())
    ]


def _seeds(choice: Choice, cells: Cells, default: str) -> list[int]:
    """Seeds of which both the choice and the default were measured."""
    found = {key.partition("/")[2] for key in cells if key.startswith(f"{choice.name}/")}
    return sorted(int(seed) for seed in found if f"{default}/{seed}" in cells)


def _entry(choice: Choice, cells_of: Mapping[str, Cells], default: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    draws: list[NDArray[np.float64]] = []
    for name, cells in cells_of.items():
        pairs = [
            (cells[f"{choice.name}/{seed}"], cells[f"{default}/{seed}"]) for seed in _seeds(choice, cells, default)
        ]
        if any("diverged" in cell for pair in pairs for cell in pair):
            found[name] = {"seeds": len(pairs), "diverged": True}
        elif pairs:
            differences = np.stack([_right(ours).astype(float) - _right(usual) for ours, usual in pairs])
            draws.append(pigeonhole_draws(differences, seed=len(draws)))
            found[name] = {"seeds": len(pairs), **_figures(pairs, float(differences.mean()), draws[-1])}
    entry: dict[str, Any] = {"name": choice.name, "family": choice.family, "told": choice.told, "sets": found}
    if len(draws) == len(cells_of):
        measured = list(found.values())
        value = float(np.mean([figures["difference"] for figures in measured])) / 100
        entry["mean"] = {**_interval(value, np.mean(draws, axis=0)), "seconds": _mean(measured, "seconds")}
    return entry


def _figures(
    pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], value: float, draws: NDArray[np.float64]
) -> dict[str, float]:
    alike = [(ours, usual) for ours, usual in pairs if ours.get("cpu") == usual.get("cpu")]
    return {
        "accuracy": round(100 * float(np.mean([ours["accuracy"] for ours, _ in pairs])), 2),
        **_interval(value, draws),
        "log_loss": round(float(np.mean([ours["log_loss"] - usual["log_loss"] for ours, usual in pairs])), 4),
        "seconds": round(_seconds(alike), 2),
        "memory": round(float(np.mean([ours["above_mib"] / usual["above_mib"] for ours, usual in alike])), 2),
    }


def _seconds(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> float:
    """Tell how many times as long it took: of the processor, which other programs lengthen less, where known."""
    known = [pair for pair in pairs if all("cpu_seconds" in cell for cell in pair)]
    clock, told = ("cpu_seconds", known) if known else ("seconds", pairs)
    return float(np.mean([ours[clock] / usual[clock] for ours, usual in told]))


def _interval(value: float, draws: NDArray[np.float64]) -> dict[str, float]:
    low, high = np.quantile(draws, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return {"difference": round(100 * value, 2), "low": round(100 * float(low), 2), "high": round(100 * float(high), 2)}


def _mean(figures: Sequence[Mapping[str, float]], name: str) -> float:
    return round(float(np.mean([each[name] for each in figures])), 2)


def _right(cell: Mapping[str, Any]) -> NDArray[np.bool_]:
    return unpacked(cell["right"], cell["rows"])


def markdown(table: Mapping[str, Any]) -> str:
    """Lay the comparison out.

    Args:
        table: With the names of the data sets and an entry a choice.

    Returns:
        A Markdown table; cells that were not measured are empty.
    """
    sets = table["sets"]
    lines = [f"| | {' | '.join(sets)} | mean | seconds |", "|---|" + "---:|" * (len(sets) + 2)]
    for entry in table["choices"]:
        if entry["name"] == DEFAULT:
            cells = [f"{entry['sets'][name]['accuracy']:.1f} %" if name in entry["sets"] else "" for name in sets]
            lines.append(f"| default | {' | '.join(cells)} | | 1 |")
        else:
            cells = [told(entry["sets"].get(name)) for name in sets]
            mean = entry.get("mean")
            seconds = f"{mean['seconds']:.2f}" if mean else ""
            lines.append(f"| {entry['told']} | {' | '.join(cells)} | {told(mean)} | {seconds} |")
    return "\n".join(lines)


def told(figures: Mapping[str, Any] | None) -> str:
    """Tell a difference with its interval.

    Args:
        figures: Of a choice; None where there are none.

    Returns:
        In points, in bold where the interval excludes none.
    """
    if figures is None:
        return ""
    if figures.get("diverged"):
        return "diverged"
    text = f"{figures['difference']:+.1f} ({figures['low']:+.1f} to {figures['high']:+.1f})"
    return f"**{text}**" if figures["low"] > 0 or figures["high"] < 0 else text
