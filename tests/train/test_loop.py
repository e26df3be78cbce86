"""The loop takes the steps it says it takes, and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest
import torch
from tests.ladder.tiny_base import tiny_encoder
from torch.nn import functional

from tunesmith.data.batch import Batch, MicroBatch, pack
from tunesmith.data.tokenize import TokenSet
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.heads.linear import LinearHead
from tunesmith.train.loop import Step, fit_steps
from tunesmith.train.losses import LOSSES
from tunesmith.train.objectives.supervised import Supervised

LENGTHS = (5, 3, 9, 3, 7, 4)
"""Of six sequences; the last two are windows of one row."""
ROW = np.array([0, 1, 2, 3, 4, 4])
TARGETS = torch.tensor([0, 1, 2, 0, 1])
UNBOUNDED = 1e9


def rows(*numbers: int) -> Batch:
    """Some of five rows, packed."""
    random = np.random.default_rng(0)
    offsets = np.concatenate(([0], np.cumsum(LENGTHS)))
    n_tokens = np.bincount(ROW, weights=np.array(LENGTHS)).astype(np.int32)
    ids = random.integers(5, 60, offsets[-1]).astype(np.int32)
    return pack(TokenSet(ids, offsets, ROW, None, n_tokens), np.array(numbers))


ALL = rows(0, 1, 2, 3, 4)


def classifier(*, dropout: float = 0.0) -> EncoderClassifier:
    """A tiny classifier of three classes, its weights the same each time."""
    torch.manual_seed(0)
    head = LinearHead(32, 3)
    torch.nn.init.normal_(head.weight, std=3.0)
    torch.nn.init.normal_(head.bias)
    return EncoderClassifier(tiny_encoder(dropout=dropout), "mean", head, unit_length=True)


def objective(*, dropout: float = 0.0) -> Supervised:
    """The classifier under cross-entropy."""
    loss = LOSSES.member("cross_entropy").build(LOSSES.options("cross_entropy"))
    return Supervised(classifier(dropout=dropout), loss, TARGETS)


class Broken:
    """An objective whose loss of batches with row 2 is spoilt."""

    def __init__(self, sound: Supervised, spoil: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        self.sound = sound
        self._spoil = spoil

    def loss_sum(self, batch: Batch) -> torch.Tensor:
        """See ``Trainable``."""
        loss = self.sound.loss_sum(batch)
        return self._spoil(loss, self.sound.classifier.head.weight) if 2 in batch.rows else loss

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """See ``Trainable``."""
        return self.sound.parameters()


def weights(model: Supervised) -> dict[str, torch.Tensor]:
    """A copy of all weights."""
    return {name: value.detach().clone() for name, value in model.classifier.named_parameters()}


def sgd(model: Supervised, *, rate: float = 1.0) -> torch.optim.Optimizer:
    """Moves the weights by the gradient as it is."""
    return torch.optim.SGD(list(model.parameters()), lr=rate)


def taken(
    model: Supervised,
    batches: Iterable[Batch],
    *,
    max_grad_norm: float = UNBOUNDED,
    micro_batch: MicroBatch | None = None,
) -> list[Step]:
    """Train on batches."""
    return list(fit_steps(model, batches, sgd(model), max_grad_norm=max_grad_norm, micro_batch=micro_batch))


def distance(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> torch.Tensor:
    """All changes of all weights in one vector."""
    return torch.cat([(after[name] - before[name]).flatten() for name in before])


@pytest.mark.parametrize("micro_batch_size", [1, 3, 4])
def test_splitting_a_batch_leaves_the_step_unchanged(micro_batch_size: int) -> None:
    """One pass over five rows, and several whose last is smaller, move the weights alike."""
    whole, parts = objective(), objective()
    (step,) = taken(whole, [ALL])
    (in_parts,) = taken(parts, [ALL], micro_batch=MicroBatch(micro_batch_size))
    torch.testing.assert_close(weights(parts), weights(whole), rtol=1e-5, atol=1e-7)
    assert in_parts.loss == pytest.approx(step.loss, rel=1e-6)
    assert in_parts.grad_norm == pytest.approx(step.grad_norm, rel=1e-5)
    assert distance(weights(objective()), weights(whole)).norm() > 0.1, "a step that moves nothing proves nothing"


@pytest.mark.parametrize("micro_batch_tokens", [1, 6, 1000])
def test_splitting_by_tokens_leaves_the_step_unchanged(micro_batch_tokens: int) -> None:
    """A row each where none fits, a few parts, and all at once."""
    whole, parts = objective(), objective()
    (step,) = taken(whole, [ALL])
    (in_parts,) = taken(parts, [ALL], micro_batch=MicroBatch(tokens=micro_batch_tokens))
    torch.testing.assert_close(weights(parts), weights(whole), rtol=1e-5, atol=1e-7)
    assert in_parts.loss == pytest.approx(step.loss, rel=1e-6)


def test_the_loss_is_the_mean_over_rows() -> None:
    """Long rows and rows of two windows count once, as the gradient's step does."""
    model = objective()
    before = weights(model)
    logits = model.classifier(ALL.tokens, ALL.sequence_text, 5)
    mean = functional.cross_entropy(logits, TARGETS)
    mean.backward()
    named = model.classifier.named_parameters()
    gradient = {name: value.grad.clone() for name, value in named if value.grad is not None}
    model.classifier.zero_grad(set_to_none=True)
    (step,) = taken(model, [ALL], micro_batch=MicroBatch(2))
    assert step.loss == pytest.approx(float(mean.detach()), rel=1e-6)
    assert step.grad_norm == pytest.approx(float(torch.cat([g.flatten() for g in gradient.values()]).norm()), rel=1e-5)
    expected = {name: value - gradient.get(name, torch.zeros(())) for name, value in before.items()}
    torch.testing.assert_close(weights(model), expected, rtol=1e-5, atol=1e-6)


