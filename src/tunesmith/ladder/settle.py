"""What a recipe leaves to the rows, told by the cells of the label column, and to the machine; always said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from tunesmith.config.recipe import Recipe
from tunesmith.data.prepare import prepare_label
from tunesmith.data.table import Table
from tunesmith.errors import counted, quote
from tunesmith.ladder.asked_columns import asked_columns
from tunesmith.ladder.few_rows import FEW
from tunesmith.ladder.fit_memory import FULL, full_climb_mib, method_that_fits
from tunesmith.ladder.resolve import BY_PAIRS, SELF_TRAINED, resolve, task_named
from tunesmith.machine.memory import machine_mib
from tunesmith.models.base import find_base
from tunesmith.tasks.score import is_number

_LEAST_NUMBERS = 20
"""Different numbers that are more likely a scale than classes."""

_UNEVEN = 10.0
"""Rows of the commonest label to those of the rarest from which on rare ones count more.

A linear head on the frozen encoder, accuracy and macro-F1 on the test rows without weights and with: clinc150 thinned
out to 50 to 1 by rank, tested on as many of each 79.5 % and 0.775, 83.5 % and 0.822, tested on rows thinned alike
90.8 % and 0.813, 91.9 % and 0.841; sms_spam at 40 to 1, tested at 7 to 1, 96.2 % and 0.896, 97.8 % and 0.945. At 5 to 1
(financial_phrasebank) they cost accuracy: 78.0 % and 0.742, 75.1 % and 0.734.
"""


_TRAINED = ("finetune", "refine")

_MOST_LABELS_BY_PAIRS = 10
"""Labels up to which tuning by pairs is tried, see ``benchmarks/few_labels``: it pays with 2 and costs with 77."""

_ENOUGH_FOR_PAIRS = 16
"""Rows of a label from which it is tried: with 8 nothing that eleven draws could show."""

_ENOUGH, _ENOUGH_WITH_PAIRS = 20, 100
"""Rows of a label from which an encoder trained on four fifths of them is tried; where pairs tuned one on all, more."""


def settle(recipe: Recipe, table: Table, *, climbs: bool = True) -> tuple[Recipe, tuple[str, ...]]:
    """Settle what a recipe leaves to rows and machine: task, weight of rare labels, rungs that are worth it, method.

    Args:
        recipe: Common sections already checked.
        table: The training file as read.
        climbs: Whether a climb follows, and so which rungs are worth it matters.

    Returns:
        The recipe, and a sentence that says why for each thing that is not the usual.

    Raises:
        DataError: The columns are not plain to see.
    """
    columns = asked_columns(table, recipe.data)
    assert columns.label is not None, "a label column is asked for"
    cells = [prepare_label(cell) for cell in table.columns[columns.label]]
    notes = []
    if task_named(recipe) is None:
        name, why = likely_task(cells)
        recipe = recipe.model_copy(update={"run": recipe.run.model_copy(update={"task": name})})
        notes += [f"task: {name}, since {quote(columns.label)} {why}; --task names another"] if why else []
    if not resolve(recipe).task.reads_empty:
        cells = [cell for cell in cells if cell]  # not labelled yet, which says nothing of the labels
    recipe, more = _with_imbalance(recipe, cells)
    if not climbs:
        return recipe, (*notes, *more)
    left_to_us = "rungs" not in recipe.ladder.model_fields_set
    recipe, of_rungs = _with_rungs(recipe, cells)
    recipe, of_texts = _with_unlabelled(recipe, left_to_us=left_to_us)
    recipe, of_memory = _within_memory(recipe, left_to_us=left_to_us)
    return recipe, (*notes, *more, *of_rungs, *of_texts, *of_memory)


def _with_rungs(recipe: Recipe, cells: Sequence[str]) -> tuple[Recipe, list[str]]:
    """Settle which rungs are worth climbing where rows are few and none are asked for."""
    task = resolve(recipe).task
    counts = Counter(label for cell in cells for label in task.labels_in(cell))
    if "rungs" in recipe.ladder.model_fields_set or not counts:
        return recipe, []
    a_label = sum(counts.values()) / len(counts)
    are_for_pairs = len(cells) < FEW and len(counts) <= _MOST_LABELS_BY_PAIRS and a_label >= _ENOUGH_FOR_PAIRS
    by_pairs = are_for_pairs and BY_PAIRS in task.rungs
    enough = a_label >= (_ENOUGH_WITH_PAIRS if by_pairs else _ENOUGH)
    if enough and not by_pairs:
        return recipe, []
    left = [rung for rung in recipe.ladder.rungs if enough or rung not in _TRAINED]
    place = left.index("probe") + 1
    rungs = (*left[:place], *([BY_PAIRS] if by_pairs else []), *left[place:])
    told = f"rungs: {', '.join(rungs)}, since there are {counted(round(a_label), 'row')} a label; --rungs names others"
    return recipe.model_copy(update={"ladder": recipe.ladder.model_copy(update={"rungs": rungs})}), [told]


def _with_unlabelled(recipe: Recipe, *, left_to_us: bool) -> tuple[Recipe, list[str]]:
    """Settle that texts without labels are learnt from, where there are some and no other rungs are asked for."""
    rungs = recipe.ladder.rungs
    if recipe.data.unlabelled is None or SELF_TRAINED in rungs or recipe.ladder.climbs_all:
        return recipe, []
    if not left_to_us:
        return recipe, [f"warning: texts without labels are not used, since --rungs names no {SELF_TRAINED}"]
    place = rungs.index("probe") + 1
    more = (*rungs[:place], SELF_TRAINED, *rungs[place:])
    told = f"{SELF_TRAINED} is climbed after probe, since there are texts without labels"
    return recipe.model_copy(update={"ladder": recipe.ladder.model_copy(update={"rungs": more})}), [told]


def _within_memory(recipe: Recipe, *, left_to_us: bool) -> tuple[Recipe, list[str]]:
    """Settle that fewer weights learn, and none by pairs, where the machine's memory does not suffice for all."""
    asked = recipe.rung.get("finetune", {})
    is_chosen = any(name in recipe.rung.get(rung, {}) for rung in _TRAINED for name in ("method", "method_options"))
    climbed = [rung.name for rung in resolve(recipe).rungs]
    takes_less = not is_chosen and any(name in _TRAINED for name in climbed)
    without_pairs = left_to_us and BY_PAIRS in climbed
    if not takes_less and not without_pairs:
        return recipe, []
    base = find_base(recipe.base.name, offline=recipe.run.offline)
    there_mib = machine_mib()
    method = method_that_fits(base, machine_mib=there_mib)
    if method == FULL:
        return recipe, []
    why = (
        f"since training every layer of {base.name} takes about {full_climb_mib(base) / 1024:.1f} GiB and the machine "
        f"has {there_mib / 1024:.1f} GiB"
    )
    update: dict[str, object] = {}
    told = []
    if takes_less:
        update["rung"] = {**recipe.rung, "finetune": {**asked, "method": method}}
        told.append(f"method: {method}, {why}; --method {FULL} does it all the same")
    if without_pairs:
        left = tuple(name for name in recipe.ladder.rungs if name != BY_PAIRS)
        update["ladder"] = recipe.ladder.model_copy(update={"rungs": left})
        told.append(f"{BY_PAIRS} is not climbed, {why}; --rungs {','.join(recipe.ladder.rungs)} climbs it all the same")
    return recipe.model_copy(update=update), told


