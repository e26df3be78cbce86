"""The loop: forward, backward, clip, step. All training of tunesmith goes through ``fit_steps``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunesmith.data.batch import Batch, MicroBatch


class Trainable(Protocol):
    """What the loop trains: it knows how to make a loss from a batch, and no task."""

    def loss_sum(self, batch: Batch) -> torch.Tensor:
        """Sum the loss over the batch's rows.

        Args:
            batch: Rows of the training set, packed.

        Returns:
            A scalar with a graph behind it.
        """
        ...

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """List what is trained.

        Returns:
            Every parameter whose gradient counts in the norm; frozen ones may be among them.
        """
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One optimiser step: its number from 1, mean loss over the rows, gradient norm before clipping, its rows."""

    number: int
    loss: float
    grad_norm: float
    rows: NDArray[np.int64]
    n_tokens: int
    skipped: bool = False


def fit_steps(
    model: Trainable,
    batches: Iterable[Batch],
    optimizer: torch.optim.Optimizer,
    *,
    max_grad_norm: float,
    micro_batch: MicroBatch | None = None,
    first_number: int = 1,
    observe: Callable[[], None] | None = None,
) -> Iterator[Step]:
    """Yield once per optimiser step; the caller schedules, evaluates, logs, saves and stops.

    Args:
        model: Gives the loss of a batch.
        batches: One batch an optimiser step.
        optimizer: Holds the model's parameters; the caller sets its learning rates between steps.
        max_grad_norm: L2 bound of the whole gradient.
        micro_batch: Most that a forward pass takes; left out, the batch whole.
        first_number: Number of the first step, above 1 when a run goes on.
        observe: Called after each step that is taken, while its gradients are there.

    Yields:
        The step just taken; ``skipped`` where loss or gradient was not finite and the weights stayed as they were.
    """
    for number, batch in enumerate(batches, start=first_number):
        loss = 0.0
        for part in [batch] if micro_batch is None else batch.split(micro_batch):
            share = model.loss_sum(part) / len(batch)  # whole batch: a short last part must not weigh more
            share.backward()  # type: ignore[no-untyped-call]
            loss += share.item()
        grad_norm = _clip(model.parameters(), max_grad_norm)
        finite = math.isfinite(loss + grad_norm)
        if finite:  # no bad step is ever taken, so none has to be undone
            optimizer.step()
            if observe is not None:
                observe()
        optimizer.zero_grad(set_to_none=True)
        yield Step(
            number=number, loss=loss, grad_norm=grad_norm, rows=batch.rows, n_tokens=batch.n_tokens, skipped=not finite
        )


def _clip(parameters: Iterable[torch.nn.Parameter], max_grad_norm: float) -> float:
    """Scale gradients down to an L2 norm where theirs is larger, untouched otherwise; give the norm they had."""
    trained = [parameter for parameter in parameters if parameter.grad is not None]
    grad_norm = get_total_norm([parameter.grad for parameter in trained if parameter.grad is not None])
    if grad_norm > max_grad_norm:
        clip_grads_with_norm_(trained, max_grad_norm, grad_norm)
    return float(grad_norm)