def test_each_row_is_held_to_its_own_class() -> None:
    """A batch in another order, and a batch of later rows, take their classes with them."""
    model = objective()
    for numbers in ([4, 2, 0], [3], [2, 1, 3, 4]):
        batch = rows(*numbers)
        logits = model.classifier(batch.tokens, batch.sequence_text, len(batch))
        expected = functional.cross_entropy(logits, TARGETS[numbers], reduction="sum")
        torch.testing.assert_close(model.loss_sum(batch), expected)


SPOILT = {
    "infinite loss": lambda loss, _: loss * float("inf"),
    "loss that is no number": lambda loss, _: loss * float("nan"),
    "gradient that is no number": lambda loss, weight: loss + (weight - weight.detach()).abs().sum().sqrt(),
    "infinite gradient": lambda loss, weight: loss + (weight - weight.detach()).sum() * 3e38 * 100.0,
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("size", [None, 2])
def test_a_step_that_is_not_finite_is_not_taken(
    spoil: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], size: int | None
) -> None:
    """Weights and moments stay as they were to the bit, and nothing of it is left in the next step."""
    model, untouched = objective(), objective()
    broken = Broken(model, spoil)
    optimizer = torch.optim.AdamW(list(model.parameters()), lr=1e-2)
    steps = fit_steps(broken, [ALL, rows(0, 1), ALL], optimizer, max_grad_norm=1.0, micro_batch=MicroBatch(size))
    before = weights(model)
    first = next(steps)
    assert (first.number, first.skipped, list(first.rows)) == (1, True, [0, 1, 2, 3, 4])
    torch.testing.assert_close(weights(model), before, rtol=0.0, atol=0.0)
    assert not optimizer.state
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not next(steps).skipped
    reference = torch.optim.AdamW(list(untouched.parameters()), lr=1e-2)
    list(fit_steps(untouched, [rows(0, 1)], reference, max_grad_norm=1.0, micro_batch=MicroBatch(size)))
    torch.testing.assert_close(weights(model), weights(untouched), rtol=0.0, atol=0.0)
    after_second = weights(model)
    assert next(steps).skipped
    torch.testing.assert_close(weights(model), after_second, rtol=0.0, atol=0.0)


