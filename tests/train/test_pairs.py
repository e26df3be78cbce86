"""Pairs: what the loss of a batch is, and what it takes no part in."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tunesmith.train.objectives.pairs import Pairs


def loss_of(vectors: list[list[float]], targets: list[int], rows: list[int]) -> torch.Tensor:
    """The loss of a batch whose features are given."""

    class Few(SimpleNamespace):
        def __len__(self) -> int:
            return len(rows)

    features = torch.tensor(vectors, requires_grad=True)
    classifier = SimpleNamespace(features=lambda *_: features)
    batch = Few(rows=np.array(rows), tokens=None, sequence_text=None, n_texts=len(rows))
    loss: torch.Tensor = Pairs(classifier, torch.tensor(targets)).loss_sum(batch)  # type: ignore[arg-type]
    loss.backward()
    assert features.grad is not None
    return loss.detach()


def test_pairs_alike_weigh_as_much_as_those_unlike() -> None:
    """One pair alike at a right angle, two unlike of which one lies in one direction; lengths have no say."""
    loss = loss_of([[1.0, 0.0], [0.0, 3.0], [2.0, 0.0]], targets=[9, 1, 0, 0], rows=[2, 3, 1])
    assert loss == pytest.approx(3 * (1.0 + (1.0 + 0.0) / 2))


@pytest.mark.parametrize("targets", [[0, 0], [0, 1]])
def test_a_kind_of_which_there_is_no_pair_costs_nothing(targets: list[int]) -> None:
    """Not a number that is none."""
    angle = loss_of([[1.0, 0.0], [1.0, 1.0]], targets=targets, rows=[0, 1])
    cosine = 0.5**0.5
    assert angle == pytest.approx(2 * (1.0 - cosine) ** 2 if targets[0] == targets[1] else 2 * cosine**2)


def test_one_row_costs_nothing() -> None:
    """And training goes on."""
    assert loss_of([[1.0, 0.0]], targets=[0], rows=[0]) == 0.0
