"""Which weight learns how fast, and which decays."""

from __future__ import annotations

import pytest
import torch
from tests.ladder.tiny_base import tiny_encoder

from tunesmith.models.heads.linear import LinearHead
from tunesmith.train.parameter_groups import parameter_groups, scale_rates

RATES = {"learning_rate": 1e-3, "head_learning_rate": 0.5, "layer_decay": 0.5, "weight_decay": 0.01}


@pytest.fixture
def encoder() -> torch.nn.Module:
    """Two layers above the embeddings."""
    return tiny_encoder(dropout=0.0)


def rate_of(groups: list[dict[str, object]]) -> dict[torch.nn.Parameter, tuple[object, object]]:
    """Rate and decay of each parameter; one in two groups fails."""
    found: dict[torch.nn.Parameter, tuple[object, object]] = {}
    for group in groups:
        assert group["params"], "an empty group"
        assert group["lr"] == group["peak_lr"]
        for parameter in group["params"]:
            assert parameter not in found
            found[parameter] = (group["lr"], group["weight_decay"])
    return found


def test_each_layer_down_learns_slower_and_vectors_do_not_decay(encoder: torch.nn.Module) -> None:
    """The top layer has the rate, each below half of the next; biases and norms are never pulled to zero."""
    head = LinearHead(32, 3)
    found = rate_of(parameter_groups(encoder.layer_groups(), head.parameters(), **RATES))
    assert len(found) == len(list(encoder.parameters())) + 2
    for height, layer in enumerate(encoder.layer_groups()):
        for parameter in layer:
            assert found[parameter] == (1e-3 * 0.5 ** (2 - height), 0.01 if parameter.ndim > 1 else 0.0)
    assert (found[head.weight], found[head.bias]) == ((0.5, 0.01), (0.5, 0.0))


def test_frozen_weights_are_left_out(encoder: torch.nn.Module) -> None:
    """No optimiser holds what is not trained, and the rates of the rest stay as they are."""
    all_rates = rate_of(parameter_groups(encoder.layer_groups(), LinearHead(32, 3).parameters(), **RATES))
    encoder.freeze(1)
    found = rate_of(parameter_groups(encoder.layer_groups(), LinearHead(32, 3).parameters(), **RATES))
    frozen = set(encoder.layer_groups()[0])
    assert not frozen & found.keys()
    kept = [parameter for layer in encoder.layer_groups()[1:] for parameter in layer]
    assert [found[parameter] for parameter in kept] == [all_rates[parameter] for parameter in kept]


def test_scaling_starts_from_the_peak_each_time(encoder: torch.nn.Module) -> None:
    """Half, then all: each group is at its own peak again, whatever was set in between."""
    optimizer = torch.optim.SGD(parameter_groups(encoder.layer_groups(), LinearHead(32, 3).parameters(), **RATES))
    peaks = [group["peak_lr"] for group in optimizer.param_groups]
    for factor in (0.5, 0.25, 1.0):
        scale_rates(optimizer, factor)
        assert [group["lr"] for group in optimizer.param_groups] == [factor * peak for peak in peaks]
