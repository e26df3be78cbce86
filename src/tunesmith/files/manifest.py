"""The manifest of a folder: SHA-256 and size of every file, written last, so that a folder with one is whole.

``manifest.json`` has two sections: ``files``, which are the same bytes for the same run, and ``record``, files with
measured costs, which are not. It also has a digest of itself, so that damage to it is told from damage to a file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from tunesmith.errors import ArtifactError, plural, quote
from tunesmith.files.atomic import fsync_folder, json_bytes, write_bytes, write_error
from tunesmith.files.pickles import HEAD_BYTES, refuse_pickle
from tunesmith.files.reading import open_artifact, parse_json, read_limited, shown, symlink_refused, unreadable

MANIFEST = "manifest.json"
"""Name of the manifest in its folder."""

_FORMAT = 1
_MAX_FILES = 10_000
_MAX_BYTES = 16 * 1024 * 1024
_SECTIONS = ("files", "record")


def file_digest(path: Path) -> str:
    """Compute the SHA-256 of a file's content, reading it in pieces.

    Args:
        path: The file; a symlink is followed.

    Returns:
        64 lower-case hexadecimal digits.

    Raises:
        ArtifactError: The file is missing or cannot be read.
    """
    return str(_measure(path, follow_symlinks=True)["sha256"])


def write_manifest(folder: Path, *, record: Collection[str] = ()) -> None:
    """Sync every file of a folder and write its manifest, the last file of all.

    Args:
        folder: The finished folder; an older manifest in it is replaced.
        record: Relative POSIX paths of the files with measured costs.

    Raises:
        ArtifactError: The folder holds a pickle, a symlink or something that is not a file, or lacks a file that
            ``record`` names.
        ResourceError: The disk is full or refuses the write.
    """
    found = _walk(folder)
    for name in sorted(set(record) - set(found)):
        raise _incomplete(folder / name, "this file should be recorded and is not there")
    _refuse_pickles(folder, found)
    sections: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
    for name in found:
        sections["record" if name in record else "files"][name] = _measure(folder / name, sync=True)
    for parent in sorted({parent for name in found for parent in (folder / name).parents if folder in parent.parents}):
        fsync_folder(parent)
    write_bytes(folder / MANIFEST, _render(sections, folder / MANIFEST))  # syncs ``folder`` itself too


def verify_manifest(folder: Path) -> list[str]:
    """Check that a folder holds exactly the files of its manifest, bit for bit.

    Args:
        folder: The folder of a model, or of anything else that ``write_manifest`` closed.

    Returns:
        Sorted relative POSIX paths of its files but for the manifest; whether they belong there, the caller knows.

    Raises:
        ArtifactError: ``pickle-refused``, ``symlink-refused``, ``not-a-file``, ``file-unexpected``,
            ``bundle-incomplete``, ``bundle-changed`` or ``newer-format``; each names the file and what differs.
    """
    found = _walk(folder)
    _refuse_pickles(folder, found)
    recorded = _read(folder)
    there = set(found)
    missing = [name for name in sorted(recorded) if name not in there]
    unexpected = [name for name in found if name not in recorded]
    if missing:
        extra = f"; there but not listed: {quote(unexpected[0])}" if unexpected else ""
        raise _incomplete(folder / missing[0], f"the manifest lists this file and it is not there{extra}")
    if unexpected:
        raise ArtifactError(
            "file-unexpected",
            "the manifest does not list this file",
            where=shown(folder / unexpected[0]),
            found=f"{len(unexpected)} such files" if len(unexpected) > 1 else None,
            allowed="the files of the manifest and no others",
            advice="move it out of the model folder",
        )
    for name, told in recorded.items():
        _compare(folder / name, told)
    return found


def _compare(path: Path, told: dict[str, Any]) -> None:
    """Refuse a file whose size or content is not what the manifest tells."""
    measured = _measure(path)
    if measured["size"] != told["size"]:
        size, was = measured["size"], told["size"]
        raise _changed(path, f"{size:,} {plural(size, 'byte')}; {was:,} {plural(was, 'was', 'were')} recorded")
    if measured["sha256"] != told["sha256"]:
        raise _changed(path, f"SHA-256 {measured['sha256'][:12]}…; {told['sha256'][:12]}… was recorded")


def _walk(folder: Path) -> list[str]:
    """List the files below a folder but for its manifest, as sorted relative POSIX paths; refuse all else."""
    names: list[str] = []
    waiting = [folder]
    while waiting:
        for entry in _entries(waiting.pop()):
            path = Path(entry.path)
            if entry.is_symlink():
                raise symlink_refused(path)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)
            elif entry.is_file(follow_symlinks=False):
                names.append(path.relative_to(folder).as_posix())
            else:
                raise ArtifactError("not-a-file", "this is not an ordinary file", where=shown(path))
        if len(names) > _MAX_FILES:
            raise ArtifactError(
                "file-unexpected", "there are too many files", where=str(folder), allowed=f"at most {_MAX_FILES:,}"
            )
    return sorted(name for name in names if name != MANIFEST)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """List what is directly in a folder."""
    try:
        with os.scandir(folder) as scan:
            return list(scan)
    except FileNotFoundError as error:
        raise _incomplete(folder, "there is no such folder") from error
    except OSError as error:
        raise unreadable(folder, error) from error


def _refuse_pickles(folder: Path, names: Iterable[str]) -> None:
    """Refuse a folder in which some file is a pickle by its name or its first bytes."""
    for name in names:
        path = folder / name
        refuse_pickle(name, b"", where=shown(path))  # by its name first: such a file is not even opened
        with open_artifact(path, follow_symlinks=False) as file:
            try:
                head = file.read(HEAD_BYTES)
            except OSError as error:
                raise unreadable(path, error) from error
        refuse_pickle(name, head, where=shown(path))


def _measure(path: Path, *, sync: bool = False, follow_symlinks: bool = False) -> dict[str, Any]:
    """Give the digest and size of a file, forcing it to the disk on request."""
    with open_artifact(path, follow_symlinks=follow_symlinks) as file:
        try:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise unreadable(path, error) from error
        try:
            if sync:
                os.fsync(file.fileno())
        except OSError as error:
            raise write_error(path, error) from error
    return {"sha256": digest, "size": size}


def _render(sections: dict[str, dict[str, Any]], path: Path) -> bytes:
    """Lay out the manifest with its own digest; the same sections always give the same bytes."""
    packed = json.dumps(sections, sort_keys=True, separators=(",", ":")).encode("ascii")
    return json_bytes({"format": _FORMAT, "sha256": hashlib.sha256(packed).hexdigest(), **sections}, path)


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    """Read the manifest, check it against its own digest, and merge its sections: path to digest and size."""
    path = folder / MANIFEST
    if not path.is_file():
        raise _incomplete(path, "there is no manifest, so the folder was never finished or is no model folder")
    data = read_limited(path, _MAX_BYTES)
    try:
        value = parse_json(data, where=str(path))
    except ArtifactError as error:
        raise _changed(path, error.found or error.message) from error
    if not isinstance(value, dict):
        raise _changed(path, "no JSON object")
    number = value.get("format")
    if type(number) is int and number > _FORMAT:
        raise ArtifactError(
            "newer-format",
            "a newer tunesmith wrote this folder",
            where=str(path),
            found=f"format {number}",
            allowed=f"up to format {_FORMAT}",
            advice="install a newer tunesmith",
        )
    sections = {section: value[section] for section in _SECTIONS if _is_section(value.get(section))}
    if len(sections) < len(_SECTIONS) or _render(sections, path) != data:
        raise _changed(path, "a manifest that differs from its own digest or layout")
    return {**sections["files"], **sections["record"]}


def _is_section(value: Any) -> bool:
    """Tell whether this maps paths to digest and size."""
    return isinstance(value, dict) and all(
        isinstance(told, dict) and set(told) == {"sha256", "size"} for told in value.values()
    )


def _incomplete(path: Path, found: str) -> ArtifactError:
    """Make the error for a folder that lacks something."""
    return ArtifactError(
        "bundle-incomplete",
        "the model folder is not whole",
        where=shown(path),
        found=found,
        advice="copy the whole folder again from where it came, or train again",
    )


def _changed(path: Path, found: str) -> ArtifactError:
    """Make the error for a file that is not as it was written."""
    return ArtifactError(
        "bundle-changed",
        "this file changed after the model was saved",
        where=shown(path),
        found=found,
        advice="restore the folder from where it came, or train again",
    )
