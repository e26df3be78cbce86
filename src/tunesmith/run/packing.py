"""State of optimisers and random generators as tensors and JSON, so that no checkpoint needs a pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from tunesmith.errors import ArtifactError
from tunesmith.types import JSON

_SCALARS = (bool, int, float, str)


def pack_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, torch.Tensor], JSON]:
    """Take an optimiser's state apart: moments, steps, learning rates and the rest.

    Args:
        optimizer: Any of torch's whose state is tensors, numbers, texts and None.

    Returns:
        Tensors named ``state.PARAMETER.KEY`` and ``group.GROUP.KEY``, which share the optimiser's memory, and JSON for
        everything else.
    """
    packed = optimizer.state_dict()
    tensors: dict[str, torch.Tensor] = {}
    state = {
        str(parameter): {key: _put(tensors, f"state.{parameter}.{key}", value) for key, value in values.items()}
        for parameter, values in packed["state"].items()
    }
    groups = [
        {key: _put(tensors, f"group.{number}.{key}", value) for key, value in group.items()}
        for number, group in enumerate(packed["param_groups"])
    ]
    return tensors, {"kind": type(optimizer).__name__, "state": state, "groups": groups}


def unpack_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor], packed: JSON) -> None:
    """Put an optimiser of the same kind over the same parameters into a packed state; nothing is shared.

    Args:
        optimizer: Built as the packed one was, state of its own is replaced.
        tensors: What ``pack_optimizer`` gave; others may be among them.
        packed: The JSON that came with them.

    Raises:
        ArtifactError: ``checkpoint-differs``, the state is of another kind of optimiser or of other parameters.
    """
    kind = type(optimizer).__name__
    if packed["kind"] != kind:
        raise _differs(f"state of {packed['kind']}", kind)
    live = optimizer.state_dict()["param_groups"]
    counts = [len(group["params"]) for group in live]
    saved_counts = [len(group["params"]) for group in packed["groups"]]
    if counts != saved_counts:
        raise _differs(f"groups of {saved_counts} parameters", f"groups of {counts}")
    state = {
        int(parameter): {key: _take(tensors, value) for key, value in values.items()}
        for parameter, values in packed["state"].items()
    }
    _check_shapes(optimizer, state)
    groups = [
        {key: _as_in(mine.get(key), _take(tensors, value)) for key, value in group.items()}
        for mine, group in zip(live, packed["groups"], strict=True)
    ]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def pack_rng(generator: torch.Generator) -> torch.Tensor:
    """Take the state of a random generator, ``torch.default_generator`` included.

    Returns:
        Bytes, uint8; its later draws do not change them.
    """
    return generator.get_state().clone()


def unpack_rng(generator: torch.Generator, state: torch.Tensor) -> None:
    """Put a random generator where another one was.

    Args:
        generator: Of the same device as the packed one.
        state: What ``pack_rng`` gave.

    Raises:
        ArtifactError: ``checkpoint-differs``, this is not the state of such a generator.
    """
    try:
        generator.set_state(state.to("cpu", copy=True))
    except (RuntimeError, TypeError) as error:
        raise _differs(
            f"{list(state.shape)} of {state.dtype}", f"the state of a random generator on {generator.device}"
        ) from error


def _put(tensors: dict[str, torch.Tensor], name: str, value: Any) -> JSON:
    """Move a tensor among the tensors and leave its name; anything else becomes JSON."""
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach()
        return {"tensor": name}
    if isinstance(value, list | tuple):
        assert all(isinstance(item, _SCALARS) for item in value), f"{name} cannot be packed"
        return list(value)
    assert value is None or isinstance(value, _SCALARS), f"{name} of type {type(value).__name__} cannot be packed"
    return value


def _take(tensors: Mapping[str, torch.Tensor], value: JSON) -> Any:
    """Undo ``_put``: a name becomes a copy of its tensor."""
    if not isinstance(value, dict):
        return value
    if value["tensor"] not in tensors:
        raise _differs(f"no tensor {value['tensor']!r}", "every tensor that the state names")
    return tensors[value["tensor"]].clone()


def _as_in(live: Any, value: Any) -> Any:
    """Give a list back as the tuple it was, which JSON does not know."""
    return tuple(value) if isinstance(live, tuple) else value


def _check_shapes(optimizer: torch.optim.Optimizer, state: dict[int, dict[str, Any]]) -> None:
    """Refuse state whose tensors fit neither the parameter nor a single number."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for number, values in state.items():
        if not 0 <= number < len(parameters):
            raise _differs(f"state of parameter {number}", f"{len(parameters)} parameters")
        shape = parameters[number].shape
        for key, value in values.items():
            if isinstance(value, torch.Tensor) and value.dim() > 0 and value.shape != shape:
                raise _differs(f"{key} {list(value.shape)} of parameter {number}", f"its shape, {list(shape)}")


def _differs(found: str, allowed: str) -> ArtifactError:
    return ArtifactError(
        "checkpoint-differs",
        "the checkpoint was made by another kind of run",
        found=found,
        allowed=allowed,
        advice="go on with the recipe and version that began the run, or start anew with --force",
    )
