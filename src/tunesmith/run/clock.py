"""How long the run has been going, over all its lives, and what is left of its budget."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable

from tunesmith.errors import ConfigError, quote
from tunesmith.machine.clock import process_age_s

_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_PLAIN = re.compile(_NUMBER)
_WITH_UNITS = re.compile(rf"(?:{_NUMBER}\s*h)?\s*(?:{_NUMBER}\s*m)?\s*(?:{_NUMBER}\s*s)?")


class Clock:
    """Wall clock of a run from the start of its process; never steps back, whatever the clock on the wall does.

    Args:
        budget_s: Seconds the run may take, all its lives together; None for no limit.
        earlier_s: Seconds spent by earlier, killed lives of the run.
        started_s: Seconds this life has lasted already; None asks the system for the age of the process.
        now: Source of seconds that only grow; a test puts its own.

    Example:
        >>> clock = Clock(600.0, earlier_s=50.0, started_s=10.0, now=iter([1000.0, 1240.0]).__next__)
        >>> clock.left()
        300.0
    """

    def __init__(
        self,
        budget_s: float | None,
        *,
        earlier_s: float = 0.0,
        started_s: float | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget_s = budget_s
        self._now = now
        self._zero = now() - (process_age_s() if started_s is None else started_s) - earlier_s

    def elapsed(self) -> float:
        """Tell how long the run has been going.

        Returns:
            Seconds since the process started, and those of earlier lives.
        """
        return self._now() - self._zero

    def left(self) -> float:
        """Tell how much time remains.

        Returns:
            Seconds, below zero once the budget is overrun; infinite without a budget.
        """
        return math.inf if self.budget_s is None else self.budget_s - self.elapsed()


def parse_budget(text: str) -> float | None:
    """Read a budget as a person writes it: ``10m``, ``90s``, ``1h30m``, ``45`` (seconds) or ``none``.

    Returns:
        Seconds, more than 0; None for no limit.

    Raises:
        ConfigError: ``bad-budget``, the text is not such a time, or the time is zero or below.

    Example:
        >>> parse_budget("1h30m"), parse_budget("45"), parse_budget("none")
        (5400.0, 45.0, None)
    """
    trimmed = text.strip().lower()
    if trimmed == "none":
        return None
    if _PLAIN.fullmatch(trimmed):
        seconds = float(trimmed)
    else:
        match = _WITH_UNITS.fullmatch(trimmed)
        parts = match.groups(default="0") if match else ("0",)
        seconds = sum(float(part) * unit for part, unit in zip(parts, (3600.0, 60.0, 1.0), strict=False))
    if not 0.0 < seconds < math.inf:
        raise ConfigError(
            "bad-budget",
            "the budget is not a time above zero",
            found=quote(text),
            allowed="hours, minutes, seconds: 90s, 10m, 1h30m, a bare number of seconds, or none for no limit",
            advice="--budget 10m",
        )
    return seconds
