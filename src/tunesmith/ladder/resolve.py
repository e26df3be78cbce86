"""From a recipe to the rungs to climb: every name looked up, every option checked, all problems told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.config import Settings, nearest, problems_of, refusal
from tunesmith.config.recipe import ALL_RUNGS, Recipe
from tunesmith.errors import ConfigError, shown_value
from tunesmith.ladder.fitting import HEAD_RATE
from tunesmith.ladder.rungs import RUNGS, Rung
from tunesmith.models.methods import METHODS
from tunesmith.models.networks import NETWORKS
from tunesmith.models.poolings import fixed_poolings
from tunesmith.run.clock import parse_budget
from tunesmith.tasks import TASKS, Task, load_task
from tunesmith.track import TRACKERS, refuse_missing
from tunesmith.train.losses import LOSSES
from tunesmith.train.optimisers import OPTIMISERS
from tunesmith.train.schedules import SCHEDULES

BY_PAIRS = "contrast"
"""The rung that is tuned by pairs of rows, where those are few."""

SELF_TRAINED = "selftrain"
"""The rung that learns from texts without labels, and is climbed where there are some."""

_STAND_IN = "single_label"
_PRUNES = "adalora"
_FOCAL = {"softmax": "focal", "sigmoid": "binary_focal", "cumulative": "binary_focal"}
_NESTED = (("method", METHODS), ("loss", LOSSES), ("optimiser", OPTIMISERS), ("schedule", SCHEDULES))
_OF_THE_METHOD = (("learning_rate", "LEARNING_RATE"), ("layer_decay", "LAYER_DECAY"))
_OF_THE_NETWORK = (("learning_rate", "LEARNING_RATE"), ("pooling", "POOLING"))
_RATES, _MOST_RATE = ("learning_rate", "head_learning_rate"), 1.0
_ALIKE: Mapping[str, Any] = {"pooling": "probe", "method": "full", "method_options": {}}
"""Options in which two fits have to be alike for the mean of their weights to be a model, with their defaults."""


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
        recipe: Common sections already checked. Where it names no task, one label a text stands in for it: what is
            wrong whatever the task is told, and the rows tell the task, see ``settle``.

    Returns:
        Task, rungs in order and budget.

    Raises:
        ConfigError: Names or options are wrong; all problems are listed.
    """
    named = task_named(recipe)
    problems = _task_problems(recipe.task)
    names: list[str] = []
    notes: list[str] = []
    if named is not None and named not in TASKS.names():
        problems.append(_unknown("run.task", named, TASKS.names()))
    if not problems:
        task = load_task(named or _STAND_IN, recipe.task.get(named or _STAND_IN))
        problems += _metric_problems(recipe.ladder.metric, task if named else None)
        names, notes = _with_needs(recipe, task, problems)
        problems += _unlabelled_problems(recipe, names, task)
        problems += _loss_problems(recipe, names, task) if named else []
        problems += _loss_option_problems(recipe, names, task)
    problems += _rung_problems(recipe.rung)
    problems += _pooling_problems(recipe.rung)
    problems += _average_problems(recipe.rung)
    problems += [
        _unknown("track.to", name, TRACKERS.names()) for name in recipe.track.to if name not in TRACKERS.names()
    ]
    budget_s = _budget_s(recipe.ladder.budget, problems)
    if problems:
        raise refusal(problems)
    refuse_missing(recipe.track.to)
    options = {name: RUNGS.options(name, _completed(name, recipe, task)) for name in names}
    settled = {
        "task": {task.name: TASKS.options(task.name, recipe.task.get(task.name, {})).model_dump(mode="json")},
        "rung": {name: _filled_in(options[name]) for name in names},
        "run": recipe.run.model_copy(update={"task": task.name}),
        "ladder": recipe.ladder.model_copy(update={"metric": recipe.ladder.metric or task.objectives[0]}),
    }
    return Resolved(
        recipe=recipe.model_copy(update=settled),
        task=task,
        rungs=tuple(RUNGS.member(name).build(options[name]) for name in names),
        budget_s=budget_s,
        uses_base=any(RUNGS.member(name).USES_BASE for name in names),
        notes=tuple(notes),
    )


