"""Attention by groups: the fused kernel, our own passes and the textbook agree, with dropout too."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tunesmith.models.dropout import Coins, add_dropped, drop
from tunesmith.models.encoders import _attention
from tunesmith.models.encoders._attention import Group, GroupedAttention, _Attention, _Blocks

GROUPS: list[Group] = [(0, 2, 2), (4, 1, 3), (7, 1, 8), (15, 1, 9), (24, 2, 11)]
"""Lengths that share a block of 8 places with and without some left over, and lengths that share one of 16."""

N_TOKENS, N_HEADS, WIDTH = 46, 2, 6


def qkv(*, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Random queries, keys and values of all tokens."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(N_TOKENS, 3 * WIDTH, generator=generator, dtype=dtype, requires_grad=True)


def textbook(mixed: Tensor) -> Tensor:
    """Each sequence and each head by itself; Vaswani et al. 2017, equation 1."""
    gathered = torch.empty(N_TOKENS, WIDTH, dtype=mixed.dtype)
    size = WIDTH // N_HEADS
    for start, count, length in GROUPS:
        for first in range(start, start + count * length, length):
            for head in range(N_HEADS):
                rows, columns = slice(first, first + length), slice(head * size, (head + 1) * size)
                query, key, value = (part[rows, columns] for part in mixed.chunk(3, dim=1))
                gathered[rows, columns] = torch.softmax(query @ key.T / size**0.5, dim=-1) @ value
    return gathered


@pytest.mark.parametrize(("grad", "short", "fused"), [(True, 0, 0), (False, 11, 0), (False, 10, 1)])
def test_it_is_the_textbook_s_attention(grad: bool, short: int, fused: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to compute it, on groups of one and of several sequences; the fused one for long ones, untrained."""
    calls = []
    kernel = functional.scaled_dot_product_attention

    def counted(*args: Tensor, **keywords: float) -> Tensor:
        calls.append(args)
        return kernel(*args, **keywords)

    monkeypatch.setattr(functional, "scaled_dot_product_attention", counted)
    monkeypatch.setattr(_attention, "_SHORT", short)
    inputs = qkv()
    with torch.set_grad_enabled(grad):
        found = GroupedAttention(GROUPS, N_HEADS, rate=0.0, coins=None)(inputs)
    torch.testing.assert_close(found, textbook(inputs))
    assert len(calls) == fused * len(GROUPS)


def test_its_gradient_is_the_textbook_s() -> None:
    """Our backward pass against autograd's over the textbook."""
    inputs, weights = qkv(), torch.randn(N_TOKENS, WIDTH, dtype=torch.float64)
    (expected,) = torch.autograd.grad((textbook(inputs) * weights).sum(), inputs)
    found = GroupedAttention(GROUPS, N_HEADS, rate=0.0, coins=None)(inputs)
    torch.testing.assert_close(torch.autograd.grad((found * weights).sum(), inputs)[0], expected)


