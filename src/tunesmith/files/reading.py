"""Reading files that came from elsewhere: bounded in size and depth, and every refusal names the file."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from io import BufferedReader
from pathlib import Path

from tunesmith.errors import ArtifactError, quote
from tunesmith.types import JSON

_MIB = 1024 * 1024
_MAX_DEPTH = 64
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def open_artifact(path: Path, *, follow_symlinks: bool = True) -> BufferedReader:
    """Open a file of a model folder for reading, without ever waiting on a pipe or a device.

    Args:
        path: The file.
        follow_symlinks: Whether a link is followed, as the hub's cache needs it.

    Returns:
        The file, open for reading bytes; the caller closes it.

    Raises:
        ArtifactError: ``artifact-missing``, ``artifact-unreadable``, ``symlink-refused``, or ``not-a-file`` for
            folders, pipes and devices.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow_symlinks else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError as error:
        raise ArtifactError(
            "artifact-missing",
            "there is no such file",
            where=shown(path),
            advice="check the path; a folder that lacks it is not whole",
        ) from error
    except OSError as error:
        if not follow_symlinks and path.is_symlink():
            raise symlink_refused(path) from error
        raise unreadable(path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ArtifactError(
            "not-a-file",
            "this is not an ordinary file",
            where=shown(path),
            allowed="files; no folders, pipes or devices",
        )
    return os.fdopen(descriptor, "rb")


def shown(path: Path) -> str:
    r"""Show a path whose names may be anybody's: whole, but without what a terminal cannot or should not print.

    Args:
        path: The path.

    Returns:
        The path with control characters and broken bytes escaped.

    Example:
        >>> shown(Path("model/a" + chr(27) + ".txt"))
        'model/a\\x1b.txt'
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(path))


def symlink_refused(path: Path) -> ArtifactError:
    """Make the error for a symbolic link where only files may be.

    Args:
        path: The link.

    Returns:
        ``symlink-refused``, to be raised by the caller.
    """
    return ArtifactError(
        "symlink-refused",
        "a symbolic link could lead anywhere, so a model folder may hold none",
        where=shown(path),
        advice="copy the folder with its links followed (cp -rL), or train again",
    )


def unreadable(path: Path, error: OSError) -> ArtifactError:
    """Make the error for a file or folder that the operating system does not let us read.

    Args:
        path: The file or folder.
        error: The refusal.

    Returns:
        ``artifact-unreadable``, to be raised by the caller.
    """
    return ArtifactError(
        "artifact-unreadable",
        "this cannot be read",
        where=shown(path),
        found=error.strerror or str(error),
        advice="check its permissions and the disk",
    )


def read_limited(path: Path, max_bytes: int) -> bytes:
    """Read a whole file that must not be larger than it has any reason to be.

    Args:
        path: The file.
        max_bytes: The most it may hold.

    Returns:
        Its content.

    Raises:
        ArtifactError: ``artifact-too-large``, or any refusal of ``open_artifact``.
    """
    with open_artifact(path) as file:
        try:
            size = os.fstat(file.fileno()).st_size
            data = file.read(max_bytes + 1) if size <= max_bytes else b""
        except OSError as error:
            raise unreadable(path, error) from error
    if size > max_bytes or len(data) > max_bytes:
        raise ArtifactError(
            "artifact-too-large",
            "the file is larger than a file of its kind can be",
            where=shown(path),
            found=f"{max(size, len(data)):,} bytes",
            allowed=f"at most {max_bytes:,} bytes",
        )
    return data


def read_json(path: Path, *, max_bytes: int = 64 * _MIB) -> JSON:
    """Read a JSON file strictly: UTF-8, no key twice, finite numbers, at most 64 levels deep.

    Args:
        path: The file.
        max_bytes: The most it may hold.

    Returns:
        The value.

    Raises:
        ArtifactError: ``json-damaged`` with the position, or any refusal of ``read_limited``.
    """
    return parse_json(read_limited(path, max_bytes), where=shown(path))


def parse_json(data: bytes, *, where: str) -> JSON:
    """Parse bytes as strictly as ``read_json`` does.

    Args:
        data: The content.
        where: The file it came from, named in errors.

    Returns:
        The value.

    Raises:
        ArtifactError: ``json-damaged`` with the position where it is known.

    Example:
        >>> parse_json(b'{"format": 1}', where="tunesmith.json")
        {'format': 1}
    """
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant, parse_float=_finite_float
        )
    except UnicodeDecodeError as error:
        raise _damaged(where, f"byte 0x{data[error.start]:02X} at offset {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise _damaged(where, f"{error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise _too_deep(where) from error
    except ValueError as error:  # from the hooks below, and for whole numbers of thousands of digits
        raise _damaged(where, str(error)) from error
    if _is_deeper(value, _MAX_DEPTH):
        raise _too_deep(where)
    if _SURROGATE.search(text):
        _refuse_half_pairs(value, where)
    return value


def _damaged(where: str, found: str) -> ArtifactError:
    """Make the error for a JSON file that cannot be used."""
    return ArtifactError(
        "json-damaged",
        "this is not valid JSON",
        where=where,
        found=found,
        advice="restore the file from where it came, or train again",
    )


def _too_deep(where: str) -> ArtifactError:
    """Make the error for lists and objects nested beyond any reason."""
    return _damaged(where, f"lists and objects nested deeper than {_MAX_DEPTH} levels")


def _unique_keys(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    """Build an object, refusing a key that stands in it twice: readers would differ on which one counts."""
    unique = dict(pairs)
    if len(unique) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {quote(twice)} stands twice in one object")
    return unique


def _refuse_constant(name: str) -> JSON:
    """Refuse NaN, Infinity and -Infinity, which JSON does not have."""
    raise ValueError(f"{name} is not a JSON number")


def _finite_float(digits: str) -> float:
    """Convert a number, refusing one that no float can hold."""
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {quote(digits)} is too large")
    return number


def _is_deeper(value: JSON, limit: int) -> bool:
    """Tell whether lists and objects are nested deeper than ``limit``, level by level and without recursion."""
    level = [value]
    for _ in range(limit + 1):
        inner = [node for node in level if isinstance(node, dict | list)]
        if not inner:
            return False
        level = [child for node in inner for child in (node.values() if isinstance(node, dict) else node)]
    return True


def _refuse_half_pairs(value: JSON, where: str) -> None:
    """Refuse text in which an escape gave half of a surrogate pair, which no encoding can write again."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise _damaged(where, "half of a surrogate pair in a text") from error
