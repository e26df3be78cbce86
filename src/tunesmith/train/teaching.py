"""Teaching a student: passes over rows at rates that fall to nothing, as many as the time allows.

No row is scored on the way and nothing is kept of a run that is stopped: for what is trained on labels ``ladder.fit``
does both.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tunesmith.data.batch import pack, random_draws
from tunesmith.data.tokenize import TokenSet
from tunesmith.train.loop import Trainable, fit_steps
from tunesmith.train.parameter_groups import scale_rates

_MAX_GRAD_NORM = 1.0
_N_TIMED = 12
"""Steps after which the pace is known."""
_SHARE_OF_BUDGET = 0.95


@dataclass(frozen=True, slots=True)
class Course:
    """How long a student learns."""

    epochs: float
    """Passes over the rows."""
    batch_tokens: int
    """Of an optimiser step."""
    budget_s: float | None = None
    """Seconds it may take; None for as long as the passes do."""


def teach(
    student: Trainable,
    tokens: TokenSet,
    groups: list[dict[str, Any]],
    *,
    course: Course,
    seed: int,
    progress: Callable[[float, float], None] = lambda share, left_s: None,
) -> int:
    """Train a student by AdamW.

    Args:
        student: With what it is taught.
        tokens: The rows; a batch's rows are numbers in it.
        groups: Its parameters, from ``parameter_groups``.
        course: How long.
        seed: Of the order of the rows.
        progress: Told the share that is done and the seconds that are left.

    Returns:
        Steps taken: fewer than the passes have where the budget is too short for them. Their number is planned once,
        when the pace is known, so that the rates fall to nothing all the same.
    """
    optimizer = torch.optim.AdamW(groups)
    draws = _draws(tokens, course, seed=seed)
    planned, taken = len(draws), 0
    started = time.monotonic()
    for step in fit_steps(student, (pack(tokens, rows) for rows in draws), optimizer, max_grad_norm=_MAX_GRAD_NORM):
        taken, passed = step.number, time.monotonic() - started
        if taken == _N_TIMED and course.budget_s is not None:
            planned = max(taken, min(planned, int(_SHARE_OF_BUDGET * course.budget_s * taken / passed)))
        progress(taken / planned, passed * (planned - taken) / taken)
        if taken >= planned:
            break
        scale_rates(optimizer, 1.0 - taken / planned)
    return taken


def _draws(tokens: TokenSet, course: Course, *, seed: int) -> list[NDArray[np.int64]]:
    """Draw the rows of each step of all passes; the last pass may be a part of one."""
    n_whole, part = divmod(course.epochs, 1.0)
    passes = [
        random_draws(tokens.n_tokens, batch_tokens=course.batch_tokens, seed=seed, epoch=epoch)
        for epoch in range(math.ceil(course.epochs))
    ]
    if part:
        passes[int(n_whole)] = passes[int(n_whole)][: math.ceil(part * len(passes[-1]))]
    return [rows for draws in passes for rows in draws]
