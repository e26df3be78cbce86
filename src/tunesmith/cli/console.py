"""Printing: results to stdout, progress and remarks to stderr."""

from __future__ import annotations

import json
import sys
import time
from types import TracebackType

from tunesmith.errors import plural
from tunesmith.types import JSON

_TELL_EVERY_S = 10.0


def print_json(value: JSON) -> None:
    """Print one JSON value a line to stdout.

    Args:
        value: No NaN or infinity.
    """
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")


def print_line(line: str = "") -> None:
    """Print a line of a result to stdout; a label or text in it can neither colour the terminal nor move its cursor.

    Args:
        line: Without its end.
    """
    sys.stdout.write(_printable(line) + "\n")


class Terminal:
    """Tells a run on stderr: a bar on a terminal, else a line every ten seconds.

    Args:
        quiet: Say nothing at all.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._live = not quiet and sys.stderr.isatty()
        self._started = time.monotonic()
        self._last_told = self._started
        self._bar_shown = False

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    def say(self, line: str) -> None:
        """Tell one finished fact; a name or text in it can neither colour the terminal nor move its cursor.

        Args:
            line: A sentence.
        """
        if not self._quiet:
            self._clear()
            self._write(_printable(line) + "\n")

    def progress(self, stage: str, share: float, left_s: float | None = None) -> None:
        """Tell how far a stage has come.

        Args:
            stage: What is being done.
            share: 0..1; 1 ends the stage.
            left_s: Seconds the stage will still take, where known.
        """
        left = "" if left_s is None or share >= 1.0 else f", about {_duration(left_s)} left"
        if self._live:
            if share >= 1.0:
                self._clear()
                return
            filled = int(24 * share)
            self._bar_shown = True
            self._write(f"\r\x1b[2K{stage:<22} {'━' * filled}{'╌' * (24 - filled)} {100 * share:3.0f} %{left}")
        elif not self._quiet and share < 1.0 and time.monotonic() - self._last_told >= _TELL_EVERY_S:
            self._last_told = time.monotonic()
            self._write(f"{stage}: {100 * share:.0f} %{left}\n")

    def count(self, stage: str, done: int) -> None:
        """Tell how far a stage has come whose end nobody knows.

        Args:
            stage: What is being done.
            done: Rows done.
        """
        line = f"{stage}: {done:,} {plural(done, 'row')}"
        if self._live:
            self._bar_shown = True
            self._write(f"\r\x1b[2K{line}")
        elif not self._quiet and time.monotonic() - self._last_told >= _TELL_EVERY_S:
            self._last_told = time.monotonic()
            self._write(line + "\n")

    def _clear(self) -> None:
        if self._bar_shown:
            self._bar_shown = False
            self._write("\r\x1b[2K")

    def _write(self, text: str) -> None:
        """Write to stderr; where its reader is gone, the run goes on in silence."""
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self._quiet, self._live, self._bar_shown = True, False, False


def _printable(line: str) -> str:
    """Make everything a space that is not to be seen: what is left is one line."""
    return "".join(char if char.isprintable() else " " for char in line)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"
