"""From a recipe to the rungs to climb: every name looked up, every option checked, all problems told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunesmith.config import Settings, nearest, problems_of, refusal
from tunesmith.config.recipe import Recipe
from tunesmith.errors import ConfigError, shown_value
from tunesmith.ladder.rungs import RUNGS, Rung
from tunesmith.models.poolings import POOLINGS
from tunesmith.run.clock import parse_budget
from tunesmith.tasks import TASKS, Task, load_task
from tunesmith.train.losses import LOSSES
from tunesmith.train.optimisers import OPTIMISERS
from tunesmith.train.schedules import SCHEDULES

_NESTED = (("loss", LOSSES), ("optimiser", OPTIMISERS), ("schedule", SCHEDULES))


@dataclass(frozen=True)
class Resolved:
    """A recipe whose every name and value has been checked."""

    recipe: Recipe
    task: Task
    rungs: tuple[Rung, ...]
    budget_s: float | None
    uses_base: bool
    """Whether some rung starts from the pretrained encoder."""
    notes: tuple[str, ...]


def resolve(recipe: Recipe) -> Resolved:
    """Look up all names of a recipe and build its rungs, before any data is read.

    Args:
        recipe: Common sections already checked.

    Returns:
        Task, rungs in order and budget.

    Raises:
        ConfigError: Names or options are wrong; all problems are listed.
    """
    problems: list[str] = []
    task = load_task(recipe.run.task) if recipe.run.task in TASKS.names() else None
    names: list[str] = []
    notes: list[str] = []
    if task is None:
        problems.append(_unknown("run.task", recipe.run.task, TASKS.names()))
    else:
        if recipe.ladder.metric not in task.objectives:
            problems.append(_unknown("ladder.metric", recipe.ladder.metric, task.objectives))
        names, notes = _with_needs(recipe, task, problems)
    problems += rung_problems(recipe.rung)
    budget_s = _budget_s(recipe.ladder.budget, problems)
    if problems or task is None:
        raise refusal(problems)
    options = {name: RUNGS.options(name, recipe.rung.get(name, {})) for name in names}
    return Resolved(
        recipe=recipe.model_copy(update={"rung": {name: _filled_in(options[name]) for name in names}}),
        task=task,
        rungs=tuple(RUNGS.member(name).build(options[name]) for name in names),
        budget_s=budget_s,
        uses_base=any(RUNGS.member(name).USES_BASE for name in names),
        notes=tuple(notes),
    )


def rung_problems(sections: Mapping[str, Any]) -> list[str]:
    """Check the options of rungs, of those too that are not climbed.

    Args:
        sections: Name of a rung to its options, as they were written.

    Returns:
        One sentence a problem.
    """
    problems = []
    for name, values in sections.items():
        if name not in RUNGS.names():
            problems.append(_unknown("rung", name, RUNGS.names()))
        elif isinstance(values, Mapping):
            problems += _option_problems(name, values)
    return problems


def _budget_s(text: str, problems: list[str]) -> float | None:
    """Read the budget; where nothing else is wrong, its own error says most."""
    try:
        return parse_budget(text)
    except ConfigError as error:
        if not problems:
            raise
        problems.append(f"ladder.budget = {error.found}: {error.message}; allowed: {error.allowed}")
        return None


def _filled_in(options: Settings) -> dict[str, Any]:
    """Write out all options, those that were left at their defaults and those of the members that they name."""
    values: dict[str, Any] = options.model_dump(mode="json")
    for kind, family in _NESTED:
        if kind in values:
            nested = family.options(values[kind], values[f"{kind}_options"])
            values[f"{kind}_options"] = nested.model_dump(mode="json")
    return values


def _with_needs(recipe: Recipe, task: Task, problems: list[str]) -> tuple[list[str], list[str]]:
    """List the rungs asked for, cheapest first, with those they start from."""
    asked = recipe.ladder.rungs
    if not asked:
        problems.append(f"ladder.rungs is empty; allowed: {', '.join(task.rungs)}")
    problems += [_unknown("ladder.rungs", name, task.rungs) for name in asked if name not in task.rungs]
    wanted = {name for name in asked if name in task.rungs}
    notes = []
    for name in reversed(task.rungs):
        missing = [need for need in RUNGS.member(name).NEEDS if need not in wanted] if name in wanted else []
        wanted |= set(missing)
        notes += [f"{name} starts from {need}, so {need} is climbed too" for need in missing]
    return [name for name in task.rungs if name in wanted], notes


def _option_problems(name: str, values: Mapping[str, Any]) -> list[str]:
    """Check one rung's options and those of the members it names."""
    where = f"rung.{name}"
    options = RUNGS.member(name).Options
    problems = problems_of(options, values, where=where)
    for kind, family in _NESTED:
        if kind not in options.model_fields:
            continue
        member = values.get(kind, options.model_fields[kind].default)
        if member not in family.names():
            problems.append(_unknown(f"{where}.{kind}", str(member), family.names()))
            continue
        nested = values.get(f"{kind}_options", {})
        if isinstance(nested, dict):
            problems += problems_of(family.member(member).Options, nested, where=f"{where}.{kind}_options")
    poolings = values.get("poolings", ()) if "poolings" in options.model_fields else ()
    poolings = (poolings,) if isinstance(poolings, str) else poolings
    if isinstance(poolings, list | tuple):
        known = POOLINGS.names()
        problems += [_unknown(f"{where}.poolings", str(pooling), known) for pooling in poolings if pooling not in known]
    return problems


def _unknown(key: str, value: str, known: tuple[str, ...]) -> str:
    close = nearest(value, known)
    hint = f"; did you mean {close!r}?" if close else ""
    return f"{key} = {shown_value(value)} is not known; allowed: {', '.join(known)}{hint}"
