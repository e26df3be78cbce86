"""Every pairing, enrolled by import, keeps its family's promises."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from tunesmith.models.pairings import PAIRINGS, Pairing, load_pairing


@pytest.fixture(params=PAIRINGS.names())
def pairing(request: pytest.FixtureRequest) -> Pairing:
    """Each pairing."""
    return load_pairing(request.param)


def vectors(seed: int) -> torch.Tensor:
    """Of five texts, of length 1."""
    return functional.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_features_are_as_many_as_told(pairing: Pairing) -> None:
    """One row a pair, whatever the pairs beside it."""
    one, other = vectors(0), vectors(1)
    found = pairing(one, other)
    assert found.shape == (5, pairing.width(8))
    torch.testing.assert_close(pairing(one[2:3], other[2:3]), found[2:3])


def test_gradients_reach_both_texts(pairing: Pairing) -> None:
    """So that fine-tuning moves the encoder on both sides."""
    one, other = vectors(0).requires_grad_(), vectors(1).requires_grad_()
    pairing(one, other).square().sum().backward()  # type: ignore[no-untyped-call]
    for side in (one, other):
        assert side.grad is not None
        assert bool(side.grad.abs().sum(dim=1).all())


def test_the_cosine_can_be_read_off_linearly(pairing: Pairing) -> None:
    """The likeness that an encoder was trained for is there for a linear head."""
    generator = torch.Generator().manual_seed(2)
    one, other = (functional.normalize(torch.randn(400, 8, generator=generator), dim=1) for _ in range(2))
    features, cosine = pairing(one, other), (one * other).sum(dim=1)
    weights = torch.linalg.lstsq(features.double(), cosine.double()[:, None]).solution
    torch.testing.assert_close((features.double() @ weights)[:, 0], cosine.double(), rtol=0.0, atol=1e-5)


def test_only_a_pairing_of_likeness_is_the_same_in_either_order() -> None:
    """The symmetric one is; the ordered one tells which text came first."""
    one, other = vectors(0), vectors(1)
    torch.testing.assert_close(load_pairing("symmetric")(one, other), load_pairing("symmetric")(other, one))
    assert not torch.allclose(load_pairing("ordered")(one, other), load_pairing("ordered")(other, one))


@pytest.mark.parametrize("name", PAIRINGS.names())
def test_a_pairing_says_what_it_is(name: str) -> None:
    """Options that are valid as they are."""
    assert PAIRINGS.member(name).Options() == PAIRINGS.options(name)
