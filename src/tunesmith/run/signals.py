"""Being asked to stop: the first signal is a request that the run answers at its next step, the second ends it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequested:
    """Turns SIGINT and SIGTERM into a flag while it is open; a second signal raises KeyboardInterrupt at once.

    Handlers found at the start are put back at the end. A signal that is being ignored (as under ``nohup``) stays
    ignored. Outside the main thread, where Python cannot set handlers, nothing happens and the flag stays down.

    Example:
        >>> with StopRequested() as stop:
        ...     stop.requested
        False
    """

    def __init__(self) -> None:
        self._received: list[int] = []
        self._handlers: dict[signal.Signals, Callable[[int, FrameType | None], Any] | int] = {}

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        return bool(self._received)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                handler = signal.getsignal(number)
                if handler is not None and handler != signal.SIG_IGN:  # None: set by C code, could not be put back
                    self._handlers[number] = handler
                    signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._received.append(number)
        if len(self._received) > 1:
            raise KeyboardInterrupt
