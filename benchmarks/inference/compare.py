"""What was measured, laid out: figures of each runner, the table, and how far the claims hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from benchmarks.inference.runners import ANCHOR, DOCUMENTED, RUNNERS
from benchmarks.training_choices.measure import unpacked
from numpy.typing import NDArray

from tunesmith.evaluate.intervals import mean_interval
from tunesmith.types import Interval

MOST_LOST = 0.5
"""Points below fp32 within which speeds are compared."""
WANTED_OF_PEER, WANTED_OF_PIPELINE, WANTED_MS = 1.25, 8.0, 0.9


@dataclass(frozen=True)
class Figures:
    """Of one runner on one set."""

    name: str
    accuracy: Interval
    gained: Interval
    """Accuracy above the anchor's, in points, paired by text."""
    rate: float
    """Texts a second of the processor, many at once; by the clock where several threads compute."""
    clock_rate: float
    """Texts a second of the clock."""
    times_anchor: float
    """How many times as many texts as the anchor in the same rounds."""
    one_ms: tuple[float, float]
    """One text, median and 95th percentile, of the processor; by the clock where several threads compute."""
    one_clock_ms: tuple[float, float]
    """The same by the clock."""
    memory_mib: float
    size_mib: float
    batching: str

    @property
    def is_ours(self) -> bool:
        """Whether it is tunesmith."""
        return RUNNERS[self.name].is_ours

    @property
    def keeps(self) -> bool:
        """Whether it loses half a point at most."""
        return self.gained.value >= -MOST_LOST


def figures(whole: Mapping[str, Any], name: str) -> list[Figures]:
    """Work out the figures of a set.

    Args:
        whole: Results of a data set.
        name: The set.

    Returns:
        Of each runner that was measured, in the order of the runners; none without the anchor.
    """
    cells = {runner: whole["cells"].get(f"{name}/{runner}") for runner in RUNNERS}
    anchor = cells[ANCHOR]
    if anchor is None:
        return []
    clock = 0 if whole["threads"] > 1 else 1
    there = {runner: cell for runner, cell in cells.items() if cell is not None and cell["rounds"]}
    return [figures_of(runner, cell, marks(anchor), clock=clock) for runner, cell in there.items()]


def figures_of(name: str, cell: Mapping[str, Any], anchor: NDArray[np.float64], *, clock: int) -> Figures:
    """Work out the figures of a cell.

    Args:
        name: The runner.
        cell: What was measured.
        anchor: Which texts the anchor answers right, 0 or 1.
        clock: 0 for seconds of the clock, 1 for those of the processors.

    Returns:
        The figures.
    """
    rounds = cell["rounds"]
    gained = mean_interval(100 * (marks(cell) - anchor), seed=0)
    ones = [[median(each["one_ms"][of][at] for each in rounds) for at in (0, 1)] for of in (0, 1)]
    rates = [cell["n_many"] / median(each["many_s"][of] for each in rounds) for of in (0, 1)]
    return Figures(
        name=name,
        accuracy=mean_interval(marks(cell), seed=0),
        gained=gained,
        rate=rates[clock],
        clock_rate=rates[0],
        times_anchor=median(each["anchor_s"][clock] / each["many_s"][clock] for each in rounds),
        one_ms=(ones[clock][0], ones[clock][1]),
        one_clock_ms=(ones[0][0], ones[0][1]),
        memory_mib=cell["memory_mib"],
        size_mib=cell["size_mib"],
        batching=batching_of(cell["batching"]) if len(RUNNERS[name].batchings) > 1 else "",
    )


def marks(cell: Mapping[str, Any]) -> NDArray[np.float64]:
    """Read which texts a runner answers right.

    Args:
        cell: What was measured.

    Returns:
        1 where it does, ``[B]``.
    """
    return unpacked(cell["right"], cell["rows"]).astype(np.float64)


def batching_of(batching: Mapping[str, Any]) -> str:
    """Tell how texts were put together.

    Args:
        batching: ``size`` and ``equal``.

    Returns:
        For example ``"32"``, or ``"16 of one length"``.
    """
    return f"{batching['size']}{' of one length' if batching['equal'] else ''}"


def markdown(found: Sequence[Figures]) -> str:
    """Lay figures out, the slowest first.

    Args:
        found: Of the runners.

    Returns:
        A Markdown table.
    """
    lines = [
        "| | accuracy | above fp32, points | texts a second | by the clock | times `tunesmith` | a batch "
        "| one text, ms: p50, p95 | by the clock | memory, MiB | size, MiB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for each in sorted(found, key=lambda figures: figures.times_anchor):
        name = f"**{each.name}**" if each.is_ours else each.name
        accuracy = (
            f"{100 * each.accuracy.value:.1f} % ({100 * each.accuracy.low:.1f} to {100 * each.accuracy.high:.1f})"
        )
        gained = f"{each.gained.value:+.2f} ({each.gained.low:+.2f} to {each.gained.high:+.2f})"
        cells = [name, accuracy, gained, f"{each.rate:,.0f}", f"{each.clock_rate:,.0f}", f"{each.times_anchor:.2f}"]
        cells += [each.batching, *(" , ".join(f"{ms:.2f}" for ms in pair) for pair in (each.one_ms, each.one_clock_ms))]
        cells += [f"{each.memory_mib:.0f}", f"{each.size_mib:.1f}"]
        lines.append(f"| {' | '.join(cells)} |".replace(" , ", ", "))
    return "\n".join(lines)


def _is_checkpoint(found: Figures) -> bool:
    """Whether it is the checkpoint itself, in whatever form."""
    return not RUNNERS[found.name].other_model


def verdicts(found: Sequence[Figures]) -> list[str]:
    """Hold what was measured to what is wanted, as it is.

    Args:
        found: Of the runners.

    Returns:
        A sentence for each figure that was wanted; none where no peer was measured.
    """
    peers = [each for each in found if not each.is_ours and each.keeps]
    ours = [each for each in found if each.is_ours and each.keeps]
    if not peers or not ours:
        return []
    told = []
    for what, counts in (("the same checkpoint", _is_checkpoint), ("any model", lambda _: True)):
        best, peer = (
            max(filter(counts, group), key=lambda each: each.times_anchor, default=None) for group in (ours, peers)
        )
        if best is not None and peer is not None:
            ratio = best.times_anchor / peer.times_anchor
            verdict = "met" if ratio >= WANTED_OF_PEER else "not met"
            told.append(
                f"Many at once, {what}: `{best.name}` answers {ratio:.2f} times as many texts as the best peer that "
                f"loses no more than half a point, {peer.name}; wanted {WANTED_OF_PEER}: {verdict}."
            )
    pipeline = next((each for each in found if each.name == DOCUMENTED), None)
    best = max(ours, key=lambda each: each.times_anchor)
    if pipeline is not None:
        ratio = best.times_anchor / pipeline.times_anchor
        verdict = "met" if ratio >= WANTED_OF_PIPELINE else "not met"
        told.append(
            f"`{best.name}` answers {ratio:.1f} times as many as the pipeline as documented; wanted "
            f"{WANTED_OF_PIPELINE:.0f}: {verdict}."
        )
    quick = min(ours, key=lambda each: each.one_ms[0])
    other = min(peers, key=lambda each: each.one_ms[0])
    verdict = "met" if quick.one_ms[0] <= WANTED_MS else "not met"
    told.append(
        f"One text: `{quick.name}` {quick.one_ms[0]:.2f} ms, {other.name} {other.one_ms[0]:.2f} ms; wanted "
        f"{WANTED_MS} ms: {verdict}."
    )
    return told
