"""Schedule-free AdamW: the mean of the weights takes the place of a rate that falls, so no end need be foreseen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from pydantic import Field

from tunesmith.config import Settings
from tunesmith.train.averaging import AVERAGE

SCHEDULE = "constant"
AVERAGES = True
RATE = 1.0


class Options(Settings):
    """Where gradients are taken, and how fast squares decay."""

    beta1: float = Field(0.9, gt=0.0, le=1.0)
    """How near the mean of the weights gradients are taken; 0 would be at the newest weights."""

    beta2: float = Field(0.999, ge=0.0, lt=1.0)
    """Decay of the mean of its square."""

    epsilon: float = Field(1e-8, gt=0.0)
    """Added to the denominator."""


class ScheduleFreeAdamW(torch.optim.Optimizer):
    """Adam's steps lead the newest weights z; their mean x is what is sought; gradients are taken in between, at y.

    The parameters hold y. A step counts in the mean by the square of its rate, so warm-up weighs little.

    Args:
        groups: Torch parameter groups, each with ``params``, ``lr`` and ``weight_decay``.
        beta1: Share of x in y.
        beta2: Decay of the mean of the squared gradient.
        epsilon: Added to the denominator.

    Source: Defazio et al. 2024, "The road less scheduled", algorithm 1, with Adam's bias correction in the denominator
    as in the authors' package.
    """

    def __init__(self, groups: list[dict[str, Any]], *, beta1: float, beta2: float, epsilon: float) -> None:
        self._beta1, self._beta2, self._epsilon = beta1, beta2, epsilon
        super().__init__(groups, {"lr": 0.0, "weight_decay": 0.0, "n_steps": 0, "weight_sum": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step with the gradients that the parameters have.

        Args:
            closure: Never given; torch's signature has it.
        """
        assert closure is None, "the loop computes the gradients"
        for group in self.param_groups:
            group["n_steps"] += 1
            group["weight_sum"] += group["lr"] ** 2
            share = group["lr"] ** 2 / group["weight_sum"] if group["weight_sum"] else 0.0
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, group, share)

    def _move(self, parameter: torch.nn.Parameter, group: dict[str, Any], share: float) -> None:
        """Move z by Adam's step and decay, x towards z, and put y into the parameter."""
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None, "a parameter without a gradient stays"
        if not state:
            state["z"], state[AVERAGE] = parameter.clone(), parameter.clone()
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        newest, mean, squares = state["z"], state[AVERAGE], state["exp_avg_sq"]
        squares.mul_(self._beta2).addcmul_(gradient, gradient, value=1.0 - self._beta2)
        size = squares.div(1.0 - self._beta2 ** group["n_steps"]).sqrt_().add_(self._epsilon)
        newest.sub_(parameter, alpha=group["lr"] * group["weight_decay"]).addcdiv_(gradient, size, value=-group["lr"])
        mean.lerp_(newest, share)
        torch.lerp(newest, mean, self._beta1, out=parameter)


def build(groups: list[dict[str, Any]], options: Options) -> torch.optim.Optimizer:
    """Build the optimiser.

    Args:
        groups: Torch parameter groups, each with ``params``, ``lr`` and ``weight_decay``.
        options: Where gradients are taken, and how fast squares decay.

    Returns:
        One whose state holds the mean of the weights.

    Source: Defazio et al. 2024.
    """
    return ScheduleFreeAdamW(groups, beta1=options.beta1, beta2=options.beta2, epsilon=options.epsilon)
