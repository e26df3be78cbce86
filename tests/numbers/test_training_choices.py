"""Optimisers, losses and objectives give the numbers of a reference implementation or of the paper's formula."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tunesmith.train.averaging import put_average
from tunesmith.train.losses import LOSSES
from tunesmith.train.objectives.supervised import Supervised
from tunesmith.train.optimisers.schedule_free import ScheduleFreeAdamW

SCHEDULE_FREE = {
    0.9: (
        [[0.6295397826318501, -0.1461422721778124], [0.6031245252740658, 0.8470680041750562]],
        [0.255886093332743, -0.6829742757078074],
        [[0.6395805612440851, -0.15529285282716174], [0.5877675215447165, 0.8650956018737324]],
        [0.26465744544931924, -0.6992571635567463],
    ),
    0.98: (
        [[0.6353051042653631, -0.15119970878669847], [0.5914202443801768, 0.8608959401909846]],
        [0.2606970853687573, -0.6954955173414064],
        [[0.6373775087586059, -0.15309394237234386], [0.5883310342832746, 0.8645196630273263]],
        [0.262514016118302, -0.6987676214302676],
    ),
}
"""By beta1: matrix and vector that gradients are taken at after six steps, then their means. From the authors' package,
``AdamWScheduleFree`` of schedulefree 1.4.1 with ``foreach=False``, on torch 2.13, in double precision, on the problem
below; its ``AdamWScheduleFreeReference`` gives the same to 1e-15."""


@pytest.mark.parametrize("beta1", SCHEDULE_FREE)
def test_schedule_free_takes_the_steps_of_the_package(beta1: float) -> None:
    """Six steps of which three are warm-up, a matrix that decays and a vector that does not."""
    weight = torch.nn.Parameter(torch.tensor([[0.9, -0.4], [0.3, 1.2]], dtype=torch.float64))
    bias = torch.nn.Parameter(torch.tensor([0.5, -1.0], dtype=torch.float64))
    inputs, wanted = (torch.tensor(values, dtype=torch.float64) for values in ([1.0, -2.0], [1.0, 2.0]))
    groups: list[dict[str, Any]] = [
        {"params": [weight], "lr": 0.1, "weight_decay": 0.1},
        {"params": [bias], "lr": 0.1, "weight_decay": 0.0},
    ]
    optimizer = ScheduleFreeAdamW(groups, beta1=beta1, beta2=0.99, epsilon=1e-8)
    for number in range(1, 7):
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * min(1.0, number / 3)
        optimizer.zero_grad()
        (weight @ inputs + bias - wanted).square().sum().backward()
        optimizer.step()
    expected = [torch.tensor(values, dtype=torch.float64) for values in SCHEDULE_FREE[beta1]]
    torch.testing.assert_close([weight.detach(), bias.detach()], expected[:2], rtol=1e-12, atol=1e-14)
    put_average(optimizer)
    torch.testing.assert_close([weight.detach(), bias.detach()], expected[2:], rtol=1e-12, atol=1e-14)


@pytest.fixture
def random() -> torch.Generator:
    """The draws of a test."""
    return torch.Generator().manual_seed(0)


def built(name: str, **options: float) -> Any:
    """A loss."""
    return LOSSES.member(name).build(LOSSES.options(name, options))


def test_levels_cost_what_they_cost_in_coral(random: torch.Generator) -> None:
    """Cao, Mirjalili and Raschka 2020, equation 4: the sum over the questions whether a level is above another."""
    logits, levels = torch.randn(16, 4, generator=random), torch.randint(5, (16,), generator=random)
    is_above = torch.tensor([[float(level > question) for question in range(4)] for level in levels.tolist()])
    log_yes = functional.logsigmoid(logits)
    coral = -(log_yes * is_above + (log_yes - logits) * (1 - is_above)).sum(dim=1)
    torch.testing.assert_close(4 * built("binary_cross_entropy")(logits, levels), coral)


def supervised(outputs: Tensor, loss: str, targets: Tensor, **more: Any) -> Tensor:
    """Mean loss of rows for which a classifier gives these outputs."""
    objective = Supervised(lambda *_: outputs, built(loss), targets, **more)  # type: ignore[arg-type]
    batch: Any = SimpleNamespace(tokens=None, sequence_text=None, n_texts=0, rows=np.arange(len(targets)))
    return objective.loss_sum(batch) / len(targets)


def test_weighted_labels_cost_what_they_cost_in_torch(random: torch.Generator) -> None:
    """``BCEWithLogitsLoss`` with a weight for each row, in its mean over rows and labels."""
    logits, targets = torch.randn(16, 6, generator=random), torch.randint(2, (16, 6), generator=random)
    weights = torch.rand(16, generator=random)
    reference = torch.nn.BCEWithLogitsLoss(weight=weights[:, None])(logits, targets.float())
    torch.testing.assert_close(supervised(logits, "binary_cross_entropy", targets, weights=weights), reference)
