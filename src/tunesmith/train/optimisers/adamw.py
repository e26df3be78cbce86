"""AdamW: Adam with weight decay apart from the gradient."""

from __future__ import annotations

from inspect import unwrap
from typing import Any

import torch
from pydantic import Field

from tunesmith.config import Settings

SCHEDULE = "linear"
AVERAGES = False
RATE = 1.0


class Options(Settings):
    """Decay rates of the two moments."""

    beta1: float = Field(0.9, ge=0.0, lt=1.0)
    """Decay of the mean of the gradient."""

    beta2: float = Field(0.999, ge=0.0, lt=1.0)
    """Decay of the mean of its square."""

    epsilon: float = Field(1e-8, gt=0.0)
    """Added to the denominator."""


class FusedAdamW(torch.optim.AdamW):
    """torch's fused AdamW, by its own kernel and with its own state, less the second that its wrappers take.

    They import torch's compiler when an optimiser is first used, so as to tell it to leave optimisers alone. Training
    here is not compiled.

    Args:
        groups: Torch parameter groups, all on one device and of one type.
        options: Decay rates of the two moments.

    Source: Loshchilov and Hutter 2019.
    """

    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)

    def __init__(self, groups: list[dict[str, Any]], options: Options) -> None:
        super().__init__(groups, lr=0.0, betas=(options.beta1, options.beta2), eps=options.epsilon, fused=True)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step along the gradients that are there.

        Args:
            closure: None; torch's other optimisers could compute gradients anew by one.
        """
        assert closure is None
        for group in self.param_groups:
            lists: tuple[list[torch.Tensor], ...] = tuple([] for _ in range(6))
            self._init_group(group, *lists)  # type: ignore[no-untyped-call]
            weights, gradients, means, squares, largest, steps = lists
            if not weights:
                continue
            torch._foreach_add_(steps, 1)
            torch._fused_adamw_(
                weights,
                gradients,
                means,
                squares,
                largest,
                steps,
                lr=group["lr"],
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )


def build(groups: list[dict[str, Any]], options: Options) -> torch.optim.Optimizer:
    """Build the optimiser.

    Args:
        groups: Torch parameter groups, each with ``params``, ``lr`` and ``weight_decay``.
        options: Decay rates of the two moments.

    Returns:
        The optimiser.
    """
    return FusedAdamW(groups, options)