def task_named(recipe: Recipe) -> str | None:
    """Tell which task a recipe names, by its name or by options of it alone.

    Args:
        recipe: Common sections already checked.

    Returns:
        A name, which may be of no task; None where the rows are to tell.
    """
    given = [name for name, options in recipe.task.items() if options]
    return recipe.run.task or (given[0] if len(given) == 1 else None)


def member_problems(values: Mapping[str, Any]) -> list[str]:
    """Check the options of tasks and rungs, of those too that are not used.

    Args:
        values: A recipe as it was written.

    Returns:
        One sentence a problem.
    """
    tasks, rungs = (values.get(name, {}) for name in ("task", "rung"))
    return [
        *(_task_problems(tasks) if isinstance(tasks, Mapping) else ()),
        *(_rung_problems(rungs) if isinstance(rungs, Mapping) else ()),
    ]


def _task_problems(sections: Mapping[str, Any]) -> list[str]:
    problems = []
    for name, values in sections.items():
        if name not in TASKS.names():
            problems.append(_unknown("task", name, TASKS.names()))
        elif isinstance(values, Mapping):
            problems += problems_of(TASKS.member(name).Options, values, where=f"task.{name}")
    return problems


def _rung_problems(sections: Mapping[str, Any]) -> list[str]:
    problems = []
    for name, values in sections.items():
        if name not in RUNGS.names():
            problems.append(_unknown("rung", name, RUNGS.names()))
        elif isinstance(values, Mapping):
            problems += _option_problems(name, values, _inherited(name, sections))
    return problems


def _metric_problems(metric: str | None, task: Task | None) -> list[str]:
    """Refuse a figure that the task does not have, or that no task has."""
    tasks = [load_task(name) for name in TASKS.names()] if task is None else [task]
    known = tuple(dict.fromkeys(name for each in tasks for name in each.objectives))
    return [] if metric is None or metric in known else [_unknown("ladder.metric", metric, known)]


def _unlabelled_problems(recipe: Recipe, names: Sequence[str], task: Task) -> list[str]:
    """Refuse a rung without the texts it learns from, and such texts where nothing can learn from them."""
    if recipe.data.unlabelled is None:
        return (
            [f"ladder.rungs: {SELF_TRAINED} learns from texts without labels; name a file of them with --unlabelled"]
            if SELF_TRAINED in names
            else []
        )
    if SELF_TRAINED in task.rungs:
        return []
    able = [name for name in TASKS.names() if SELF_TRAINED in load_task(name).rungs]
    return [
        f"data.unlabelled = {shown_value(recipe.data.unlabelled)}: nothing learns from texts without labels in the "
        f"task {task.name}; allowed in: {', '.join(able)}"
    ]


def _loss_problems(recipe: Recipe, names: Sequence[str], task: Task) -> list[str]:
    """Refuse a loss that is not made for the targets of the task."""
    problems = []
    for name in names:
        values = {**_inherited(name, recipe.rung), **recipe.rung.get(name, {})}
        loss = values.get("loss")
        if loss in LOSSES.names() and task.likelihood not in LOSSES.member(loss).LIKELIHOODS:
            fitting = [each for each in LOSSES.names() if task.likelihood in LOSSES.member(each).LIKELIHOODS]
            problems.append(
                f"rung.{name}.loss = {shown_value(loss)} is not for the task {task.name}; allowed: {', '.join(fitting)}"
            )
    return problems


