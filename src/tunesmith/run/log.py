"""The log of training: a line a step, gathered in memory and written at evaluation points."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from tunesmith.files.atomic import write_error
from tunesmith.run.lines import cut, finite_or_null, render, whole_bytes
from tunesmith.types import JSON


class RunLog:
    """JSON lines such as time, rung, step, loss, learning rate, tokens a second; flushed, not synced.

    A run that goes on from a checkpoint takes the steps after it again: it opens the log with the size that the
    checkpoint keeps, and no step stands in the log twice.

    Args:
        path: The file; made with the first flush. A torn last line is cut off.
        keep_bytes: What ``flush`` gave when the checkpoint was made; everything after it is cut off.
    """

    def __init__(self, path: Path, *, keep_bytes: int | None = None) -> None:
        self._path = path
        self._waiting: list[str] = []
        data = path.read_bytes() if path.exists() else b""
        size = whole_bytes(data[:keep_bytes])
        if size < len(data):
            cut(path, size)

    def write(self, **fields: JSON) -> None:
        """Add a line; it reaches the file with the next flush.

        Args:
            **fields: Figures and names; a number that is not finite is written as null.
        """
        self._waiting.append(render(finite_or_null(fields)) + "\n")

    def flush(self) -> int:
        """Hand the gathered lines to the operating system.

        Returns:
            Size of the file in bytes, for ``keep_bytes``.

        Raises:
            ResourceError: The disk is full or refuses the write; the lines stay gathered.
        """
        waiting = "".join(self._waiting).encode("utf-8")
        try:
            with self._path.open("ab", buffering=0) as file:
                before = os.fstat(file.fileno()).st_size
                try:
                    n_written = 0
                    while n_written < len(waiting):
                        n_written += file.write(waiting[n_written:])
                except OSError:
                    file.truncate(before)
                    raise
        except OSError as error:
            raise write_error(self._path, error) from error
        self._waiting.clear()
        return before + n_written

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.flush()
