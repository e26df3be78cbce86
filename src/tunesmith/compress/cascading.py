"""Models of one task put in a row: which of their answers stand, tuned on texts without a look at their labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.bundle.kinds.cascade import Cascade, stands
from tunesmith.bundle.schema import StageFacts, TokenFacts
from tunesmith.compress.gate import matched_calibration
from tunesmith.compress.source import Both, Compressed, Floats, Parent
from tunesmith.errors import ConfigError
from tunesmith.tasks import Calibration

MOST_CHANGED = 2.0
"""Answers that may be others than the last stage would give, in points that may be lost: most changes cancel out."""

_NEVER = 2.0
"""A margin that no answer has."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A model that takes its turn."""

    name: str
    """How it was made, for notes."""
    made: Compressed
    said: Floats
    """Its logits of the texts held out, ``[B, C]``."""


def refuse_unsure(parent: Parent) -> None:
    """Refuse a task whose answers are not sure of themselves.

    Args:
        parent: Has the task.

    Raises:
        ConfigError: ``cascade-unsure``.
    """
    if parent.coding.labels:
        return
    raise ConfigError(
        "cascade-unsure",
        "a cascade needs answers that say how sure they are",
        found=f"task {parent.task.name}, which answers numbers",
        allowed="a task that answers labels",
        advice="make the model smaller in another way, such as --to int8 or --to student",
    )


def in_a_row(stages: Sequence[Stage], parent: Parent, *, changed: float) -> Compressed:
    """Put models in a row.

    Args:
        stages: Two or more, the fastest first; the last takes what is left.
        parent: What they were made from.
        changed: Answers in a hundred that may be others than the last stage would give.

    Returns:
        The cascade; its notes say what each stage answers.
    """
    facts = list(_facts(parent, stages))
    left = np.ones(len(stages[-1].said), dtype=np.bool_)
    notes = []
    for number, stage in enumerate(stages[:-1]):
        margin = _least_margin(
            parent,
            facts[number],
            Both(stages[-1].said, stage.said),
            left=left,
            most_changed=changed / 100.0 / (len(stages) - 1),
        )
        facts[number] = facts[number].model_copy(update={"least_margin": margin})
        stays = left & stands(parent.task, facts[number], stage.said, thresholds=parent.calibration.thresholds)
        notes.append(f"{stage.name} answers {100 * stays.mean():.0f} % of the rows, from a margin of {margin:.2f} on")
        left &= ~stays
    notes.append(f"{stages[-1].name} answers the other {100 * left.mean():.0f} %")
    models = tuple(stage.made.model for stage in stages)
    cascade = Cascade(models, tuple(facts), parent.task, parent.calibration.thresholds)
    return Compressed("cascade", cascade, notes=tuple(notes), cascade=tuple(facts))


def _facts(parent: Parent, stages: Sequence[Stage]) -> Iterator[StageFacts]:
    """Describe each stage, as sure of its answers as the last is."""
    for number, stage in enumerate(stages):
        made = stage.made
        model = made.model
        tokens = TokenFacts(
            max_seq_length=model.max_seq_length,
            pooling=model.pooling,
            unit_length=model.unit_length if made.kind == "static" else model.classifier.unit_length,
            pairing=model.pairing,
        )
        calibration = matched_calibration(parent, parent.calibration, Both(stages[-1].said, stage.said))
        is_last = number + 1 == len(stages)
        yield StageFacts.model_validate(
            {
                "kind": made.kind,
                "tokens": tokens,
                "runtime": made.runtime,
                "temperature": parent.calibration.temperature if is_last else calibration.temperature,
                "least_margin": None if is_last else _NEVER,
            }
        )


def _least_margin(
    parent: Parent, stage: StageFacts, both: Both, *, left: NDArray[np.bool_], most_changed: float
) -> float:
    """Find the lowest margin from which on a stage's answers differ from the last's in so few of all rows."""
    calibration = Calibration(stage.temperature, parent.calibration.thresholds)
    margins = parent.task.margins(both.after, calibration)
    assert margins is not None, "numbers were refused"
    theirs = _answers(parent, both.before, parent.calibration)
    ours = _answers(parent, both.after, calibration)
    differs = np.array([one != other for one, other in zip(ours, theirs, strict=True)])[left]
    order = np.argsort(-margins[left], kind="stable")
    allowed = np.flatnonzero(np.cumsum(differs[order]) <= most_changed * len(left))
    return float(margins[left][order[allowed[-1]]]) if len(allowed) else _NEVER


def _answers(parent: Parent, logits: Floats, calibration: Calibration) -> list[Any]:
    """What is answered, without how sure it is."""
    found = parent.task.answers(logits, parent.coding, calibration, everything=False)
    return [answer.get("label", frozenset(each["label"] for each in answer.get("labels", ()))) for answer in found]