def _loss_option_problems(recipe: Recipe, names: Sequence[str], task: Task) -> list[str]:
    """Check the options of a loss that follows from the task; those of a loss that is named are checked with it."""
    problems = []
    for name in names:
        own = recipe.rung.get(name, {})
        follows = _with_loss(name, {**_inherited(name, recipe.rung), **own}, recipe, task=task).get("loss")
        if follows is not None and isinstance(own.get("loss_options"), dict):
            member = LOSSES.member(follows)
            problems += problems_of(member.Options, own["loss_options"], where=f"rung.{name}.loss_options")
    return problems


def _pooling_problems(rungs: Mapping[str, Any]) -> list[str]:
    """Refuse a probe whose pooling is not the one that a pooling which learns begins as."""
    asked = rungs.get("probe", {}).get("poolings", ("mean",))
    if rungs.get("finetune", {}).get("pooling") != "attention" or asked in ("mean", ["mean"], ("mean",)):
        return []
    return [
        f"rung.probe.poolings = {shown_value(asked)}, but rung.finetune.pooling = 'attention' begins as the mean; "
        "allowed: mean"
    ]


def _average_problems(rungs: Mapping[str, Any]) -> list[str]:
    """Refuse a second fit that cannot be averaged with the first."""
    first, second = ({**_ALIKE, **rungs.get(name, {})} for name in ("finetune", "refine"))
    return [
        f"rung.refine.{name} = {shown_value(second[name])} is averaged with rung.finetune.{name} = "
        f"{shown_value(first[name])}; allowed: the same"
        for name in _ALIKE
        if name in rungs.get("refine", {}) and second[name] != first[name]
    ]


def _completed(rung: str, recipe: Recipe, task: Task) -> dict[str, Any]:
    """Give the options of a rung with what follows from other sections where it says nothing itself."""
    values = {**_inherited(rung, recipe.rung), **recipe.rung.get(rung, {})}
    values |= _with_loss(rung, values, recipe, task=task)
    if "method" in RUNGS.member(rung).Options.model_fields:
        method = METHODS.member(values.get("method", RUNGS.member(rung).Options().method))
        of_method = {name: getattr(method, rate) for name, rate in _OF_THE_METHOD} | {"head_learning_rate": HEAD_RATE}
        values |= _where_none_is_asked_for(of_method, values, RUNGS.member(rung).Options)
    if "schedule" in RUNGS.member(rung).Options.model_fields and values.get("schedule") is None:
        values["schedule"] = _schedule_of(values.get("optimiser"), RUNGS.member(rung).Options)
    if rung in NETWORKS.names():
        network = NETWORKS.member(rung)
        of_network = {name: getattr(network, of) for name, of in _OF_THE_NETWORK}
        values |= _where_none_is_asked_for(of_network, values, RUNGS.member(rung).Options)
    return values


def _where_none_is_asked_for(
    own: Mapping[str, Any], values: Mapping[str, Any], options: type[Settings]
) -> dict[str, Any]:
    """Give what goes with a method or a network where nothing else is asked for; rates as the optimiser needs them."""
    named = values.get("optimiser") or options.model_fields["optimiser"].default
    factor = OPTIMISERS.member(named).RATE if named in OPTIMISERS.names() else 1.0
    return {
        name: min(factor * value, _MOST_RATE) if name in _RATES else value
        for name, value in own.items()
        if values.get(name) is None
    }


def _schedule_of(optimiser: Any, options: type[Settings]) -> str | None:
    """Name the schedule that suits an optimiser; None where there is no such optimiser."""
    named = optimiser or options.model_fields["optimiser"].default
    schedule: str | None = OPTIMISERS.member(named).SCHEDULE if named in OPTIMISERS.names() else None
    return schedule


