"""A checkpoint's weights under the names of the bare encoder, whatever model they were saved from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from tunesmith.errors import ArtifactError
from tunesmith.files.tensors import load_tensors
from tunesmith.models.weights import weights_file

_PREFIXES = ("bert", "roberta", "electra", "distilbert", "deberta", "mpnet", "albert", "model")
_OLD_NAMES = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}


def load_weights(folder: Path) -> dict[str, Tensor]:
    """Read the weights of a model folder.

    Args:
        folder: Holds ``model.safetensors``.

    Returns:
        Name to float32 tensor, names as ``bare_names`` gives them.

    Raises:
        ArtifactError: ``pickle-refused`` where the folder has only pickled weights, ``weights-in-parts`` where they are
            spread over files, or the file is missing or damaged.
    """
    weights = bare_names(load_tensors(weights_file(folder)))
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}


def bare_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name weights as the bare encoder does: no prefix of a model with a head, no names of old layer norms.

    Args:
        weights: As saved from any model with this encoder inside.

    Returns:
        The encoder's weights; the rest keeps its names. A head beside a prefixed encoder is left out.

    Example:
        >>> one = torch.zeros(1)
        >>> list(bare_names({"bert.embeddings.LayerNorm.gamma": one, "classifier.weight": one}))
        ['embeddings.LayerNorm.weight']
    """
    for prefix in _PREFIXES:
        if any(name.startswith(f"{prefix}.embeddings.") for name in weights):
            inside = {n.removeprefix(f"{prefix}."): t for n, t in weights.items() if n.startswith(f"{prefix}.")}
            break
    else:
        inside = dict(weights)
    for old, new in _OLD_NAMES.items():
        inside = {(n.removesuffix(old) + new if n.endswith(old) else n): t for n, t in inside.items()}
    return inside


def refuse_missing(missing: list[str], *, model_type: str) -> None:
    """Refuse a checkpoint that does not hold all that the config speaks of.

    Args:
        missing: Names not found, in order.
        model_type: Architecture of the config.

    Raises:
        ArtifactError: ``weights-missing`` with the first names.
    """
    if missing:
        raise ArtifactError(
            "weights-missing",
            f"the checkpoint lacks weights that a {model_type} of this shape has",
            found=f"{len(missing)} missing: {', '.join(missing[:3])}" + (" ..." if len(missing) > 3 else ""),
            advice="take config.json and model.safetensors of one and the same model",
        )


def refuse_shape(name: str, found: torch.Size, allowed: torch.Size) -> None:
    """Refuse a weight of another shape than the config says.

    Args:
        name: Of the weight in the checkpoint.
        found: Its shape.
        allowed: The shape by the config.

    Raises:
        ArtifactError: ``weights-shape`` naming the weight.
    """
    if found != allowed:
        raise ArtifactError(
            "weights-shape",
            "the checkpoint and its config do not belong together",
            found=f"{name} of shape {list(found)}",
            allowed=str(list(allowed)),
            advice="take config.json and model.safetensors of one and the same model",
        )
