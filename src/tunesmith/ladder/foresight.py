"""What a run will take, told before it: seconds and memory, each as a range that is to hold the truth 8 times of 10.

The ranges come of operations and the measured rate of the machine, with factors that runs on four data sets had
(``benchmarks/train_time``); ``benchmarks/forecast`` holds them against the truth on ten.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.ladder.fit_memory import full_climb_mib
from tunesmith.ladder.fitting import SHARE_OF_WHAT_IS_LEFT, reserve_s
from tunesmith.ladder.rungs import RUNGS, Rung
from tunesmith.ladder.site import Ground
from tunesmith.models.weights import weights_file
from tunesmith.types import JSON, as_one

_START_S = 4.0
"""Libraries, reading and splitting the rows, the rate of the machine, and the end of the process."""
_NO_SLOWER, _NO_FASTER = 1.6, 0.7
"""Seconds of a rung that nothing cuts short, in those foreseen: the first where neighbours share the machine."""
_OVERRUN = 1.05
"""Of a budget that a run may take."""
_MAY_END_AFTER = ("finetune",)
"""Rungs after which the gain of further ones may be excluded."""

_LEAST_MIB, _MOST_MIB = 0.6, 1.25
"""Memory that a run takes, in what is foreseen."""
_LIBRARIES_MIB = 330.0
_BYTES_OF_A_CHARACTER, _BYTES_OF_A_LABEL = 100.0, 2.0
"""In counts of words and characters; the second for each character and label, in the weights of these counts."""
_PROBE_MIB = 580.0
"""Of libraries and the passes of a frozen encoder, beside its weights."""
_COPIES_OF_FEATURES = 6.0
"""Two poolings, each stored, chosen from and solved on."""
_MIB = 2.0**20
_GB_OF_A_MIB = _MIB / 1e9


@dataclass(frozen=True, slots=True)
class Range:
    """Where something will lie."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Tell whether a value lies within.

        Args:
            value: What it came to.

        Returns:
            Whether it does.
        """
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a run will take."""

    seconds: Range
    """From the start of the process to its end."""
    peak_mib: Range
    """Most memory of the process."""

    def __str__(self) -> str:
        return f"{_told_time(self.seconds)}, {_told_memory(self.peak_mib)}"

    def as_json(self) -> dict[str, JSON]:
        """Give it as ``train --dry-run --json`` prints it.

        Returns:
            Plain data.
        """
        seconds, peak = self.seconds, self.peak_mib
        return {
            "told": str(self),
            "seconds": {"low": round(seconds.low, 1), "high": round(seconds.high, 1)},
            "peak_mib": {"low": round(peak.low), "high": round(peak.high)},
        }


def foresee(ground: Ground, rungs: Sequence[Rung], *, budget_s: float | None, elapsed_s: float = 0.0) -> Foreseen:
    """Foresee what a climb takes.

    Args:
        ground: Rows, base model and rate.
        rungs: Those still to climb, at least one.
        budget_s: Seconds that the run may take; None for no limit.
        elapsed_s: Seconds that it has taken.

    Returns:
        Time and memory of the whole run.
    """
    spent = max(elapsed_s, _START_S)
    wholes = [rung.whole(ground) for rung in rungs]
    rest_s = _rest_s(ground, rungs)
    high = spent + _NO_SLOWER * (sum(wholes) + rest_s)
    low = spent + _NO_FASTER * sum(wholes[: _least_climbed(ground, rungs)])
    if budget_s is not None and high > SHARE_OF_WHAT_IS_LEFT * budget_s:
        high = min(high, _OVERRUN * budget_s)
        low = min(low, _NO_FASTER * SHARE_OF_WHAT_IS_LEFT * budget_s)  # what does not fit is planned shorter
    return Foreseen(Range(low, max(low, high)), _peak_mib(ground, rungs))


def _least_climbed(ground: Ground, rungs: Sequence[Rung]) -> int:
    """Count the rungs that are climbed at least."""
    if not ground.recipe.ladder.climbs_all:
        for number, rung in enumerate(rungs, start=1):
            if rung.name in _MAY_END_AFTER:
                return number
    return len(rungs)


def _rest_s(ground: Ground, rungs: Sequence[Rung]) -> float:
    """Foresee what comes after the last rung: test rows, figures, writing; where a head is solved, solving it again."""
    uses_base = any(RUNGS.member(rung.name).USES_BASE for rung in rungs)
    refits = rungs[-1].whole(ground) if rungs[-1].name == "linear" else 0.0
    return (reserve_s(ground) if uses_base else 2.0) + 7.0 * refits


def _peak_mib(ground: Ground, rungs: Sequence[Rung]) -> Range:
    """Foresee the most that any rung takes."""
    characters = sum(len(as_one(text)) for text in ground.data.texts)
    of_a_character = _BYTES_OF_A_CHARACTER + _BYTES_OF_A_LABEL * ground.n_outputs
    found = [_LIBRARIES_MIB + of_a_character * characters / _MIB]
    if any(RUNGS.member(rung.name).USES_BASE for rung in rungs):
        features = 4.0 * ground.encoded.config.hidden_size * len(ground.data.texts)
        weights = weights_file(ground.base.folder).stat().st_size
        found.append(_PROBE_MIB + (weights + _COPIES_OF_FEATURES * features) / _MIB)
    if any("probe" in RUNGS.member(rung.name).NEEDS for rung in rungs):
        found.append(full_climb_mib(ground.base))
    return Range(_LEAST_MIB * max(found), _MOST_MIB * max(found))


def _told_time(seconds: Range) -> str:
    if seconds.high < 100.0:
        return f"{seconds.low:.0f} to {seconds.high:.0f} s"
    if seconds.high < 5400.0:
        return f"{_halves(seconds.low / 60.0)} to {_halves(seconds.high / 60.0)} min"
    return f"{_halves(seconds.low / 3600.0)} to {_halves(seconds.high / 3600.0)} h"


def _halves(value: float) -> str:
    """Halves below ten, whole numbers above; never rounded to nothing."""
    return f"{max(0.5, math.floor(2.0 * value + 0.5) / 2.0):g}" if value < 10.0 else f"{value:.0f}"


def _told_memory(mib: Range) -> str:
    return f"{_GB_OF_A_MIB * mib.low:.1f} to {_GB_OF_A_MIB * mib.high:.1f} GB"
