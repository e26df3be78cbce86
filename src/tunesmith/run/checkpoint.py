"""Checkpoints: the state of a rung on the disk, whole or not at all, the newest two of each name."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.errors import ArtifactError, ResourceError
from tunesmith.files.atomic import fsync_folder, json_bytes, write_bytes, write_error
from tunesmith.files.manifest import verify_manifest, write_manifest
from tunesmith.files.reading import read_json
from tunesmith.files.tensors import load_tensors, save_tensors
from tunesmith.types import JSON

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

_TENSORS = "tensors.safetensors"
_STATE = "state.json"
_N_KEPT = 2
_SLACK_BYTES = 1 << 20
_MIB = 1024.0 * 1024.0
_NAME = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was saved: tensors by name, state as JSON gives it back, and the number of the save."""

    name: str
    number: int
    tensors: dict[str, torch.Tensor]
    state: JSON


class Checkpoints:
    """The checkpoints of a run in one folder, each a folder ``name-number`` closed by a manifest.

    A checkpoint is written under a hidden name, synced, and then renamed; a kill at any moment leaves the ones before
    it as they were.

    Args:
        folder: Where they lie; made with the first save.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._damaged: set[Path] = set()
        self._notes: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user: which damaged checkpoints ``newest`` passed over."""
        return tuple(self._notes)

    def save(self, name: str, tensors: Mapping[str, torch.Tensor | NDArray[Any]], state: JSON) -> int:
        """Write a checkpoint and let go of all but the newest two of its name.

        Args:
            name: Whose state it is, lower-case letters, digits and underscores.
            tensors: Finite tensors of any shape.
            state: The rest, numbers finite.

        Returns:
            Its number; numbers of one name grow.

        Raises:
            ResourceError: ``disk-full``, it does not fit (bytes needed and free are told), or ``write-failed``; the
                checkpoints before it are untouched.
            ArtifactError: A tensor or number is not finite.
        """
        assert _NAME.fullmatch(name), f"{name!r} cannot be the name of a checkpoint"
        number = max((number for number, _ in self._found(name)), default=0) + 1
        final = self._folder / f"{name}-{number}"
        packed = json_bytes(state, final / _STATE)
        hidden = self._hidden(final)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._remove_hidden()
            self._check_room(final, sum(tensor.nbytes for tensor in tensors.values()) + len(packed))
            hidden.mkdir()
            save_tensors(hidden / _TENSORS, tensors)
            write_bytes(hidden / _STATE, packed)
            write_manifest(hidden)
            hidden.rename(final)
        except OSError as error:
            raise write_error(final, error) from error
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
        fsync_folder(self._folder)
        self._let_go(name)
        return number

    def newest(self, name: str) -> Checkpoint | None:
        """Load the newest checkpoint that is as it was written; damaged ones are passed over with a note.

        Args:
            name: Whose state it is.

        Returns:
            The checkpoint, tensors on the CPU in their own memory, or None where there is none to be trusted.
        """
        for number, path in self._found(name):
            try:
                verify_manifest(path)
                return Checkpoint(name, number, load_tensors(path / _TENSORS), read_json(path / _STATE))
            except ArtifactError as error:
                if path not in self._damaged:
                    self._notes.append(f"checkpoint {path} is damaged ({error.code}) and was passed over")
                self._damaged.add(path)
        return None

    def remove(self, name: str) -> None:
        """Remove all checkpoints of a name, as a rung does that has come to its end.

        Args:
            name: Whose state it is; none need be there.

        Raises:
            ResourceError: ``write-failed``, the folder cannot be written.
        """
        for _, path in self._found(name):
            self._discard(path)

    def _found(self, name: str) -> list[tuple[int, Path]]:
        """Numbers and folders of a name, newest first."""
        pattern = re.compile(re.escape(name) + r"-([0-9]+)")
        paths = list(self._folder.iterdir()) if self._folder.is_dir() else []
        matches = [(pattern.fullmatch(path.name), path) for path in paths]
        return sorted(((int(match[1]), path) for match, path in matches if match), reverse=True)

    def _let_go(self, name: str) -> None:
        """Remove damaged checkpoints of a name, and sound ones but for the newest."""
        paths = [path for _, path in self._found(name)]
        kept = [path for path in paths if path not in self._damaged][:_N_KEPT]
        for path in paths:
            if path not in kept:
                self._discard(path)

    def _discard(self, path: Path) -> None:
        """Remove one checkpoint, so that a kill in the middle leaves no half of it under its name."""
        hidden = self._hidden(path)
        try:
            path.rename(hidden)
        except OSError as error:
            raise write_error(path, error) from error
        shutil.rmtree(hidden, ignore_errors=True)

    def _hidden(self, path: Path) -> Path:
        return path.with_name(f".{path.name}.tmp")

    def _remove_hidden(self) -> None:
        """Remove what killed writers left."""
        for path in self._folder.glob(".*.tmp"):
            shutil.rmtree(path, ignore_errors=True)

    def _check_room(self, path: Path, n_bytes: int) -> None:
        """Refuse to begin a checkpoint that the disk cannot hold."""
        needed = n_bytes + _SLACK_BYTES
        free = shutil.disk_usage(self._folder).free
        if needed > free:
            raise ResourceError(
                "disk-full",
                "there is no room for a checkpoint",
                where=str(path),
                found=f"{needed:,} bytes ({needed / _MIB:.1f} MiB) needed; {free:,} bytes ({free / _MIB:.1f} MiB) free",
                advice="free some space, then go on with --resume",
            )
