"""Means of the weights over the steps: kept in an optimiser's state, so that a checkpoint holds them with the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

AVERAGE = "average"
"""Key of a parameter's state under which an optimiser keeps the mean of its values."""

_COUNT = "n_averaged"


def keep_average(optimizer: torch.optim.Optimizer, decay: float) -> None:
    """Keep an exponential moving average of the weights from now on.

    With ``decay`` d, the average after t steps is ``(1 - d) / (1 - d^t)`` times the sum of ``d^(t - i)`` times the
    weights after step i: no trace of where training began is left in it, and none of a zero either.

    Args:
        optimizer: Of any kind that keeps no average itself; a step that is not taken does not count.
        decay: Share of the average that is kept at each step, 0..1.

    Source: Kingma and Ba 2015, sections 3 and 7.2.
    """
    for group in optimizer.param_groups:
        group[_COUNT] = 0

    def after_step(stepped: torch.optim.Optimizer, *_: Any) -> None:
        for group in stepped.param_groups:
            group[_COUNT] += 1
            _update(stepped, group, (1.0 - decay) / (1.0 - decay ** group[_COUNT]))

    optimizer.register_step_post_hook(after_step)


@torch.no_grad()
def _update(optimizer: torch.optim.Optimizer, group: dict[str, Any], share: float) -> None:
    """Move the averages of a group towards the weights as they are."""
    for parameter in group["params"]:
        state = optimizer.state[parameter]
        if AVERAGE in state:
            state[AVERAGE].lerp_(parameter, share)
        elif parameter.grad is not None:  # what never learns has no state at all, which torch's own rely on
            state[AVERAGE] = parameter.detach().clone()


@torch.no_grad()
def put_average(optimizer: torch.optim.Optimizer) -> None:
    """Put the average in the place of the weights; where none is kept, they stay as they are.

    Args:
        optimizer: Holds the weights.
    """
    for parameter, state in optimizer.state.items():
        if AVERAGE in state:
            parameter.copy_(state[AVERAGE])


@contextmanager
def averaged(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Put the average in the place of the weights for a while; afterwards they are what they were, to the bit.

    Args:
        optimizer: Holds the weights.

    Yields:
        Nothing, while the average is in place.
    """
    kept = {parameter: parameter.detach().clone() for parameter, state in optimizer.state.items() if AVERAGE in state}
    put_average(optimizer)
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, weights in kept.items():
                parameter.copy_(weights)
