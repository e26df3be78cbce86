"""Atomic and durable writes: a reader finds the old file or the new one, whole, whatever happens to the writer.

A file is written under an unpredictable temporary name in its own folder, synced, renamed over the final name, and
the folder is synced, because a rename lives in the folder and not in the file.
"""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tunesmith.errors import ArtifactError, ResourceError, quote
from tunesmith.types import JSON

_PREFIX = ".tunesmith-"
_SUFFIX = ".tmp"
_MIB = 1024.0 * 1024.0
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FOLDER_SYNC_UNKNOWN = (errno.EINVAL, errno.ENOTSUP)


@contextmanager
def replacing(path: Path, *, expected_bytes: int | None = None) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the place of ``path`` when the block ends well, and vanishes when it does not.

    Args:
        path: The final name; a symlink of this name is itself replaced, not followed.
        expected_bytes: Size of what will be written, told to the user if the disk is full.

    Yields:
        The temporary file, open for writing bytes.

    Raises:
        ResourceError: ``disk-full`` or ``write-failed``; what was at ``path`` before is untouched, unless the rename
            was done and only the sync of the folder failed.
    """
    temporary = path.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
    try:
        with os.fdopen(_open_new(temporary), "wb") as file:
            yield file
            file.flush()
            _sync(file.fileno())
        temporary.replace(path)
        fsync_folder(path.parent)
    except OSError as error:
        raise write_error(path, error, expected_bytes=expected_bytes) from error
    finally:
        with suppress(OSError):  # gone after the rename; and no failure here may hide the first one
            temporary.unlink()


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file, atomically and durably.

    Args:
        path: The final name, in a folder that exists.
        data: The content.

    Raises:
        ResourceError: The disk is full or refuses the write; the old file is still there.
    """
    with replacing(path, expected_bytes=len(data)) as file:
        file.write(data)


