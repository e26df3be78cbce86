"""Putting a finished folder in the place of another: at every moment a whole one stands there or can be put there.

Linux swaps two names in one step. Elsewhere the old folder is set aside first, and for a moment nothing stands at its
place; ``settle`` repairs what a writer killed in that moment leaves behind.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from pathlib import Path
from typing import Literal

from tunesmith.errors import ArtifactError
from tunesmith.files.atomic import fsync_folder, write_error
from tunesmith.files.manifest import verify_manifest

Settled = Literal["as-is", "took-next", "restored-previous", "nothing"]
"""What ``settle`` did."""

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_UNKNOWN_TO_KERNEL = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def exchange_folders(new: Path, out: Path) -> None:
    """Put the folder ``new`` at ``out``; what was at ``out`` before then lies at ``new``, for the caller to remove.

    Args:
        new: A finished, synced folder, by custom with its manifest; on the same file system as ``out``.
        out: The place to take; nothing, a folder, or a link to a folder, which stays a link.

    Raises:
        ResourceError: ``write-failed``: one of the folders is missing or may not be renamed; nothing was changed.
    """
    out = out.resolve()
    try:
        if not out.exists():
            new.rename(out)
        elif not _swap(new, out):
            _rename_in_turn(new, out)
    except OSError as error:
        raise write_error(out, error) from error
    for parent in {new.parent, out.parent}:
        fsync_folder(parent)


def settle(out: Path, next_dir: Path) -> Settled:
    """Repair what a writer killed between two renames left: a missing ``out`` beside a valid ``next_dir``.

    Call it before anything reads ``out`` and before ``next_dir`` is emptied for a new start.

    Args:
        out: Where the finished folder belongs.
        next_dir: The ``new`` of the ``exchange_folders`` that was cut short.

    Returns:
        ``as-is`` where ``out`` is there; ``took-next`` or ``restored-previous`` where a valid folder was put there;
        ``nothing`` where there is none.

    Raises:
        ResourceError: ``write-failed``: a valid folder is there and may not be renamed.
    """
    out = out.resolve()
    if out.exists():
        return "as-is"
    outcomes: tuple[tuple[Path, Settled], ...] = (
        (next_dir, "took-next"),
        (previous_of(next_dir), "restored-previous"),
    )
    for folder, outcome in outcomes:
        if _is_valid(folder):
            exchange_folders(folder, out)
            return outcome
    return "nothing"


def previous_of(next_dir: Path) -> Path:
    """Name the place where the old folder waits while the new one takes its place by renames.

    Args:
        next_dir: The ``new`` of an ``exchange_folders``.

    Returns:
        A path beside it.
    """
    return next_dir.with_name(f"{next_dir.name}.previous")


def _swap(new: Path, out: Path) -> bool:
    """Swap two names in one step; False where the system or the file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(out), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNKNOWN_TO_KERNEL:
        return False
    raise OSError(code, os.strerror(code), str(new), None, str(out))


def _rename_in_turn(new: Path, out: Path) -> None:
    """Exchange two folders by three renames; the old one goes back if the new one cannot come."""
    aside = previous_of(new)
    if aside.exists():  # from a writer killed before its third rename; ``out`` was already in its place
        shutil.rmtree(aside)
    out.rename(aside)
    try:
        new.rename(out)
    except OSError:
        aside.rename(out)
        raise
    aside.rename(new)


def _is_valid(folder: Path) -> bool:
    """Tell whether this is a whole folder with a manifest that fits it."""
    try:
        verify_manifest(folder)
    except ArtifactError:
        return False
    return True
