"""Files of JSON lines that only ever grow, and that a run killed in the middle of a line finds again whole."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.errors import ArtifactError
from tunesmith.files.atomic import append_line, write_error
from tunesmith.files.reading import parse_json, read_limited
from tunesmith.types import JSON

_MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Lines:
    """What a file of JSON lines holds: its whole lines, the bytes they take, and those of a torn line after them."""

    records: list[dict[str, Any]]
    n_bytes: int
    n_torn_bytes: int


def read_lines(path: Path) -> Lines:
    """Read all whole lines; a line that was being written when its writer died is left out.

    Args:
        path: The file; a missing one has no lines.

    Returns:
        One object a line.

    Raises:
        ArtifactError: ``json-damaged``, a line before the last is not a JSON object; ``path:line`` is named.
    """
    data = read_limited(path, _MAX_BYTES) if path.exists() else b""
    n_bytes = whole_bytes(data)
    records = []
    for number, line in enumerate(data[:n_bytes].split(b"\n")[:-1], start=1):
        record = parse_json(line, where=f"{path}:{number}")
        if not isinstance(record, dict):
            raise ArtifactError("json-damaged", "this line is not a JSON object", where=f"{path}:{number}")
        records.append(record)
    return Lines(records, n_bytes, len(data) - n_bytes)


def open_lines(path: Path) -> list[dict[str, Any]]:
    """Read all whole lines and cut a torn one off the file, so that the next line begins where it should.

    Args:
        path: The file; a missing one has no lines and is not made.

    Returns:
        One object a line.

    Raises:
        ArtifactError: A line before the last is damaged.
        ResourceError: The file cannot be written.
    """
    lines = read_lines(path)
    if lines.n_torn_bytes:
        cut(path, lines.n_bytes)
    return lines.records


def add_line(path: Path, record: dict[str, Any]) -> None:
    """Append one object and sync it.

    Args:
        path: The file; made where it is missing.
        record: JSON values, numbers finite.

    Raises:
        ResourceError: The disk is full or refuses the write; the file is as it was.
    """
    append_line(path, render(record))


def render(record: dict[str, Any]) -> str:
    """Lay out one line without its end.

    Returns:
        JSON on one line, floats so that they read back equal.

    Raises:
        ValueError: A number is not finite.

    Example:
        >>> render({"n": 1, "key": "threads", "value": 0.1})
        '{"n": 1, "key": "threads", "value": 0.1}'
    """
    return json.dumps(record, ensure_ascii=False, allow_nan=False)


def finite_or_null(value: JSON) -> JSON:
    """Put None for NaN and infinity, which JSON lacks; for records that must be written whatever was measured.

    Returns:
        The value with every number finite.

    Example:
        >>> finite_or_null({"loss": float("nan"), "rates": [0.5, float("inf")]})
        {'loss': None, 'rates': [0.5, None]}
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite_or_null(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite_or_null(item) for item in value]
    return value


def whole_bytes(data: bytes) -> int:
    r"""Count the bytes of the whole lines at the start of a file.

    A line without its end is torn; so is a last line with a zero byte, which a file system leaves after a power cut
    where it had made the file longer and not yet filled it.

    Returns:
        Where the next line belongs.

    Example:
        >>> whole_bytes(b'{"n": 1}\n{"n": ')
        9
    """
    end = data.rfind(b"\n") + 1
    begin_of_last = data.rfind(b"\n", 0, max(end - 1, 0)) + 1
    return begin_of_last if b"\0" in data[begin_of_last:end] else end


def cut(path: Path, n_bytes: int) -> None:
    """Shorten a file and sync it.

    Args:
        path: The file.
        n_bytes: How much of it stays.

    Raises:
        ResourceError: The file cannot be written.
    """
    try:
        with path.open("r+b") as file:
            file.truncate(n_bytes)
            os.fsync(file.fileno())
    except OSError as error:
        raise write_error(path, error) from error