def test_its_gradient_under_dropout_is_that_of_the_same_decisions() -> None:
    """Finite differences, with some weights dropped and the rest scaled up."""
    blocks = _Blocks([(0, 1, 2), (2, 1, 3)], N_HEADS)
    factors = 1.3 * (torch.rand(blocks.n_scores, generator=torch.Generator().manual_seed(3)) < 0.7)
    rows = torch.randn(5 * 3 * N_HEADS, WIDTH // N_HEADS, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda r: _Attention.apply(r, blocks, factors.double()), (rows,))


def test_dropout_drops_weights_of_the_attention() -> None:
    """What is kept of the attention weights is scaled up, then applied to the values."""
    group: list[Group] = [(0, 1, N_TOKENS)]
    inputs = qkv()
    torch.manual_seed(5)
    found = GroupedAttention(group, 1, rate=0.5, coins=Coins(torch.device("cpu")))(inputs)
    torch.manual_seed(5)
    factors = Coins(torch.device("cpu")).factors(48 * 48, 0.5)  # 46 tokens on 48 places
    query, key, value = inputs.chunk(3, dim=1)
    weights = torch.softmax(query @ key.T / WIDTH**0.5, dim=-1) * factors.view(48, 48)[:N_TOKENS, :N_TOKENS]
    torch.testing.assert_close(found, weights @ value)


def test_all_at_once_is_the_textbook_s_attention() -> None:
    """As it goes on a device: one call of the kernel, and its gradient; places of padding are seen by none."""
    inputs, weights = qkv(), torch.randn(N_TOKENS, WIDTH, dtype=torch.float64)
    found = GroupedAttention(GROUPS, N_HEADS, rate=0.0, coins=None)._at_once(inputs)
    torch.testing.assert_close(found, textbook(inputs))
    (expected,) = torch.autograd.grad((textbook(inputs) * weights).sum(), inputs)
    torch.testing.assert_close(torch.autograd.grad((found * weights).sum(), inputs)[0], expected)


def test_numbers_of_bfloat16_go_through_the_kernel_at_once_with_dropout() -> None:
    """Weights of attention are dropped in training, and none without a rate."""
    inputs = qkv().bfloat16()
    plain = GroupedAttention(GROUPS, N_HEADS, rate=0.0, coins=None)(inputs)
    torch.testing.assert_close(plain.double(), textbook(qkv()), rtol=0.0, atol=0.03)
    attend = GroupedAttention(GROUPS, N_HEADS, rate=0.5, coins=Coins(torch.device("cpu")))
    assert not torch.allclose(attend(inputs), attend(inputs))


@pytest.mark.parametrize("short", [64, 0])
def test_dropout_acts_where_nothing_below_is_trained(short: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frozen lower layers still train the upper ones under dropout, as they would unfrozen, both ways."""
    monkeypatch.setattr(_attention, "_SHORT", short)
    inputs = qkv().detach()
    attend = GroupedAttention(GROUPS, N_HEADS, rate=0.5, coins=Coins(torch.device("cpu")))
    assert not torch.allclose(attend(inputs), attend(inputs))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.999])
def test_coins_fall_at_the_rate_of_the_config(rate: float) -> None:
    """A million decisions keep their share to within five deviations, and the factor makes up for the loss."""
    torch.manual_seed(0)
    factors = Coins(torch.device("cpu")).factors(1_000_001, rate)
    assert len(factors) == 1_000_001
    assert factors.unique().tolist() == pytest.approx([0.0, 1 / (1 - rate)], rel=0.01)
    assert abs((factors > 0).float().mean().item() - (1 - rate)) < 5 * (rate * (1 - rate) / 1e6) ** 0.5 + 2**-17


def test_coins_are_independent_of_their_neighbours() -> None:
    """Decisions cut from one random word must not follow one another; five deviations."""
    torch.manual_seed(0)
    sides = Coins(torch.device("cpu")).factors(1_000_000, 0.5) - 1.0
    for distance in (1, 2, 3, 4, 5, 8, 64):
        assert abs((sides[:-distance] * sides[distance:]).mean().item()) < 5 / 1e3


def test_dropped_values_are_zero_and_the_rest_scaled() -> None:
    """Of 1,000 ones each is 0 or the factor; the residual adds what was there."""
    torch.manual_seed(0)
    ones = torch.ones(10, 100, requires_grad=True)
    dropped = drop(ones, 0.25, Coins(torch.device("cpu")))
    assert sorted(dropped.unique().tolist()) == pytest.approx([0.0, 4 / 3])
    added = add_dropped(ones * 10, ones, 0.25, coins=Coins(torch.device("cpu")))
    assert sorted(added.unique().tolist()) == pytest.approx([10.0, 10 + 4 / 3])
    (gradient,) = torch.autograd.grad(dropped.sum(), ones)
    torch.testing.assert_close(gradient, dropped.detach())


def test_without_coins_nothing_is_dropped() -> None:
    """Evaluation changes no value."""
    ones = torch.ones(3, 4)
    assert drop(ones, 0.5, None) is ones
    assert torch.equal(add_dropped(ones, ones, 0.5, coins=None), ones + ones)
