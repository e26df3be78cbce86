"""Techniques one after the other: each makes what the one before has made smaller still."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tunesmith.compress.source import Compressed, Parent, Rows, Work
from tunesmith.compress.techniques import TECHNIQUES
from tunesmith.errors import ConfigError, quote

THEN = "+"
"""Stands between techniques where they are written as one name."""


def steps_of(name: str) -> tuple[str, ...]:
    """Read which techniques follow one another.

    Args:
        name: As a person writes it, ``student+int8``.

    Returns:
        Names of techniques, at least one; all but the last leave an encoder.

    Raises:
        ConfigError: ``unknown-technique``, or ``technique-not-last``.

    Example:
        >>> steps_of("student+int8")
        ('student', 'int8')
    """
    steps = tuple(part.strip().replace("-", "_") for part in name.split(THEN))
    members = [TECHNIQUES.member(step) for step in steps]
    for step, member in zip(steps[:-1], members[:-1], strict=True):
        if not member.LEAVES_ENCODER:
            going_on = [each for each in TECHNIQUES.names() if TECHNIQUES.member(each).LEAVES_ENCODER]
            raise ConfigError(
                "technique-not-last",
                f"what {step} makes cannot be made smaller again",
                found=quote(name),
                allowed=f"{', '.join(going_on)} before another technique",
                advice=f"put {step} last",
            )
    return steps


def name_of(steps: Sequence[str]) -> str:
    """Write techniques as one name.

    Args:
        steps: Names of techniques.

    Returns:
        What ``steps_of`` reads.
    """
    return THEN.join(steps)


def learns(steps: Sequence[str]) -> bool:
    """Tell whether one of the techniques learns from what the model says.

    Args:
        steps: Names of techniques.

    Returns:
        Whether it does.
    """
    return any(TECHNIQUES.member(step).LEARNS for step in steps)


def checked_options(steps: Sequence[str], given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Check the options of some techniques.

    Args:
        steps: Names of techniques.
        given: Options by name; those of others are not looked at.

    Returns:
        The options of each.

    Raises:
        ConfigError: ``bad-option``.
    """
    return {step: TECHNIQUES.options(step, given.get(step, {}), where=f"technique.{step}") for step in steps}


def make(steps: Sequence[str], parent: Parent, rows: Rows, *, work: Work) -> Compressed:
    """Let techniques follow one another.

    Args:
        steps: Names of techniques, from ``steps_of``.
        parent: The model to begin with.
        rows: Those to fit on, and those held out.
        work: What may be lost and taken in all, which those that learn share evenly; options.

    Returns:
        What the last has made, with the notes of all.

    Raises:
        TunesmithError: One of them cannot do it.
    """
    options = checked_options(steps, work.options)
    ends_at = None if work.budget_s is None else time.monotonic() + work.budget_s
    notes: list[str] = []
    for number, step in enumerate(steps):
        if len(steps) > 1:
            work.narrator.say(f"step {number + 1} of {len(steps)}: {step}")
        share = replace(work, budget_s=share_s(ends_at, steps[number:]))
        made: Compressed = TECHNIQUES.member(step).compress(parent, rows, options=options[step], work=share)
        notes += made.notes
        if number + 1 < len(steps):
            parent = parent_after(parent, made)
    return replace(made, notes=tuple(notes), steps=made.steps or tuple(steps))


def share_s(ends_at: float | None, steps: Sequence[str]) -> float | None:
    """Give the next technique its share of the time that is left.

    Args:
        ends_at: When all must be done, by the monotonic clock; None for no limit.
        steps: Those still to come, the next first.

    Returns:
        Seconds, at least one; None for no limit.
    """
    if ends_at is None:
        return None
    n_learning = sum(bool(TECHNIQUES.member(step).LEARNS) for step in steps)
    return max(1.0, (ends_at - time.monotonic()) / max(1, n_learning))


def parent_after(parent: Parent, made: Compressed) -> Parent:
    """Take what a technique made as the model to make smaller.

    Args:
        parent: What it was made from.
        made: An encoder.

    Returns:
        The new parent; what the old one's head saw of the rows is no longer known.
    """
    assert made.kind == "encoder", "others are last"
    return replace(parent, model=made.model, features=None)
