"""Optimisers and random generators go through tensors and JSON and go on as if nothing had been."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch

from tunesmith.errors import ArtifactError
from tunesmith.run.checkpoint import Checkpoints
from tunesmith.run.packing import pack_optimizer, pack_rng, unpack_optimizer, unpack_rng
from tunesmith.train.averaging import keep_average
from tunesmith.train.optimisers.adamw import FusedAdamW
from tunesmith.train.optimisers.adamw import Options as AdamWOptions
from tunesmith.train.optimisers.schedule_free import ScheduleFreeAdamW

Build = Callable[[Iterable[dict[str, object]]], torch.optim.Optimizer]

OPTIMIZERS: dict[str, Build] = {
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0.1),
    "sgd momentum": lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True),
    "sgd fused": lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9, fused=True),
    "adam": lambda groups: torch.optim.Adam(groups, lr=0.01, betas=(0.8, 0.95)),
    "adam amsgrad": lambda groups: torch.optim.Adam(groups, lr=0.01, amsgrad=True),
    "adam rate tensor": lambda groups: torch.optim.Adam(groups, lr=torch.tensor(0.01), foreach=False),
    "adamw fused": lambda groups: torch.optim.AdamW(groups, lr=0.01, fused=True),
    "adamw": lambda groups: FusedAdamW([{"lr": 0.01, **group} for group in groups], AdamWOptions()),
    "adagrad": lambda groups: torch.optim.Adagrad(groups, lr=0.1),
    "adadelta": lambda groups: torch.optim.Adadelta(groups, lr=1.0),
    "schedule free": lambda groups: ScheduleFreeAdamW(
        [{"lr": 0.01, **group} for group in groups], beta1=0.9, beta2=0.95, epsilon=1e-8
    ),
    "adamw averaged": lambda groups: with_average(torch.optim.AdamW(groups, lr=0.01, fused=True)),
    "sgd averaged": lambda groups: with_average(torch.optim.SGD(groups, lr=0.1, momentum=0.9)),
}


def with_average(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """The same, with the mean of its weights in its state."""
    keep_average(optimizer, 0.9)
    return optimizer


class Toy:
    """Two layers, two groups, one parameter frozen, one that never gets a gradient."""

    def __init__(self, build: Build) -> None:
        generator = torch.Generator().manual_seed(1)
        self.parameters = [
            torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((3, 4), (3,), (2, 3))
        ]
        self.parameters.append(torch.nn.Parameter(torch.zeros(5), requires_grad=False))
        self.parameters.append(torch.nn.Parameter(torch.zeros(2)))
        groups = [
            {"params": self.parameters[:2], "weight_decay": 0.0},
            {"params": self.parameters[2:], "lr": 0.02, "initial_lr": 0.02},
        ]
        self.optimizer = build(groups)
        self.generator = torch.Generator().manual_seed(2)

    def step(self) -> None:
        """Take one step on random inputs."""
        weight, bias, last = self.parameters[:3]
        inputs = torch.randn(8, 4, generator=self.generator)
        loss = (torch.tanh(inputs @ weight.T + bias) @ last.T).square().mean()
        loss.backward()
        for group in self.optimizer.param_groups:
            group["lr"] *= 0.97
        self.optimizer.step()
        self.optimizer.zero_grad()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("n_before", [0, 1, 5])
def test_a_restored_optimizer_goes_on_to_the_bit(name: str, n_before: int, tmp_path: Path) -> None:
    """Through a checkpoint on the disk into objects built anew: after five more steps the weights are equal bits."""
    toy = Toy(OPTIMIZERS[name])
    for _ in range(n_before):
        toy.step()
    packed, rest = pack_optimizer(toy.optimizer)
    weights = {f"weight.{number}": parameter for number, parameter in enumerate(toy.parameters)}
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save("toy", {**packed, **weights, "rng": pack_rng(toy.generator)}, {"optimizer": rest})
    for _ in range(5):
        toy.step()

    found = checkpoints.newest("toy")
    assert found is not None
    again = Toy(OPTIMIZERS[name])
    with torch.no_grad():
        for number, parameter in enumerate(again.parameters):
            parameter.copy_(found.tensors[f"weight.{number}"])
    unpack_optimizer(again.optimizer, found.tensors, found.state["optimizer"])
    unpack_rng(again.generator, found.tensors["rng"])
    for _ in range(5):
        again.step()
    for mine, other in zip(again.parameters, toy.parameters, strict=True):
        assert torch.equal(mine, other)
    assert torch.equal(pack_rng(again.generator), pack_rng(toy.generator))
    assert str(again.optimizer.state_dict()) == str(toy.optimizer.state_dict())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_nothing_is_shared_after_unpacking(name: str) -> None:
    """Two optimisers that go on from one packed state do not disturb each other."""
    toy = Toy(OPTIMIZERS[name])
    toy.step()
    packed, rest = pack_optimizer(toy.optimizer)
    kept = {key: tensor.clone() for key, tensor in packed.items()}
    again = Toy(OPTIMIZERS[name])
    unpack_optimizer(again.optimizer, packed, json.loads(json.dumps(rest)))
    for _ in range(3):
        again.step()
    assert all(torch.equal(packed[key], kept[key]) for key in kept)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda tensors, rest: rest.update(kind="SGD"), "state of SGD"),
        (lambda tensors, rest: rest["groups"].pop(), r"groups of \[2\] parameters"),
        (lambda tensors, rest: tensors.pop("state.0.exp_avg"), r"no tensor 'state\.0\.exp_avg'"),
        (lambda tensors, rest: tensors.update({"state.0.exp_avg": torch.zeros(4, 3)}), r"exp_avg \[4, 3\]"),
        (lambda tensors, rest: rest["state"].update({"9": {}}), "state of parameter 9"),
    ],
)
def test_state_of_something_else_is_refused(change: Callable[[dict, dict], object], match: str) -> None:  # type: ignore[type-arg]
    """Another kind, other groups, missing or misshapen tensors: the live optimiser stays as it was."""
    toy = Toy(OPTIMIZERS["adam"])
    toy.step()
    tensors, rest = pack_optimizer(toy.optimizer)
    change(tensors, rest)
    again = Toy(OPTIMIZERS["adam"])
    with pytest.raises(ArtifactError, match=match) as caught:
        unpack_optimizer(again.optimizer, tensors, rest)
    assert caught.value.code == "checkpoint-differs"
    assert not again.optimizer.state_dict()["state"]


def test_the_default_generator_can_be_packed() -> None:
    """Dropout draws from it; draws after unpacking are those after packing."""
    state = pack_rng(torch.default_generator)
    drawn = torch.rand(5)
    unpack_rng(torch.default_generator, state)
    assert torch.equal(torch.rand(5), drawn)
    unpack_rng(torch.default_generator, state)
    assert torch.equal(torch.rand(5), drawn), "drawing changed the packed state"


@pytest.mark.parametrize("state", [torch.zeros(3, dtype=torch.uint8), torch.zeros(5056)])
def test_a_state_of_no_generator_is_refused(state: torch.Tensor) -> None:
    """Wrong size or kind of number."""
    with pytest.raises(ArtifactError, match="another kind of run") as caught:
        unpack_rng(torch.Generator(), state)
    assert caught.value.code == "checkpoint-differs"