def _with_imbalance(recipe: Recipe, cells: Sequence[str]) -> tuple[Recipe, list[str]]:
    """Settle how rare labels are treated, and by which figure rungs are chosen where they are treated at all."""
    task = resolve(recipe).task
    asked = recipe.data.imbalance
    counts = Counter(label for cell in cells for label in task.labels_in(cell))
    ratio = max(counts.values(), default=1) / min(counts.values(), default=1)
    treated = ("weights" if ratio >= _UNEVEN else "none") if asked == "auto" else asked
    update: dict[str, object] = {"data": recipe.data.model_copy(update={"imbalance": treated if counts else "none"})}
    if treated != "none" and not counts:
        return recipe.model_copy(update=update), [f"imbalance: none, not {treated}: there are no labels, but numbers"]
    if treated == "none":
        return recipe.model_copy(update=update), []
    figure = "macro_f1" if "macro_f1" in task.objectives else None
    if recipe.ladder.metric is None and figure:
        update["ladder"] = recipe.ladder.model_copy(update={"metric": figure})
    why = f"the commonest label has {ratio:.0f} times the rows of the rarest" if asked == "auto" else "as asked"
    chosen = "; rungs are chosen by macro-F1, unless --metric says otherwise" if "ladder" in update else ""
    off = "; --imbalance none leaves rows as they are" if asked == "auto" else ""
    return recipe.model_copy(update=update), [f"imbalance: {treated}, {why}{chosen}{off}"]


def likely_task(cells: Sequence[str]) -> tuple[str, str]:
    """Tell the task by the cells of the label column.

    Args:
        cells: Prepared, empty ones among them.

    Returns:
        The name of a task, and why it is that; nothing where it is the usual one.

    Example:
        >>> likely_task(["a", "b"]), likely_task(['["a", "b"]', "[]"])
        (('single_label', ''), ('multi_label', 'holds lists'))
    """
    filled = [cell for cell in cells if cell]
    n_lists = sum(map(_is_list, filled))
    if 2 * n_lists > len(filled):  # rows filled in by hand may have theirs as "late; damaged"
        return "multi_label", "holds lists" if n_lists == len(filled) else f"holds lists in {n_lists:,} rows"
    distinct = set(filled)
    if len(distinct) > _LEAST_NUMBERS and all(map(is_number, distinct)) and not all(map(_is_whole, distinct)):
        return "score", f"holds {len(distinct)} different numbers, not all whole"
    return "single_label", ""


def _is_list(cell: str) -> bool:
    if not cell.startswith("["):
        return False
    try:
        return isinstance(json.loads(cell), list)
    except ValueError:
        return False


def _is_whole(cell: str) -> bool:
    return float(cell).is_integer()
