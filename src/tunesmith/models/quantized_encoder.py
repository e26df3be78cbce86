"""An encoder of the flat engine whose linear maps and largest tables are of 8-bit whole numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

from tunesmith.errors import ArtifactError
from tunesmith.models.checkpoint import refuse_missing, refuse_shape
from tunesmith.models.encoder_config import EncoderConfig
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.quantized import (
    ColumnRanges,
    QuantizedLinear,
    QuantizedTable,
    quantize_linear,
    quantize_table,
)

_TABLES = ("embeddings.word", "embeddings.position")
_SCALE, _COLUMNS = ".scale", ".columns"


def linear_maps(encoder: FlatEncoder) -> dict[str, nn.Linear]:
    """List the linear maps that can be rounded: all of the layers.

    Args:
        encoder: Of float32.

    Returns:
        By name, from the bottom up.
    """
    parts = encoder.layers.named_modules(prefix="layers")
    return {name: part for name, part in parts if isinstance(part, nn.Linear)}


def quantize_encoder(
    encoder: FlatEncoder, seen: Mapping[str, ColumnRanges], *, in_full: Collection[str] = ()
) -> FlatEncoder:
    """Round an encoder.

    Args:
        encoder: Of float32, without what a method has put in; left as it is.
        seen: For each linear map between which values its input lies.
        in_full: Names of linear maps that stay as they are.

    Returns:
        The rounded one, in evaluation mode; what stays as it is shares its memory.
    """
    with torch.device("meta"):
        made = FlatEncoder(encoder.config)
    made.load_state_dict(encoder.state_dict(), assign=True)
    for name, linear in linear_maps(encoder).items():
        if name not in in_full:
            _put(made, name, quantize_linear(linear, seen[name]))
    for name in _TABLES:
        table = encoder.get_submodule(name)
        assert isinstance(table, nn.Embedding), "an encoder of float32 has tables of float32"
        _put(made, name, quantize_table(table))
    return made.eval()


def build_quantized(config: EncoderConfig, weights: Mapping[str, Tensor], *, where: str) -> FlatEncoder:
    """Build a rounded encoder from what was saved of one.

    Args:
        config: Its shape.
        weights: Its ``state_dict``; which parts are rounded is told by their names.
        where: The file, for messages.

    Returns:
        The encoder, in evaluation mode.

    Raises:
        ArtifactError: ``weights-missing`` or ``weights-shape``; ``weights-damaged``, numbers that no rounding gives.
    """
    with torch.device("meta"):  # shapes only: the memory is the file's, however large a config claims to be
        made = FlatEncoder(config)
        for name, part in list(made.named_modules()):
            if f"{name}{_SCALE}" in weights:
                _put(made, name, _empty_like(part, weights, name))
    expected = made.state_dict()
    refuse_missing([name for name in expected if name not in weights], model_type=config.model_type)
    for name, tensor in expected.items():
        refuse_shape(name, weights[name].shape, tensor.shape)
    _refuse_damaged(weights, expected, where)
    made.load_state_dict({name: weights[name] for name in expected}, assign=True)
    return made.eval()


def _empty_like(part: nn.Module, weights: Mapping[str, Tensor], name: str) -> nn.Module:
    """Make room for the rounded form of a part; of any other than these two the names will not fit."""
    if isinstance(part, nn.Embedding):
        return QuantizedTable(*part.weight.shape)
    if not isinstance(part, nn.Linear):
        return part
    columns = weights.get(f"{name}{_COLUMNS}")
    n_in_full = 0 if columns is None else min(columns.numel(), part.in_features)
    return QuantizedLinear(part.in_features, part.out_features, n_in_full=n_in_full)


def _refuse_damaged(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], where: str) -> None:
    """Refuse numbers of another kind, columns that an input does not have, and steps of no height."""
    for name, tensor in expected.items():
        found = weights[name]
        if found.dtype != tensor.dtype:
            raise _damaged(where, f"{name} of {_kind(found)}", _kind(tensor))
        if name.endswith(_COLUMNS) and len(found):
            width = expected[name.removesuffix(_COLUMNS) + ".weight"].shape[1]
            if int(found.min()) < 0 or int(found.max()) >= width:
                raise _damaged(where, f"{name} from {int(found.min())} to {int(found.max())}", f"0 to {width - 1}")
        if name.endswith(("scale", "input_scale")) and not bool((found > 0).all()):
            raise _damaged(where, f"{name} with a step of {float(found.min()):g}", allowed="above 0")


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _damaged(where: str, found: str, allowed: str) -> ArtifactError:
    return ArtifactError(
        "weights-damaged",
        "the weights in whole numbers are not valid",
        where=where,
        found=found,
        allowed=allowed,
        advice="restore the folder from where it came, or compress again",
    )


def _put(encoder: FlatEncoder, name: str, part: nn.Module) -> None:
    parent, _, attribute = name.rpartition(".")
    setattr(encoder.get_submodule(parent), attribute, part)