def test_a_long_gradient_is_cut_as_a_whole() -> None:
    """The step has the length of the bound and the direction of the gradient; the norm is told before the cut."""
    free, bound = objective(), objective()
    before = weights(free)
    (long,) = taken(free, [ALL])
    (cut,) = taken(bound, [ALL], max_grad_norm=0.01)
    assert long.grad_norm > 0.1
    assert cut.grad_norm == pytest.approx(long.grad_norm, rel=1e-6)
    whole, part = distance(before, weights(free)), distance(before, weights(bound))
    assert float(part.norm()) == pytest.approx(0.01, rel=1e-3)
    assert float(functional.cosine_similarity(whole, part, dim=0)) == pytest.approx(1.0, abs=1e-5)


def test_a_short_gradient_is_left_as_it_is() -> None:
    """A bound above the norm changes not one bit."""
    free, bound = objective(), objective()
    (step,) = taken(free, [ALL])
    taken(bound, [ALL], max_grad_norm=2.0 * step.grad_norm)
    torch.testing.assert_close(weights(bound), weights(free), rtol=0.0, atol=0.0)


def test_numbers_go_on_where_a_run_goes_on() -> None:
    """Steps are counted from 1, or from the step after a checkpoint; rows and tokens are those of the batch."""
    batches = [rows(0, 1), rows(2), rows(3, 4)]
    model = objective()
    assert [step.number for step in taken(model, batches)] == [1, 2, 3]
    again = list(fit_steps(model, batches, sgd(model), max_grad_norm=1.0, first_number=8))
    assert [step.number for step in again] == [8, 9, 10]
    assert [list(step.rows) for step in again] == [[0, 1], [2], [3, 4]]
    assert [step.n_tokens for step in again] == [8, 9, 14]


def test_the_caller_decides_between_two_steps() -> None:
    """No step is taken ahead: rates set after one hold for the next, and a caller who stops asking has stopped."""

    def asked() -> Iterator[Batch]:
        for batch in (rows(0, 1), rows(2), rows(3, 4)):
            given.append(list(batch.rows))
            yield batch

    given: list[list[int]] = []
    model = objective()
    optimizer = sgd(model, rate=0.1)
    steps = fit_steps(model, asked(), optimizer, max_grad_norm=UNBOUNDED)
    next(steps)
    assert given == [[0, 1]]
    after_one = weights(model)
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    next(steps)
    torch.testing.assert_close(weights(model), after_one, rtol=0.0, atol=0.0)
    assert given == [[0, 1], [2]]


def test_dropout_is_drawn_anew_in_every_pass() -> None:
    """With dropout two equal batches give two losses, and the same seed gives the same two again."""
    losses = []
    for _ in range(2):
        model = objective(dropout=0.3)
        model.classifier.train()
        torch.manual_seed(7)
        losses.append([step.loss for step in fit_steps(model, [ALL, ALL], sgd(model, rate=0.0), max_grad_norm=1.0)])
    assert losses[0] == losses[1]
    assert losses[0][0] != losses[0][1]


def test_no_pass_is_larger_than_asked_for() -> None:
    """That is what bounds memory; every row of the batch is in exactly one pass."""
    model = objective()
    passes: list[list[int]] = []
    loss_sum = model.loss_sum

    def seen(part: Batch) -> torch.Tensor:
        passes.append(part.rows.tolist())
        return loss_sum(part)

    model.loss_sum = seen
    taken(model, [ALL], micro_batch=MicroBatch(2))
    assert sorted(len(part) for part in passes) == [1, 2, 2]
    assert sorted(row for part in passes for row in part) == [0, 1, 2, 3, 4]
