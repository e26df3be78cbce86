"""Where an export goes: a place that is free, or that of an export of ours where it is to be replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tunesmith.errors import ArtifactError, ConfigError, quote
from tunesmith.files.exchange import exchange_folders, previous_of
from tunesmith.files.reading import read_json

PARITY = "parity.json"
"""What every export of ours holds: how it was compared with the model."""

_KEYS = {"target", "bundle", "runtime", "whole"}


@dataclass(frozen=True, slots=True)
class Place:
    """The folder that an export is to be written to."""

    folder: Path
    force: bool = False
    """Whether an export that is there is replaced; nothing else ever is."""

    @property
    def partial(self) -> Path:
        """Where the export is written before it takes its place."""
        whole = self.folder.resolve()
        return whole.with_name(f".{whole.name}.partial")

    def refuse_taken(self) -> None:
        """Make sure that nothing is lost when an export is put here.

        Raises:
            ConfigError: ``out-exists``; ``out-not-an-export``, something that is no export of ours would be replaced.
        """
        here = self.folder
        if not here.exists():
            return
        ours = is_export(here)
        if not self.force:
            raise ConfigError(
                "out-exists",
                "there is something at this place already",
                where=str(here),
                found="an export" if ours else None,
                advice="choose another folder with --out" + (", or replace this one with --force" if ours else ""),
            )
        if not ours and (found := _foreign(here)):
            raise ConfigError(
                "out-not-an-export",
                "this was not written by export, so it is not replaced",
                where=str(here),
                found=found,
                allowed="a name that is free, an empty folder, or an export",
                advice="choose another folder with --out",
            )

    def restore(self) -> None:
        """Put back an export that a writer killed between two renames set aside, where no folder came in its place.

        Raises:
            ResourceError: ``write-failed``: it may not be renamed.
        """
        previous = previous_of(self.partial)
        if not self.folder.exists() and is_export(previous):
            exchange_folders(previous, self.folder)


def is_export(folder: Path) -> bool:
    """Tell whether ``export`` wrote this folder.

    Args:
        folder: Anything, or nothing.

    Returns:
        Whether it has a ``parity.json`` of ours.
    """
    try:
        told = read_json(folder / PARITY)
    except ArtifactError:
        return False
    return isinstance(told, dict) and told.keys() >= _KEYS


def _foreign(path: Path) -> str:
    """Say what lies at a place that is no export; nothing where it is an empty folder."""
    if not path.is_dir():
        return "a file"
    some = next(path.iterdir(), None)
    return "" if some is None else f"a folder with {quote(some.name)} and without a {PARITY} of an export"