def _inherited(rung: str, rungs: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a rung takes over: a second fit all of the first's, a probe the pooling that is to be learnt."""
    first, own = rungs.get("finetune", {}), rungs.get(rung, {})
    if not isinstance(first, Mapping):
        return {}
    if rung == "probe" and first.get("pooling") == "attention":
        return {"poolings": ("mean",)}  # it begins as the mean
    if rung != "refine":
        return {}
    of_others = {f"{kind}_options" for kind, _ in _NESTED if own.get(kind, first.get(kind)) != first.get(kind)}
    return {name: value for name, value in first.items() if name not in of_others}


def _with_loss(rung: str, values: Mapping[str, Any], recipe: Recipe, *, task: Task) -> dict[str, Any]:
    """Name the loss where none is asked for: that of the task, or the one that weighs what is right already less."""
    if "loss" not in RUNGS.member(rung).Options.model_fields or values.get("loss") is not None:
        return {}
    return {"loss": _FOCAL.get(task.likelihood, task.loss) if recipe.data.imbalance == "focal" else task.loss}


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
    everything = [name for name in task.rungs if name != SELF_TRAINED or recipe.data.unlabelled is not None]
    asked = everything if recipe.ladder.climbs_all else recipe.ladder.rungs
    known = (*task.rungs, ALL_RUNGS)
    if not asked:
        problems.append(f"ladder.rungs is empty; allowed: {', '.join(known)}")
    problems += [_unknown("ladder.rungs", name, known) for name in recipe.ladder.rungs if name not in known]
    wanted = {name for name in asked if name in task.rungs}
    notes = []
    for name in reversed(task.rungs):
        missing = [need for need in RUNGS.member(name).NEEDS if need not in wanted] if name in wanted else []
        wanted |= set(missing)
        notes += [f"{name} starts from {need}, so {need} is climbed too" for need in missing]
    return [name for name in task.rungs if name in wanted], notes


def _option_problems(name: str, values: Mapping[str, Any], inherited: Mapping[str, Any]) -> list[str]:
    """Check one rung's options and those of the members it names or takes over; what it takes over is checked there."""
    where = f"rung.{name}"
    options = RUNGS.member(name).Options
    whole = {**inherited, **values}
    problems = problems_of(options, values, where=where)
    for kind, family in _NESTED:
        if kind not in options.model_fields:
            continue
        member = whole.get(kind, options.model_fields[kind].default)
        if member is None and kind == "schedule":
            member = _schedule_of(whole.get("optimiser"), options)
        if member is None:
            continue
        if member not in family.names():
            problems += [_unknown(f"{where}.{kind}", str(member), family.names())] if kind in values else []
            continue
        nested = values.get(f"{kind}_options", {})
        if isinstance(nested, dict):
            problems += problems_of(family.member(member).Options, nested, where=f"{where}.{kind}_options")
    problems += _regularisation_problems(where, whole) if values else []
    poolings = values.get("poolings", ()) if "poolings" in options.model_fields else ()
    poolings = (poolings,) if isinstance(poolings, str) else poolings
    if isinstance(poolings, list | tuple):
        known = fixed_poolings()
        problems += [_unknown(f"{where}.poolings", str(pooling), known) for pooling in poolings if pooling not in known]
    return problems


def _regularisation_problems(where: str, values: Mapping[str, Any]) -> list[str]:
    """Refuse a mean of the weights where there is one already or some are taken away."""
    problems = []
    optimiser = values.get("optimiser")
    averages = optimiser in OPTIMISERS.names() and OPTIMISERS.member(str(optimiser)).AVERAGES
    if averages and values.get("ema_decay") is not None:
        problems.append(f"{where}.ema_decay: {optimiser} keeps a mean of the weights itself; leave it out")
    if values.get("method") == _PRUNES and (averages or values.get("ema_decay") is not None):
        problems.append(f"{where}.method = {_PRUNES!r} takes ranks away, which a mean of the weights would bring back")
    return problems


def _unknown(key: str, value: str, known: tuple[str, ...]) -> str:
    close = nearest(value, known)
    hint = f"; did you mean {close!r}?" if close else ""
    return f"{key} = {shown_value(value)} is not known; allowed: {', '.join(known)}{hint}"
