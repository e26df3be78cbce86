"""The report's sentences: what was kept, how sure that is, and why the climb stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunesmith.bundle.card import Measured
from tunesmith.bundle.schema import Facts
from tunesmith.errors import counted, plural
from tunesmith.evaluate.dead_labels import dead_labels
from tunesmith.evaluate.figures import style_of
from tunesmith.report.classes import wilson
from tunesmith.report.rungs import RungLine
from tunesmith.report.wording import duration, figure, percent, probability, rung_words, shown, signed, told_figure
from tunesmith.types import JSON, Interval

if TYPE_CHECKING:
    from tunesmith.ladder.climb import Outcome

_N_KEY_FIGURES = 4
_NOT_KEY = ("weighted_f1", "macro_recall", "ece")
"""Told elsewhere on the page, or told by others."""
_LONGEST_TITLE = 24


@dataclass(frozen=True)
class Figure:
    """One figure of the strip below the headline."""

    name: str
    value: str
    interval: str
    meaning: str


def headline(facts: Facts, found: Measured) -> str:
    """Say in one line what was kept and how often it is right.

    Args:
        facts: What the bundle says of itself.
        found: The figures to judge by.

    Returns:
        A sentence without a full stop.
    """
    words = rung_words(facts.rung)
    accuracy, name = figure(found.metrics.get("accuracy")), facts.headline
    chose = figure(found.metrics.get(name))
    if accuracy:
        told = f" answers {percent(accuracy.value)} right"
    else:
        told = f" reaches a {style_of(name).words} of {told_figure(name, chose.value)}" if chose else " is kept"
    return words[0].upper() + words[1:] + told


def opening(facts: Facts, found: Measured, costs: Mapping[str, Any]) -> list[str]:
    """Say what the headline's figure is worth.

    Args:
        facts: What the bundle says of itself.
        found: The figures to judge by.
        costs: Content of ``costs.json``.

    Returns:
        A few sentences, one a paragraph.
    """
    told = []
    name = "accuracy" if "accuracy" in found.metrics else facts.headline
    score, style = figure(found.metrics.get(name)), style_of(name)
    if score:
        between = style.span(score).replace(" to ", " and ") + ("\xa0%" if style.is_share else "")
        article = "An" if style.words[0] in "aeiou" else "A"
        told.append(f"{article} {style.words} between {between} (95\xa0% interval), on {found.where}, {found.choice}.")
    if score and name == "accuracy" and score.value == 1.0:
        missed = percent(1.0 - wilson(found.rows, found.rows).low)
        told.append(f"Not one was answered wrongly, which {found.rows:,} rows do not prove: {missed} of others may be.")
    if facts.task == "binary":
        least = "" if facts.thresholds is None else f", answered from the probability {facts.thresholds[0]:.2f} on"
        told.append(f"“{shown(facts.labels[1])}” counts as positive{least}.")
    if not found.is_test:
        told.append(
            "Rows that helped to choose a model flatter it a little. Rows that it has never met give the fair figure: "
            "measure with tunesmith evaluate before use."
        )
    per_class = found.metrics.get("per_class", {}) if "accuracy" in found.metrics else {}
    if per_class and found.rows:
        label, commonest = max(per_class.items(), key=lambda item: int(item[1]["rows"]))
        share = int(commonest["rows"]) / found.rows
        told.append(f"Always answering “{shown(label)}” would be right for {percent(share)} of these rows.")
    if dead := dead_labels(found.metrics):
        names = ", ".join(f"“{shown(label)}”" for label in dead[:5]) + (" and more" if len(dead) > 5 else "")
        told.append(f"No row of {names} is answered right{', which the figure above hides' * (name != 'macro_f1')}.")
    return [*told, *_effort(costs)]


def _effort(costs: Mapping[str, Any]) -> list[str]:
    if not costs.get("seconds"):
        return []
    machine = costs.get("machine", {})
    threads = f" with {counted(machine['threads'], 'thread')}" if machine.get("threads") else ""
    return [f"The climb took {duration(float(costs['seconds']))}{threads}."]


def key_figures(names: Sequence[str], metrics: Mapping[str, JSON]) -> list[Figure]:
    """Choose the figures of the strip below the headline.

    Args:
        names: Figures of the task, the most telling first.
        metrics: METRICS.

    Returns:
        Those that are there with an interval.
    """
    found: list[Figure] = []
    for name in names:
        value, style = figure(metrics.get(name)), style_of(name)
        if value and len(found) < _N_KEY_FIGURES and name not in _NOT_KEY:
            unit = "\xa0%" if style.is_share else ""
            title = style.title if len(style.title) <= _LONGEST_TITLE else style.title.split(" (")[0]
            found.append(Figure(title, told_figure(name, value.value), f"{style.span(value)}{unit}", style.meaning))
    return found


def why_stopped(facts: Facts, outcome: Outcome, lines: Sequence[RungLine]) -> str:
    """Say why the climb ended where it did.

    Args:
        facts: Its recipe holds budget, rungs and least gain.
        outcome: What the climb brought.
        lines: The rungs.

    Returns:
        One or two sentences.
    """
    ladder = facts.recipe.get("ladder", {})
    last, landed = lines[-1], {line.name for line in lines}
    wanted = list(ladder.get("rungs", ()))
    ahead = [name for number, name in enumerate(wanted) if landed.isdisjoint(wanted[number:])]
    left_out = f" Not climbed: {', '.join(ahead)}." if ahead else ""
    match outcome.stopped_because:
        case None:
            waiting = f" Still to come, where they fit the budget: {', '.join(ahead)}." if ahead else ""
            return f"It has not stopped: the climb goes on, and this is the best so far.{waiting}"
        case "gain excluded":
            points = points_of(facts)
            gain = f": {_gain_told(last.gain.points, points)} over {last.gain.over}" if last.gain else ""
            min_gain = ladder.get("min_gain", 0.0)
            least = f"{min_gain:g} {plural(min_gain, points.removesuffix('s'))}"
            return (
                f"After {last.name}, more gain is excluded{gain}. The upper end of that interval lies below {least}, "
                f"the least that makes a further rung worth its cost.{left_out}"
            )
        case "budget":
            budget = f" of {ladder['budget']}" if "budget" in ladder else ""
            if not ahead:
                return f"The budget{budget} cut the last rung short: more training may bring more."
            return f"The next rung did not fit what was left of the budget{budget}.{left_out}"
        case "top":
            return "The top of the ladder is reached: every rung asked for was climbed."


def points_of(facts: Facts) -> str:
    """Name the unit of a gain: of the figure that chooses.

    Args:
        facts: What the bundle says of itself.

    Returns:
        A noun in the plural.
    """
    return "points" if style_of(facts.headline).is_share else "hundredths"


def is_it_proven(facts: Facts, lines: Sequence[RungLine]) -> str:
    """Say whether the kept rung is proven better than the one before it, apart from why it was kept.

    Args:
        facts: What the bundle says of itself.
        lines: The rungs.

    Returns:
        One or two sentences; empty where there was nothing to compare with.
    """
    kept = next((line for line in lines if line.kept), None)
    if kept is None or len(lines) == 1:
        return ""
    if kept.gain is None:
        worse = [line.name for line in lines if line.gain and line.gain.verdict == "proven worse"]
        named = f" Proven worse: {', '.join(worse)}." if worse else ""
        return f"Kept is the first rung, {kept.name}; none after it took its place.{named}"
    gain = kept.gain
    told = f"{gain.over} by {_gain_told(gain.points, points_of(facts))} ({gain.test}, {probability(gain.p_value)})"
    if gain.verdict == "proven better":
        return f"Kept is {kept.name}, proven better than {told}."
    return f"Kept is {kept.name}, though it is not proven better: it differs from {told}."


def _gain_told(points: Interval, unit: str) -> str:
    return f"{signed(points.value)} {unit}, 90\xa0% interval {signed(points.low)} to {signed(points.high)}"
