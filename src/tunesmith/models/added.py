"""What a method puts beside a weight of an encoder, and the encoder's weights with it or without it."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

_ADDED = "added"


class Added(nn.Module):
    """Put beside the weight of a module, which has it under the name ``added``."""

    def merged(self, weight: Tensor) -> Tensor | None:
        """Work what was learnt into the weight it stands beside.

        Args:
            weight: Of the module.

        Returns:
            The weight that does the same alone, detached; None where no weight does.
        """
        raise NotImplementedError

    def tensors(self) -> dict[str, Tensor]:
        """Give what was learnt under names that are the same in every engine.

        Returns:
            Name of the module in transformers, and which of its parts, to the parameter.
        """
        raise NotImplementedError


def additions(module: nn.Module) -> Iterator[tuple[str, Added]]:
    """List what was put into a module.

    Args:
        module: An encoder.

    Yields:
        The name of each module that has something put beside it, and what.
    """
    for name, part in module.named_modules():
        if isinstance(part, Added):
            yield name.removesuffix(_ADDED).removesuffix("."), part


def merges(module: nn.Module) -> bool:
    """Say whether all that was put into a module can be worked into its weights.

    Args:
        module: An encoder.

    Returns:
        True also where nothing was put in.
    """
    weights = dict(module.named_parameters())
    return all(part.merged(weights[f"{name}.weight"]) is not None for name, part in additions(module))


def merged_state(module: nn.Module) -> dict[str, Tensor]:
    """Give a module's weights as if nothing had been put in, and all of it worked into them that can be.

    Args:
        module: An encoder.

    Returns:
        Name to tensor, detached; names are those of the module before anything was put in.
    """
    state: dict[str, Tensor] = module.state_dict()
    for name, part in additions(module):
        state = {key: tensor for key, tensor in state.items() if not key.startswith(f"{name}.{_ADDED}.")}
        merged = part.merged(state[f"{name}.weight"])
        if merged is not None:
            state[f"{name}.weight"] = merged
    return state


def added_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Give all that was put into a module and learnt.

    Args:
        module: An encoder.

    Returns:
        Name, the same in every engine, to tensor, detached.
    """
    return {name: tensor.detach() for _, part in additions(module) for name, tensor in part.tensors().items()}
