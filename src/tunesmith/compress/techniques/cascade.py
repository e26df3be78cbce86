"""``cascade``: a fast model answers what it is sure of, and passes on the rest.

The stages are made of the parent by other techniques; the last stands for it. How sure a stage must be is tuned on the
texts held out, by what the last stage says of them: no label is looked at, so the gate may judge on the same rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tunesmith.bundle.kinds import KINDS
from tunesmith.bundle.kinds.cascade import Cascade, stands
from tunesmith.bundle.schema import StageFacts, TokenFacts
from tunesmith.compress.gate import matched_calibration
from tunesmith.compress.source import Both, Compressed, Floats, Parent, Rows, Work
from tunesmith.compress.techniques import TECHNIQUES
from tunesmith.config import Settings
from tunesmith.config.recipe import Names
from tunesmith.errors import ConfigError
from tunesmith.tasks import Calibration

DOES = "a fast model answers what it is sure of, a slow one the rest"
LEARNS = True

AS_IT_IS = "full"
"""Stands among the stages for the parent itself, which may be the last."""
_MOST_CHANGED = 2.0
"""Answers that may be others than the last stage would give, in points that may be lost: most changes cancel out."""
_NEVER = 2.0
"""A margin that no answer has."""


class Options(Settings):
    """Which models are asked in turn."""

    stages: Names = Field(("static", "int8"), min_length=2, max_length=4)
    """Techniques that make the stages, the fastest first; full, as the last, is the model itself."""

    changed: float | None = Field(None, ge=0.0, le=100.0)
    """Answers in a hundred that may be others than the last stage would give; left out, twice what may be lost."""


def compress(parent: Parent, rows: Rows, *, options: Options, work: Work) -> Compressed:
    """Put models in a row.

    Args:
        parent: The model.
        rows: Those to fit on are what the stages learn from; the texts of those held out tune when an answer stands.
        options: The stages.
        work: Points that may be lost, shared by the stages; time, of which each stage may take what is left.

    Returns:
        The cascade.

    Raises:
        ConfigError: ``cascade-unsure``, answers are numbers; ``bad-option``, there is no such stage.
    """
    _refuse_numbers(parent)
    _refuse_stages(options.stages)
    ends_at = None if work.budget_s is None else time.monotonic() + work.budget_s
    made = []
    for name in options.stages:
        left_s = None if ends_at is None else max(1.0, ends_at - time.monotonic())
        made.append(_stage(name, parent, rows, work=replace(work, budget_s=left_s)))
    said = [KINDS.member(each.kind).predictor(each.model).outputs(rows.held).logits for each in made]
    facts = list(_facts(parent, made, said))
    changed = _MOST_CHANGED * work.max_loss if options.changed is None else options.changed
    left = np.ones(len(rows.held), dtype=np.bool_)
    notes = []
    for number, name in enumerate(options.stages[:-1]):
        margin = _least_margin(
            parent,
            facts[number],
            Both(said[-1], said[number]),
            left=left,
            most_changed=changed / 100.0 / (len(made) - 1),
        )
        facts[number] = facts[number].model_copy(update={"least_margin": margin})
        stays = left & stands(parent.task, facts[number], said[number], thresholds=parent.calibration.thresholds)
        notes.append(f"{name} answers {100 * stays.mean():.0f} % of the rows, from a margin of {margin:.2f} on")
        left &= ~stays
    notes.append(f"{options.stages[-1]} answers the other {100 * left.mean():.0f} %")
    cascade = Cascade(tuple(each.model for each in made), tuple(facts), parent.task, parent.calibration.thresholds)
    return Compressed("cascade", cascade, notes=tuple(notes), cascade=tuple(facts))


def _stage(name: str, parent: Parent, rows: Rows, *, work: Work) -> Compressed:
    """Make one stage."""
    if name == AS_IT_IS:
        return Compressed("encoder", parent.model)
    member = TECHNIQUES.member(name)
    work.narrator.say(f"making the stage {name}")
    made: Compressed = member.compress(parent, rows, options=TECHNIQUES.options(name), work=work)
    return made


def _facts(parent: Parent, made: Sequence[Compressed], said: Sequence[Floats]) -> Iterator[StageFacts]:
    """Describe each stage, as sure of its answers as the last is."""
    for number, (each, logits) in enumerate(zip(made, said, strict=True)):
        model = each.model
        tokens = TokenFacts(
            max_seq_length=model.max_seq_length,
            pooling=model.pooling,
            unit_length=model.unit_length if each.kind == "static" else model.classifier.unit_length,
            pairing=model.pairing,
        )
        calibration = matched_calibration(parent, parent.calibration, Both(said[-1], logits))
        is_last = number + 1 == len(made)
        yield StageFacts.model_validate(
            {
                "kind": each.kind,
                "tokens": tokens,
                "runtime": each.runtime,
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


def _refuse_numbers(parent: Parent) -> None:
    """Refuse a task whose answers are not sure of themselves."""
    if parent.coding.labels:
        return
    raise ConfigError(
        "cascade-unsure",
        "a cascade needs answers that say how sure they are",
        found=f"task {parent.task.name}, which answers numbers",
        allowed="a task that answers labels",
        advice="make the model smaller in another way, such as --to int8 or --to student",
    )


def _refuse_stages(names: Sequence[str]) -> None:
    """Refuse stages that are no techniques, and the parent itself but as the last."""
    allowed = [name for name in TECHNIQUES.names() if name != "cascade"]
    odd = [name for name in names[:-1] if name not in allowed] + [
        name for name in names[-1:] if name not in (*allowed, AS_IT_IS)
    ]
    if odd:
        raise ConfigError(
            "bad-option",
            f"technique.cascade.stages: {odd[0]!r} cannot stand there",
            allowed=f"{', '.join(allowed)}; {AS_IT_IS} as the last",
            advice="--set technique.cascade.stages=['static','int8']",
        )
