"""Every loss, optimiser and schedule, enrolled by import, keeps its family's promises."""

from __future__ import annotations

import math

import pytest
import torch

from tunesmith.config import Family
from tunesmith.errors import ConfigError
from tunesmith.train.averaging import AVERAGE, averaged
from tunesmith.train.losses import LOSSES
from tunesmith.train.optimisers import OPTIMISERS
from tunesmith.train.parameter_groups import scale_rates
from tunesmith.train.schedules import SCHEDULES

FAMILIES = {"loss": LOSSES, "optimiser": OPTIMISERS, "schedule": SCHEDULES}


def built(family: Family, name: str, *args: object) -> object:
    """Build a member with its default options."""
    return family.member(name).build(*args, family.options(name))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_members_are_found_without_a_list(family: Family) -> None:
    """A family knows its members by their files, and every one has Options and build."""
    assert len(family.names()) >= 3
    for name in family.names():
        member = family.member(name)
        assert callable(member.build)
        assert member.Options() == family.options(name)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_an_unknown_member_is_told_with_the_nearest(family: Family) -> None:
    """A misspelt member names the one that was most likely meant."""
    right = family.names()[0]
    with pytest.raises(ConfigError, match=right):
        family.member(right[:-1] + "x")


@pytest.mark.parametrize("name", LOSSES.names())
def test_a_loss_gives_one_finite_value_a_row_and_a_gradient(name: str) -> None:
    """Extreme logits must not break a loss, and rows must not mix."""
    loss = built(LOSSES, name)
    logits = torch.tensor([[40.0, -40.0, 0.0], [0.1, 0.2, 0.3], [-40.0, 40.0, 0.0]], requires_grad=True)
    targets = torch.tensor([0, 2, 0])
    values = loss(logits, targets)
    assert values.shape == (3,)
    assert torch.isfinite(values).all()
    alone = torch.stack([loss(logits[row : row + 1], targets[row : row + 1])[0] for row in range(3)])
    torch.testing.assert_close(values, alone)
    values.sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert values[2] > values[1], "a row that is wrong for certain must cost more than one that is undecided"


def test_focal_loss_without_gamma_is_cross_entropy() -> None:
    """gamma 0 leaves cross-entropy as it is; the paper's formula holds for gamma 2 (Lin et al. 2017, equation 4)."""
    logits, targets = torch.randn(16, 5), torch.randint(5, (16,))
    plain = built(LOSSES, "cross_entropy")(logits, targets)
    focal = LOSSES.member("focal")
    torch.testing.assert_close(focal.build(focal.Options(gamma=0.0))(logits, targets), plain)
    right = torch.softmax(logits, 1)[torch.arange(16), targets]
    torch.testing.assert_close(
        focal.build(focal.Options(gamma=2.0))(logits, targets), -((1 - right) ** 2) * right.log()
    )


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_a_schedule_starts_at_zero_peaks_at_one_and_never_leaves(name: str) -> None:
    """The factor rises over the warm-up, reaches 1 at its end and stays within 0..1."""
    factor = built(SCHEDULES, name)
    values = [factor(step / 1000) for step in range(1001)]
    assert values[0] == 0.0
    assert math.isclose(values[100], 1.0)
    assert all(0.0 <= value <= 1.0 for value in values)
    assert values[:101] == sorted(values[:101])
    assert values[100:] == sorted(values[100:], reverse=True)


@pytest.mark.parametrize("name", OPTIMISERS.names())
def test_an_optimiser_lowers_a_convex_loss_and_obeys_its_rates(name: str) -> None:
    """With a rate each optimiser goes downhill; at rate zero no weight moves."""
    weight = torch.nn.Parameter(torch.tensor([[3.0, -2.0]]))
    rate = 1.0 if name == "adadelta" else 0.1
    group = {"params": [weight], "lr": rate, "peak_lr": rate, "weight_decay": 0.0}
    optimiser = built(OPTIMISERS, name, [group])
    before = float((weight.detach() ** 2).sum())
    for _ in range(20):
        optimiser.zero_grad()
        (weight**2).sum().backward()
        optimiser.step()
    assert float((weight.detach() ** 2).sum()) < before
    scale_rates(optimiser, 0.0)
    still = weight.detach().clone()
    (weight**2).sum().backward()
    optimiser.step()
    torch.testing.assert_close(weight.detach(), still, rtol=0, atol=0)


@pytest.mark.parametrize("name", OPTIMISERS.names())
def test_an_optimiser_names_its_schedule_and_keeps_the_mean_it_says(name: str) -> None:
    """A member that averages holds the mean where scoring looks for it, unlike the weights; no other member does."""
    member = OPTIMISERS.member(name)
    assert member.SCHEDULE in SCHEDULES.names()
    assert member.RATE > 0.0
    weight = torch.nn.Parameter(torch.tensor([[3.0, -2.0]]))
    optimiser = built(OPTIMISERS, name, [{"params": [weight], "lr": 0.1, "peak_lr": 0.1, "weight_decay": 0.0}])
    for _ in range(3):
        (weight**2).sum().backward()
        optimiser.step()
    assert (AVERAGE in optimiser.state[weight]) is member.AVERAGES
    trained = weight.detach().clone()
    with averaged(optimiser):
        assert torch.equal(weight.detach(), trained) is not member.AVERAGES
    assert torch.equal(weight.detach(), trained)
