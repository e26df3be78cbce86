"""DoRA's map has the gradients that autograd would find, and keeps no more for them than it needs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tunesmith.models.methods.dora import Decomposed
from tunesmith.models.places import Part

N_ROWS, N_INPUTS, N_OUTPUTS, RANK = 7, 5, 6, 2


@pytest.fixture
def decomposed() -> tuple[Decomposed, Tensor, Tensor]:
    """A map of two parts, of which one is turned, with a weight and a bias; something has been learnt."""
    generator = torch.Generator().manual_seed(0)
    parts = (Part("query", "query", N_OUTPUTS // 2), Part("key", "key", N_OUTPUTS // 2))
    added = Decomposed(parts, {"query": RANK}, n_inputs=N_INPUTS, scale=2.0, dropout=0.0, has_values=False).double()
    weight, bias = (
        torch.randn(*shape, generator=generator).double() for shape in ((N_OUTPUTS, N_INPUTS), (N_OUTPUTS,))
    )
    added.measure(weight)
    with torch.no_grad():
        for parameter in added.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator).double())
    return added, weight, bias


def plainly(added: Decomposed, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The same, as autograd sees it."""
    narrow, wide = added._factors()
    plain = functional.linear(inputs, weight) + added.scale * functional.linear(inputs @ narrow.T, wide)
    return added._stretch(weight) * plain + (0.0 if bias is None else bias)


@pytest.mark.parametrize("has_bias", [True, False])
def test_gradients_are_those_of_the_formula(decomposed: tuple[Decomposed, Tensor, Tensor], has_bias: bool) -> None:
    """To the inputs, to both factors and to the lengths."""
    added, weight, bias = decomposed
    found = []
    for function in (added.forward, lambda *given: plainly(added, *given)):
        inputs = torch.linspace(-1, 1, N_ROWS * N_INPUTS).double().view(1, N_ROWS, N_INPUTS).requires_grad_()
        outputs = function(inputs, weight, bias if has_bias else None)
        outputs.sin().sum().backward()
        learnt = [inputs, *added.A.values(), *added.B.values(), *added.m.values()]
        found.append([outputs.detach(), *(each.grad for each in learnt)])
        added.zero_grad()
    torch.testing.assert_close(*found)


def test_a_row_of_no_length_has_a_gradient_that_is_a_number(decomposed: tuple[Decomposed, Tensor, Tensor]) -> None:
    """It has no direction to be lengthened in, and stays."""
    added, weight, bias = decomposed
    with torch.no_grad():
        added.m["0"][1] = 0.0
    added(torch.ones(N_ROWS, N_INPUTS).double(), weight, bias).sum().backward()
    assert added.m["0"].grad is not None
    assert added.m["0"].grad[1] == 0.0
    assert all(bool(each.grad.isfinite().all()) for each in added.parameters() if each.grad is not None)


def test_what_is_kept_for_the_gradient_is_little(decomposed: tuple[Decomposed, Tensor, Tensor]) -> None:
    """Of matrices with a row a token: inputs, outputs, and the narrow one between."""
    added, weight, bias = decomposed
    kept: list[Tensor] = []
    inputs = torch.ones(N_ROWS, N_INPUTS).double()
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        added(inputs, weight, bias)
    assert sum(each.numel() for each in kept if len(each) == N_ROWS) == N_ROWS * (N_INPUTS + N_OUTPUTS + RANK)
