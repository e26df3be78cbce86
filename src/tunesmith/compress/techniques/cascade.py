"""``cascade``: a fast model answers what it is sure of, and passes on the rest.

The stages are made of the parent by other techniques; the last stands for it. How sure a stage must be is tuned on the
texts held out, by what the last stage says of them: no label is looked at, so the gate may judge on the same rows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from tunesmith.bundle.kinds import KINDS
from tunesmith.compress.cascading import MOST_CHANGED, Stage, in_a_row, refuse_unsure
from tunesmith.compress.chain import make, share_s, steps_of
from tunesmith.compress.source import Compressed, Parent, Rows, Work
from tunesmith.config import Settings
from tunesmith.config.recipe import Names
from tunesmith.errors import ConfigError

DOES = "a fast model answers what it is sure of, a slow one the rest"
LEARNS = True
LEAVES_ENCODER = False

AS_IT_IS = "full"
"""Stands among the stages for the parent itself, which may be the last."""


class Options(Settings):
    """Which models are asked in turn."""

    stages: Names = Field(("static", "int8"), min_length=2, max_length=4)
    """Techniques that make the stages, or several of them joined by +, the fastest first; full, as the last, is the
    model itself."""

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
    refuse_unsure(parent)
    _refuse_stages(options.stages)
    ends_at = None if work.budget_s is None else time.monotonic() + work.budget_s
    stages = [_stage(name, parent, rows, work=replace(work, budget_s=share_s(ends_at, ()))) for name in options.stages]
    changed = MOST_CHANGED * work.max_loss if options.changed is None else options.changed
    return in_a_row(stages, parent, changed=changed)


def _stage(name: str, parent: Parent, rows: Rows, *, work: Work) -> Stage:
    """Make one stage, and let it answer the rows held out."""
    if name == AS_IT_IS:
        made = Compressed("encoder", parent.model)
    else:
        work.narrator.say(f"making the stage {name}")
        made = make(steps_of(name), parent, rows, work=work)
    said = KINDS.member(made.kind).predictor(made.model).outputs(rows.held).logits
    return Stage(name, made, said)


def _refuse_stages(names: Sequence[str]) -> None:
    """Refuse stages that cannot stand there: a cascade, and the parent itself but as the last."""
    for number, name in enumerate(names):
        if name == AS_IT_IS and number + 1 == len(names):
            continue
        if name == AS_IT_IS or steps_of(name)[-1] in _NO_STAGES:
            raise ConfigError(
                "bad-option",
                f"technique.cascade.stages: {name!r} cannot stand there",
                allowed=f"techniques but {' and '.join(_NO_STAGES)}; {AS_IT_IS} as the last",
                advice="--set technique.cascade.stages=['static','int8']",
            )


_NO_STAGES = ("auto", "cascade")
