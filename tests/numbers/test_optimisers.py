"""The default optimiser takes torch's own steps, without torch's compiler."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import torch

from tunesmith.train.optimisers import OPTIMISERS

_RATES = ((1e-3, 0.01), (3e-2, 0.0))

_USED_AND_KEPT = """
import sys
import torch
from tunesmith.train.optimisers import OPTIMISERS
weight = torch.nn.Parameter(torch.ones(3, 3))
groups = [{"params": [weight], "lr": 0.1, "weight_decay": 0.0}]
optimiser = OPTIMISERS.member("adamw").build(groups, OPTIMISERS.options("adamw"))
weight.grad = torch.ones(3, 3)
optimiser.step()
optimiser.zero_grad(set_to_none=True)
optimiser.load_state_dict(optimiser.state_dict())
print(bool((weight < 1.0).all()), weight.grad is None, "torch._dynamo" in sys.modules)
"""


def weights(seed: int) -> list[torch.nn.Parameter]:
    """A matrix, a vector, and one that never has a gradient."""
    random = torch.Generator().manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(shape, generator=random)) for shape in ((7, 5), (5,), (2,))]


def groups(parameters: list[torch.nn.Parameter]) -> list[dict[str, Any]]:
    """A group of two and a group of one, at rates of their own."""
    parts = (parameters[::2], parameters[1:2])
    return [
        {"params": part, "lr": rate, "weight_decay": decay} for part, (rate, decay) in zip(parts, _RATES, strict=True)
    ]


def take_steps(optimiser: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], n_steps: int, seed: int) -> None:
    """Steps along random gradients, at rates that fall."""
    random = torch.Generator().manual_seed(seed)
    for _ in range(n_steps):
        for parameter in parameters[:2]:
            parameter.grad = torch.randn(parameter.shape, generator=random)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        for group in optimiser.param_groups:
            group["lr"] *= 0.8


def test_adamw_takes_the_steps_of_torch_to_the_bit() -> None:
    """Also where one goes on from the state that the other left, either way."""
    ours, theirs = weights(0), weights(0)
    options = OPTIMISERS.options("adamw", {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-6})
    pair = (
        OPTIMISERS.member("adamw").build(groups(ours), options),
        torch.optim.AdamW(groups(theirs), lr=0.0, betas=(0.8, 0.95), eps=1e-6, fused=True),
    )
    for round_ in range(3):
        for optimiser, parameters in zip(pair, (ours, theirs), strict=True):
            take_steps(optimiser, parameters, 4, round_)
        assert all(map(torch.equal, ours, theirs))
        assert not torch.equal(ours[0], weights(0)[0])
        assert torch.equal(ours[2], weights(0)[2])
        states = [optimiser.state_dict() for optimiser in pair]
        for optimiser, state in zip(pair, reversed(states), strict=True):
            optimiser.load_state_dict(state)


def test_adamw_does_not_import_the_compiler() -> None:
    """A second of every short run, were it to."""
    done = subprocess.run([sys.executable, "-c", _USED_AND_KEPT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "False"]
