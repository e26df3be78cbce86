"""A base model made of another and an adapter of PEFT."""

from __future__ import annotations

import shutil
from pathlib import Path

from tunesmith.errors import ConfigError
from tunesmith.files.atomic import copy_file, write_error
from tunesmith.files.exchange import exchange_folders
from tunesmith.files.tensors import save_tensors
from tunesmith.models.base import BASE_FILES, find_base
from tunesmith.models.checkpoint import load_weights
from tunesmith.models.merge_peft import merged_with_lora, read_lora_settings
from tunesmith.models.peft import ADAPTER_CONFIG
from tunesmith.models.weights import WEIGHTS


def merge_peft(adapter: str | Path, out: str | Path, *, base: str | Path | None = None) -> Path:
    """Work a LoRA adapter of PEFT into its base model, for ``--base`` to take.

    Args:
        adapter: Folder that PEFT's ``save_pretrained`` wrote.
        out: Folder to write, in Hugging Face's layout; nothing is there yet.
        base: Folder or name of the base model; left out, the one that the adapter names.

    Returns:
        ``out``.

    Raises:
        ConfigError: ``out-exists``, ``base-unnamed``, or the base model is not on this machine.
        ArtifactError: The adapter is of another kind, damaged, or of another base model.
        ResourceError: The disk is full or refuses the write.
    """
    place, source = Path(out), Path(adapter)
    if place.exists():
        raise ConfigError("out-exists", "something is there already", where=str(place), advice="choose another folder")
    named = base or read_lora_settings(source).base_model_name_or_path
    if named is None:
        raise ConfigError(
            "base-unnamed",
            "the adapter does not name the base model it belongs to",
            where=str(source / ADAPTER_CONFIG),
            found="base_model_name_or_path = null",
            advice='name it: tunesmith.merge_peft(ADAPTER, OUT, base="all-MiniLM-L6-v2"), or the base\'s folder',
        )
    found = find_base(str(named), offline=False)
    weights = merged_with_lora(load_weights(found.folder), source)
    partial = place.with_name(f".{place.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for name in BASE_FILES:
            if name != WEIGHTS and (found.folder / name).is_file():
                copy_file(found.folder / name, partial / name)
        save_tensors(partial / WEIGHTS, weights)
        exchange_folders(partial, place)
    except OSError as error:
        raise write_error(place, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return place
