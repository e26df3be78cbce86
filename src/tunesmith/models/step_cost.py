"""What training steps cost where not every weight learns, in forward passes."""

from __future__ import annotations

from typing import NamedTuple

from tunesmith.models.added import additions
from tunesmith.models.encoder import Encoder
from tunesmith.models.flops import FORWARD_PASSES_OF_A_STEP


class StepCost(NamedTuple):
    """What training costs, in forward passes over its rows."""

    each: float = FORWARD_PASSES_OF_A_STEP
    """With each pass over the rows, its way back included."""

    once: float = 0.0
    """Before the first one."""


def step_cost(encoder: Encoder, *, keeps_below: bool) -> StepCost:
    """Count what a step costs where not every weight learns.

    A gradient goes through every matrix product above the lowest weight that learns, and for a matrix that learns a
    product more is made; layers below run forward alone, once where what they make of the rows is kept.

    Args:
        encoder: A copy as a method has made it.
        keeps_below: Whether it is kept.

    Returns:
        The cost; small products beside the maps count, biases do not.
    """
    layers = encoder.layer_groups()[1:]
    above = layers[max(encoder.n_frozen - 1, 0) :]
    added = {id(part) for _, each in additions(encoder) for part in each.parameters()}
    n_of_base, n_added, n_learning = 0, 0, 0
    for part in (part for layer in above for part in layer if part.ndim > 1):
        n_of_base += part.numel() * (id(part) not in added)
        n_added += part.numel() * (id(part) in added)
        n_learning += part.numel() * part.requires_grad
    share = len(above) / len(layers)
    passes = share * (2.0 * (n_of_base + n_added) + n_learning) / max(n_of_base, 1)
    return StepCost(passes, 1.0 - share) if keeps_below else StepCost(passes + 1.0 - share)
