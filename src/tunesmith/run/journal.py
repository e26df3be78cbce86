"""The journal: what happened, in order, with its measured costs; nothing in it decides what the result is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tunesmith.run.clock import Clock
from tunesmith.run.lines import add_line, finite_or_null, open_lines
from tunesmith.types import JSON


class Journal:
    """A file of events, one JSON line each, synced as they happen; it outlives the process.

    Every line has ``event`` and ``elapsed``, the seconds the run had been going by then, all its lives together.

    Args:
        path: The file; made with the first event. A torn last line, of a killed life, is cut off.
        started_s: Seconds this life has lasted already; None asks the system for the age of the process.
        now: Source of seconds that only grow; a test puts its own.
    """

    def __init__(
        self, path: Path, *, started_s: float | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._events = open_lines(path)
        self._clock = Clock(None, earlier_s=self.elapsed_s(), started_s=started_s, now=now)

    def append(self, event: str, **fields: JSON) -> None:
        """Write down that something happened; on the disk when this returns.

        Args:
            event: What, in a word or two joined by an underscore.
            **fields: Figures and names; a number that is not finite is written as null.

        Raises:
            ResourceError: The disk is full or refuses the write; the journal is as it was.
        """
        assert "elapsed" not in fields, "the journal measures elapsed itself"
        record = {"event": event, "elapsed": round(self._clock.elapsed(), 3), **finite_or_null(fields)}
        add_line(self._path, record)
        self._events.append(record)

    def events(self, event: str | None = None) -> list[dict[str, Any]]:
        """Give what is written down, earlier lives included.

        Args:
            event: Only events of this name; all where left out.

        Returns:
            One dict a line, oldest first.
        """
        return [dict(record) for record in self._events if event in (None, record.get("event"))]

    def elapsed_s(self) -> float:
        """Tell how long the run had been going when the last event was written down.

        Right after opening these are the seconds of the earlier lives, which the clock of this life goes on from.

        Returns:
            Seconds, all lives together; 0 for a new journal.
        """
        return max((float(record.get("elapsed", 0.0)) for record in self._events), default=0.0)
