"""Files opened for reading as bytes: plain or gzip, from the disk or from standard input."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunesmith.data.files_given import STDIN, unknown_format
from tunesmith.errors import DataError

_GZIP = b"\x1f\x8b"
_OTHER_FILES = {
    b"PK\x03\x04": "a spreadsheet (.xlsx, .ods) or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (.xls)",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF document",
    b"SQLite f": "a database",
    b"\xfd7zXZ": "an xz archive",
    b"BZh": "a bzip2 archive",
    b"\x28\xb5\x2f\xfd": "a zstandard archive",
}


@contextmanager
def opened(file: str) -> Iterator[io.BufferedIOBase]:
    """Open a file of text; gzip is unpacked on the way, whatever its name.

    Args:
        file: Its name, or ``-`` for standard input.

    Yields:
        Its bytes.

    Raises:
        DataError: ``file-unreadable``; ``unknown-format`` where the bytes are of another kind of file;
            ``gzip-damaged``, while reading.
    """
    if file == STDIN:
        yield _unpacked(sys.stdin.buffer, "<stdin>")  # type: ignore[arg-type]  # buffered wherever it has a descriptor
        return
    try:
        stream = Path(file).open("rb")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(
            "file-unreadable", f"the file cannot be opened: {reason}", where=file, advice="check its rights"
        ) from error
    with stream:
        yield _unpacked(stream, file)


def _unpacked(stream: io.BufferedReader, source: str) -> io.BufferedIOBase:
    """Look at the first bytes; give what they pack, or refuse what is no text."""
    start = stream.peek(8)
    if start.startswith(_GZIP):
        return _Unpacked(stream, source)
    for magic, name in _OTHER_FILES.items():
        if start.startswith(magic):
            raise unknown_format(source, f"the content of {name}")
    return stream


class _Unpacked(io.BufferedIOBase):
    """The bytes within a gzip stream; damage is told as a fault of the user's file."""

    def __init__(self, stream: io.BufferedReader, source: str) -> None:
        self._inner = gzip.GzipFile(fileobj=stream)
        self._source = source

    def read1(self, size: int = -1) -> bytes:
        try:
            return self._inner.read1(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(
                "gzip-damaged",
                "the gzip file is damaged or was cut off",
                where=self._source,
                found=str(error),
                advice="copy or fetch it again; test it with: gzip -t",
            ) from error
