"""Where a compressed model goes: a place that is free, or that of a compressed model where it is to be replaced."""

from __future__ import annotations

from pathlib import Path

from tunesmith.bundle.schema import read_facts
from tunesmith.errors import ArtifactError, ConfigError
from tunesmith.files.exchange import settle


def partial_of(out: Path) -> Path:
    """Name the folder that a compressed model is written to before it takes its place.

    Args:
        out: The place.

    Returns:
        A hidden neighbour.
    """
    whole = out.resolve()
    return whole.with_name(f".{whole.name}.partial")


def restore(out: Path) -> None:
    """Put right what a writer killed between two renames has left.

    Args:
        out: The place.

    Raises:
        ResourceError: ``write-failed``: a folder may not be renamed.
    """
    settle(out, partial_of(out))


def refuse_taken(out: Path, *, force: bool) -> None:
    """Make sure that nothing is lost when a compressed model is put here.

    Args:
        out: The place.
        force: Whether a compressed model that is there may be replaced; nothing else ever is.

    Raises:
        ConfigError: ``out-exists``, or ``out-not-compressed``.
    """
    if not out.exists():
        return
    ours = is_compressed(out)
    if not force:
        raise ConfigError(
            "out-exists",
            "there is something at this place already",
            where=str(out),
            found="a compressed model" if ours else None,
            advice="choose another folder with --out" + (", or replace this one with --force" if ours else ""),
        )
    if not ours:
        raise ConfigError(
            "out-not-compressed",
            "this was not written by compress, so it is not replaced",
            where=str(out),
            allowed="a name that is free, or a compressed model",
            advice="choose another folder with --out",
        )


def is_compressed(folder: Path) -> bool:
    """Tell whether ``compress`` wrote this folder.

    Args:
        folder: Anything.

    Returns:
        Whether it is a bundle that says how it was compressed.
    """
    try:
        return read_facts(folder).compression is not None
    except ArtifactError:
        return False
