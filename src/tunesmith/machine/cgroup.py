"""Limits that containers set: the control groups of this process, of both versions, up to the outermost one visible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class _Mount:
    """Where the tree of one controller is mounted, and which group of the tree stands at the mount point."""

    point: Path
    root: str
    version: int


def limits(
    controller: str, *, v1: Sequence[str], v2: Sequence[str], proc: Path = Path("/proc/self")
) -> list[list[str]]:
    """Read one limit of every control group that holds this process, the innermost first.

    Args:
        controller: Name of the controller, for example ``"cpu"``.
        v1: Names of the files that hold the limit in version 1.
        v2: Names of the files that hold the limit in version 2.
        proc: Folder with ``cgroup`` and ``mountinfo`` of the process.

    Returns:
        For each group that has all these files their words, in order; none where there are no control groups.
    """
    found: list[list[str]] = []
    for mount, group in _groups(controller, proc):
        names = v2 if mount.version == 2 else v1
        inner = mount.point / _below(group, mount.root)
        for folder in (inner, *inner.parents):
            texts = [_read(folder / name) for name in names]
            if None not in texts:
                found.append(" ".join(filter(None, texts)).split())
            if folder == mount.point:
                break
    return found


def _groups(controller: str, proc: Path) -> list[tuple[_Mount, str]]:
    """Pair each mounted tree that has the controller with the path of this process's group in that tree."""
    paths: dict[tuple[int, str], str] = {}
    for line in (_read(proc / "cgroup") or "").splitlines():
        number, controllers, path = line.split(":", maxsplit=2)
        version = 2 if number == "0" and not controllers else 1
        for name in controllers.split(","):
            paths[version, name] = path
    pairs = []
    for mount, options in _mounts(proc):
        key = (2, "") if mount.version == 2 else (1, controller)
        if key in paths and (mount.version == 2 or controller in options):
            pairs.append((mount, paths[key]))
    return pairs


def _mounts(proc: Path) -> list[tuple[_Mount, list[str]]]:
    """List the mounted trees of control groups with their options, as ``proc(5)`` describes ``mountinfo``."""
    mounts = []
    for line in (_read(proc / "mountinfo") or "").splitlines():
        place, _, kind = line.partition(" - ")
        fields, (system, *rest) = place.split(), kind.split() or [""]
        if system in ("cgroup", "cgroup2") and len(fields) >= 5 and rest:
            mount = _Mount(point=Path(fields[4]), root=fields[3], version=2 if system == "cgroup2" else 1)
            mounts.append((mount, rest[-1].split(",")))
    return mounts


def _below(group: str, root: str) -> str:
    """Give a group's path below the group that stands at the mount point; a container often sees its own there."""
    if root == "/":
        return group.strip("/")
    return group[len(root) :].strip("/") if group == root or group.startswith(f"{root}/") else ""


def _read(path: Path) -> str | None:
    """Read a small system file, or None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
