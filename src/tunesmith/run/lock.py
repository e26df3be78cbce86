"""One process a run: a lock that the operating system gives back when its owner dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tunesmith.errors import ResourceError
from tunesmith.files.atomic import write_error

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MAX_BYTES = 4096
_N_TRIES = 100
_WAIT_S = 0.005


class RunLock:
    """Held while a run is at work in its folder; the file says by whom.

    The lock is the system's (``flock``), not the file: what a killed owner leaves is taken over at the next start. The
    folder is made where it is missing, and removed at the end if nothing else came to lie in it.

    Args:
        path: The lock file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.previous: dict[str, Any] | None = None
        """What a dead owner left in the file: ``pid``, ``host``, ``boot``, ``started``; None after a clean end."""
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        Returns:
            The lock itself.

        Raises:
            ResourceError: ``already-running``, another process holds it; its number is named. ``write-failed``, the
                folder cannot be written.
        """
        try:
            descriptor = self._take()
            try:
                left = os.pread(descriptor, _MAX_BYTES, 0)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps(_this_process()).encode("ascii") + b"\n", 0)
            except OSError:
                os.close(descriptor)
                raise
        except OSError as error:
            raise write_error(self.path, error) from error
        self.previous = _owner(left) if left else None
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        descriptor, self._descriptor = self._descriptor, None
        assert descriptor is not None, "the lock was not taken"
        with suppress(OSError):  # removed while still held, so that nobody else's file is removed
            self.path.unlink()
        os.close(descriptor)
        with suppress(OSError):
            self.path.parent.rmdir()

    @property
    def held(self) -> bool:
        """Whether this object holds the lock now."""
        return self._descriptor is not None

    def _take(self) -> int:
        """Lock the file that lies at the path, which an ending owner may be removing at this moment."""
        for _ in range(_N_TRIES):
            descriptor = self._try_to_take()
            if descriptor is not None:
                return descriptor
            time.sleep(_WAIT_S)
        raise self._already_running({})

    def _try_to_take(self) -> int | None:
        """Open and lock; None where file or folder was removed meanwhile, so that there is nothing to hold."""
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        except FileNotFoundError:
            return None
        except FileExistsError:
            if folder.exists() and not folder.is_dir():
                raise
            return None
        taken = False
        try:
            is_free = _lock(descriptor)
            is_there = _lies_at(self.path, descriptor)
            if is_there and not is_free:
                raise self._already_running(_owner(os.pread(descriptor, _MAX_BYTES, 0)))
            taken = is_there
        finally:
            if not taken:
                os.close(descriptor)
        return descriptor if taken else None

    def _already_running(self, owner: dict[str, Any]) -> ResourceError:
        pid = owner.get("pid", "unknown")
        return ResourceError(
            "already-running",
            "another process is at work in this folder",
            where=str(self.path.parent),
            found=f"process {pid} on {owner.get('host', 'this machine')}, since {owner.get('started', 'just now')}",
            advice=f"wait for it, stop it (kill {pid}), or choose another folder with --out",
        )


def _lock(descriptor: int) -> bool:
    """Lock an open file for this process alone; False where another holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lies_at(path: Path, descriptor: int) -> bool:
    """Tell whether an open file is the one that has this name now."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _this_process() -> dict[str, Any]:
    """What others are told about the owner."""
    return {
        "pid": os.getpid(),
        "host": platform.node(),
        "boot": _BOOT_ID.read_text("ascii").strip() if _BOOT_ID.exists() else None,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _owner(data: bytes) -> dict[str, Any]:
    """Read what an owner told; empty where it had no time to write it."""
    try:
        owner = json.loads(data)
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}
