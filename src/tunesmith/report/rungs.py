"""The rungs as the report tells them: price, score, and what each gained over the one kept before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.report.wording import figure, rung_words, verdict
from tunesmith.types import JSON, Interval

if TYPE_CHECKING:
    from tunesmith.ladder.climb import Outcome
    from tunesmith.ladder.landing import Landing


@dataclass(frozen=True)
class Gain:
    """A rung against the one kept before it, on the same validation rows."""

    over: str
    """The rung kept before."""
    points: Interval
    """Points of the figure that chooses, with the 90 % interval."""
    p_value: float
    test: str
    """Name of the test that gave it."""

    @property
    def verdict(self) -> str:
        """Whether a difference is proven, in words."""
        return verdict(self.points.value, self.p_value)


@dataclass(frozen=True)
class RungLine:
    """One line of the table of rungs."""

    name: str
    words: str
    seconds: float
    peak_mib: float
    tflop: float | None
    """None where nothing was counted."""
    score: Interval | None
    """The figure that chooses, with its 95 % interval."""
    beside: Interval | None
    """The figure that the task is usually told by, where another chooses."""
    gain: Gain | None
    """None for the first."""
    kept: bool
    notes: tuple[str, ...]
    """What it decided from the data, and what it had to say."""


def rung_lines(outcome: Outcome, *, metric: str, usual: str) -> list[RungLine]:
    """List the rungs in the order they landed.

    Args:
        outcome: What the climb brought so far.
        metric: Name of the figure that chooses, as METRICS has it.
        usual: Name of the figure that the task is usually told by.

    Returns:
        One line a rung.
    """
    lines: list[RungLine] = []
    for landing in outcome.landings:
        metrics = outcome.validation.get(landing.rung, {})
        lines.append(
            RungLine(
                name=landing.rung,
                words=rung_words(landing.rung),
                seconds=landing.seconds,
                peak_mib=landing.peak_mib,
                tflop=landing.tflop if landing.tflop > 0.0 else None,
                score=figure(metrics.get(metric)),
                beside=None if usual == metric else figure(metrics.get(usual)),
                gain=_gain(outcome, landing),
                kept=landing.rung == outcome.kept.rung,
                notes=(*_decisions(landing.facts), *landing.notes),
            )
        )
    return lines


def _gain(outcome: Outcome, landing: Landing) -> Gain | None:
    comparison = outcome.comparisons.get(landing.rung)
    if comparison is None:
        return None
    return Gain(over=comparison.over, points=comparison.gain, p_value=comparison.p_value, test=comparison.test)


def _decisions(facts: dict[str, JSON]) -> list[str]:
    """What a rung decided from the data, as short phrases; longer things have a section of their own."""
    told = []
    for name, value in facts.items():
        if isinstance(value, bool):
            told.append(f"{_words(name)}: {'yes' if value else 'no'}")
        elif isinstance(value, int | float):
            told.append(f"{_words(name)}: {value:,}" if isinstance(value, int) else f"{_words(name)}: {value:.4g}")
        elif isinstance(value, str):
            told.append(f"{_words(name)}: {value}")
    return told


def _words(name: str) -> str:
    return name.replace("_", " ")
