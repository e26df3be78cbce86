"""What the processor draws, by its own counter where the system lets this process read it (RAPL, of Linux)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

_POWERCAP = Path("/sys/class/powercap")
_EVERY_S = 30.0
"""A counter starts anew after some minutes of full load, and must be read more often than that."""
_MICRO = 1e-6


class EnergyMeter:
    """Reads the energy counters of all processor packages while a block runs.

    Args:
        folder: Where the system shows them.
        clock: Gives seconds.
        every_s: Seconds between two readings.
    """

    def __init__(
        self,
        folder: Path = _POWERCAP,
        *,
        clock: Callable[[], float] = time.monotonic,
        every_s: float = _EVERY_S,
    ) -> None:
        self._clock = clock
        self._every_s = every_s
        self._counters = [each for each in sorted(folder.glob("intel-rapl:*")) if _is_package(each)]
        self._last = [_microjoules(each) for each in self._counters]
        self._began = clock()
        self._joules = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._reader: threading.Thread | None = None

    def __enter__(self) -> EnergyMeter:
        if self._counters and None not in self._last:
            self._reader = threading.Thread(target=self._read_on, name="energy meter", daemon=True)
            self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._reader is not None:
            self._reader.join()

    def watts(self) -> float | None:
        """Measure the mean power since the meter was made.

        Returns:
            Watts of all packages together, whatever ran on them; None where the system does not tell.
        """
        with self._lock:
            self._read()
            seconds = self._clock() - self._began
            known = self._counters and None not in self._last
            return self._joules / seconds if known and seconds > 0.0 else None

    def _read_on(self) -> None:
        while not self._over.wait(self._every_s):
            with self._lock:
                self._read()

    def _read(self) -> None:
        """Add what each counter has moved; one that starts anew has been through its whole range."""
        for place, counter in enumerate(self._counters):
            before, after = self._last[place], _microjoules(counter)
            if before is None or after is None:  # a reading that fails once is made up for by the next
                continue
            whole = 0.0 if after >= before else _microjoules(counter, "max_energy_range_uj") or 0.0
            self._joules += _MICRO * (after - before + whole)
            self._last[place] = after


def _is_package(folder: Path) -> bool:
    """Tell a whole package from its parts, whose energy is counted in it already."""
    try:
        return (folder / "name").read_text(encoding="ascii").startswith("package")
    except OSError:
        return False


def _microjoules(folder: Path, name: str = "energy_uj") -> float | None:
    try:
        return float((folder / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