def copy_file(source: Path, path: Path) -> None:
    """Copy a file whole and force it to the disk.

    Args:
        source: To read.
        path: To write; its folder exists.

    Raises:
        ResourceError: As ``replacing`` says; what was at ``path`` before is untouched.
        OSError: The source cannot be opened.
    """
    with source.open("rb") as read, replacing(path, expected_bytes=source.stat().st_size) as file:
        shutil.copyfileobj(read, file)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file as UTF-8, line ends as they are.

    Args:
        path: The final name, in a folder that exists.
        text: The content.

    Raises:
        ArtifactError: ``text-not-unicode``: the text holds half of a surrogate pair.
        ResourceError: The disk is full or refuses the write; the old file is still there.
    """
    write_bytes(path, _utf8(text, path))


def write_json(path: Path, value: JSON) -> None:
    """Write a JSON file that is the same bytes for the same value: key order kept, two spaces, floats by ``repr``.

    Args:
        path: The final name, in a folder that exists.
        value: None, bool, int, finite float, str, and lists and dicts with string keys of these.

    Raises:
        ArtifactError: ``json-unwritable``: JSON has no form for some value, for example NaN; its path is named.
        ResourceError: The disk is full or refuses the write; the old file is still there.
    """
    write_bytes(path, json_bytes(value, path))


def json_bytes(value: JSON, path: Path) -> bytes:
    r"""Render a value as ``write_json`` writes it.

    Args:
        value: As for ``write_json``.
        path: The file it is meant for, named in errors only.

    Returns:
        UTF-8 with a newline at the end.

    Raises:
        ArtifactError: JSON has no form for some value.

    Example:
        >>> json_bytes({"rate": 0.1}, Path("costs.json"))
        b'{\n  "rate": 0.1\n}\n'
    """
    for place, problem in _unwritable(value, ""):
        raise ArtifactError(
            "json-unwritable",
            "this value cannot be written as JSON",
            where=str(path),
            found=f"{problem} at {place or 'the top'}",
            allowed="finite numbers, texts, true, false, null, lists, and objects with text keys",
        )
    return _utf8(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", path)


def append_line(target: int | Path, text: str) -> None:
    """Add one line to a log with one write and one sync, so that a line is never split between two writers.

    Args:
        target: A file to create or extend, or the descriptor of one that is open for appending.
        text: The line without its end.

    Raises:
        ArtifactError: ``text-not-unicode``: the text holds half of a surrogate pair.
        ResourceError: The line could not be written whole; the part that was written is taken back.
    """
    assert "\n" not in text, "a line of a log holds no line end"
    if isinstance(target, int):
        _append(target, _utf8(f"{text}\n", Path("log")), Path("log"))
        return
    data = _utf8(f"{text}\n", target)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        try:
            descriptor = os.open(target, flags)
        except FileNotFoundError:
            descriptor = os.open(target, flags | os.O_CREAT, 0o666)
            fsync_folder(target.parent)
    except OSError as error:
        raise write_error(target, error, expected_bytes=len(data)) from error
    try:
        _append(descriptor, data, target)
    finally:
        os.close(descriptor)


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable: files created, renamed and removed in it.

    Args:
        folder: An existing folder.

    Raises:
        ResourceError: ``write-failed``: the disk reports a fault.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _FOLDER_SYNC_UNKNOWN:  # some network file systems know no sync of folders
            raise write_error(folder, error) from error


def remove_leftovers(folder: Path) -> int:
    """Remove temporary files that killed writers left in a folder; call it only while no other writer is at work.

    Args:
        folder: An existing folder; folders below it are left alone.

    Returns:
        How many files were removed.

    Raises:
        ResourceError: ``write-failed``: the folder cannot be read or a file cannot be removed.
    """
    try:
        found = [path for path in folder.iterdir() if path.name.startswith(_PREFIX) and path.name.endswith(_SUFFIX)]
        for path in found:
            path.unlink()
    except OSError as error:
        raise write_error(folder, error) from error
    return len(found)


def try_writing(path: Path) -> None:
    """Make sure that a file can be written at a place, before the work whose result it is to hold.

    Args:
        path: The final name; what is there is left alone.

    Raises:
        ResourceError: ``write-failed`` or ``disk-full``.
    """
    trial = path.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
    try:
        os.close(_open_new(trial))
        trial.unlink()
    except OSError as error:
        raise write_error(path, error) from error


def write_error(path: Path, error: OSError, *, expected_bytes: int | None = None) -> ResourceError:
    """Turn a refusal of the operating system into an error that says what is needed.

    Args:
        path: What should have been written.
        error: The refusal.
        expected_bytes: Size of what should have been written, where known.

    Returns:
        ``disk-full`` or ``write-failed``, to be raised by the caller.
    """
    reason = error.strerror or str(error)
    if error.errno not in _FULL:
        return ResourceError(
            "write-failed",
            "the file system refuses the write",
            where=str(path),
            found=reason,
            advice="check that the folder exists, is writable and is not a file",
        )
    needed = "" if expected_bytes is None else f"; {expected_bytes / _MIB:.1f} MiB are needed"
    with suppress(OSError):
        needed += f"; {shutil.disk_usage(path.parent).free / _MIB:.1f} MiB are free"
    return ResourceError(
        "disk-full",
        "there is no room left on the disk",
        where=str(path),
        found=reason + needed,
        advice="free some space or choose another folder with --out, then run again with --resume",
    )


def _open_new(path: Path) -> int:
    """Create a file that must not be there yet, with the permissions the user's umask gives."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


def _sync(descriptor: int) -> None:
    """Force a file to the disk itself; on macOS plain ``fsync`` stops at the drive's cache."""
    if sys.platform == "darwin":
        import fcntl

        with suppress(OSError):  # not every file system there has it
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def _append(descriptor: int, data: bytes, path: Path) -> None:
    """Write all of ``data`` at the end and sync, or take back what was written of it."""
    try:
        before = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, data) != len(data):
                raise OSError(errno.ENOSPC, "only a part of the line could be written")
            _sync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    except OSError as error:
        raise write_error(path, error, expected_bytes=len(data)) from error


def _utf8(text: str, path: Path) -> bytes:
    """Encode, or name the character that UTF-8 has no form for."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ArtifactError(
            "text-not-unicode",
            "the text holds half of a surrogate pair, which no encoding can write",
            where=str(path),
            found=f"{quote(text[max(error.start - 10, 0) : error.end + 10])} at character {error.start}",
        ) from error


def _unwritable(value: JSON, place: str) -> Iterator[tuple[str, str]]:
    """Yield where in ``value`` something stands that JSON cannot hold, and what it is."""
    if isinstance(value, float) and not math.isfinite(value):
        yield place, repr(float(value))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str):
                yield from _unwritable(item, f"{place}.{key}" if place else key)
            else:
                yield place, f"a key of type {type(key).__name__}"
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _unwritable(item, f"{place}[{number}]")
    elif value is not None and not isinstance(value, bool | int | float | str):
        yield place, f"a value of type {type(value).__name__}"
