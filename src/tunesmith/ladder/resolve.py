"""From a recipe to the rungs to climb: every name looked up, every option checked, all problems told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tunesmith.config import nearest, problems_of, refusal
from tunesmith.config.recipe import Recipe
from tunesmith.errors import ConfigError
from tunesmith.ladder.rungs import RUNGS, Rung
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
    if recipe.run.task not in TASKS.names():
        problems.append(_unknown("run.task", recipe.run.task, TASKS.names()))
        raise refusal(problems)
    task = load_task(recipe.run.task)
    if recipe.ladder.metric not in task.objectives:
        problems.append(_unknown("ladder.metric", recipe.ladder.metric, task.objectives))
    budget_s = None
    try:
        budget_s = parse_budget(recipe.ladder.budget)
    except ConfigError as error:
        if not (problems or recipe.rung):
            raise
        problems.append(f"ladder.budget: {error.message}")
    names, notes = _with_needs(recipe, task, problems)
    for name in recipe.rung:
        if name not in RUNGS.names():
            problems.append(_unknown("rung", name, RUNGS.names()))
    for name in names:
        problems += _option_problems(name, recipe.rung.get(name, {}))
    if problems:
        raise refusal(problems)
    rungs = tuple(RUNGS.member(name).build(RUNGS.options(name, recipe.rung.get(name, {}))) for name in names)
    uses_base = any(RUNGS.member(name).USES_BASE for name in names)
    return Resolved(recipe=recipe, task=task, rungs=rungs, budget_s=budget_s, uses_base=uses_base, notes=tuple(notes))


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


def _option_problems(name: str, values: dict[str, Any]) -> list[str]:
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
    return problems


def _unknown(key: str, value: str, known: tuple[str, ...]) -> str:
    close = nearest(value, known)
    hint = f"; did you mean {close!r}?" if close else ""
    return f"{key} = {value!r} is not known; allowed: {', '.join(known)}{hint}"
