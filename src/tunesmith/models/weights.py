"""The file of a model folder that holds its weights, and a refusal of the forms that are not read."""

from __future__ import annotations

from pathlib import Path

from tunesmith.errors import ArtifactError

WEIGHTS = "model.safetensors"
"""Name of that file."""

_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")


def weights_file(folder: Path) -> Path:
    """Name the file of a model folder that holds its weights.

    Args:
        folder: As Hugging Face lays one out.

    Returns:
        Its path; whether a folder without any weights has it, reading tells.

    Raises:
        ArtifactError: ``pickle-refused`` where the folder has only pickled weights, ``weights-in-parts`` where they are
            spread over files.
    """
    path = folder / WEIGHTS
    if path.exists():
        return path
    if (folder / f"{WEIGHTS}.index.json").exists():
        raise ArtifactError(
            "weights-in-parts",
            "the weights are spread over several files, which is not supported",
            where=str(folder),
            allowed=f"one {WEIGHTS}",
            advice="save the model again with a larger max_shard_size",
        )
    if any((folder / name).exists() for name in _PICKLED):
        raise ArtifactError(
            "pickle-refused",
            "the weights are pickled, and unpickling runs code",
            where=str(folder),
            allowed=WEIGHTS,
            advice="take a version of the base model that is published as safetensors",
        )
    return path
