"""Base models that lie beside bundles, once for all of them: found by the digest of their weights."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from weakref import WeakValueDictionary

from tunesmith.bundle.schema import BaseFacts
from tunesmith.errors import ArtifactError, ConfigError
from tunesmith.files.atomic import copy_file, write_error
from tunesmith.files.exchange import exchange_folders
from tunesmith.files.manifest import file_digest
from tunesmith.models.base import BASE_FILES, BASES, find_base
from tunesmith.models.encoder import Encoder
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import load_encoder
from tunesmith.models.weights import weights_file

_LOADED: WeakValueDictionary[tuple[str, str], Encoder] = WeakValueDictionary()
"""Encoders in memory by the digests of weights and config: one for all models that share it."""

_LONG_AGO_S = 3600.0


def share_base(base_folder: Path, beside: Path) -> Path:
    """Put a base model beside bundles, unless it is there.

    Args:
        base_folder: A base model in Hugging Face's layout.
        beside: Folder in which the bundles lie.

    Returns:
        Its folder there, in Hugging Face's layout too; it appears whole or not at all.

    Raises:
        ResourceError: The disk is full or refuses the write.
    """
    files = [name for name in BASE_FILES if (base_folder / name).is_file()]
    place = beside / BASES / file_digest(weights_file(base_folder))
    if _is_whole(place, files):
        return place
    partial = place.with_name(f".{place.name}.{secrets.token_hex(8)}")  # others may be writing the same base
    try:
        partial.mkdir(parents=True)
        for name in files:
            copy_file(base_folder / name, partial / name)
        exchange_folders(partial, place)
        _remove_leftovers(place)
    except OSError as error:
        raise write_error(place, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return place


def _is_whole(place: Path, files: list[str]) -> bool:
    """Whether all files of a base are there, with the weights that its folder is named by."""
    is_there = all((place / name).is_file() for name in files)
    return is_there and file_digest(weights_file(place)) == place.name


def _remove_leftovers(place: Path) -> None:
    """Remove what writers of the same base left behind that were killed long ago."""
    for left in place.parent.glob(f".{place.name}.*"):
        with suppress(FileNotFoundError):  # its writer has just ended
            if time.time() - left.stat().st_mtime > _LONG_AGO_S:
                shutil.rmtree(left, ignore_errors=True)


def find_shared_base(base: BaseFacts, bundle: Path) -> Path:
    """Find the base model that a bundle was made from.

    Args:
        base: What the bundle says of it.
        bundle: The bundle's folder.

    Returns:
        A folder whose weights have the digest: beside the bundle, or beside the run that is writing it, or installed.

    Raises:
        ArtifactError: ``base-lost`` with where it was looked for.
    """
    looked = []
    for folder in _places(base, bundle):
        found = file_digest(weights_file(folder)) if weights_file(folder).is_file() else "no weights"
        if found == base.sha256:
            return folder
        looked.append(f"{folder}: {found[:12]}")
    raise ArtifactError(
        "base-lost",
        "this model holds only what was learnt, and its base model is not on this machine",
        where=str(bundle),
        found="; ".join(looked),
        allowed=f"weights of {base.name} with the digest {base.sha256[:12]}",
        advice=f"copy the folder {BASES} from where the model was trained to {bundle.absolute().parent}",
    )


def load_shared_base(base: BaseFacts, bundle: Path) -> Encoder:
    """Load the base model of a bundle, or take it from memory where another model shares it.

    Args:
        base: What the bundle says of it.
        bundle: The bundle's folder.

    Returns:
        The encoder; whoever computes with it keeps it alive for those that come after.

    Raises:
        ArtifactError: It is not on this machine, damaged, or not what the bundle says.
    """
    key = (base.sha256, file_digest(bundle / "config.json"))
    encoder = _LOADED.get(key)
    if encoder is None:
        encoder = load_encoder(find_shared_base(base, bundle), read_encoder_config(bundle))
        _LOADED[key] = encoder
    return encoder


def _places(base: BaseFacts, bundle: Path) -> Iterator[Path]:
    """Folders that may hold the base model, the nearest first."""
    around = bundle.absolute().parents
    yield from (parent / BASES / base.sha256 for parent in around[:2])
    try:
        yield find_base(base.name, offline=True).folder
    except ConfigError:
        return
