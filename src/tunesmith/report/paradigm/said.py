"""What the picture says: the finding as a headline with the sentences below it, and what must be known to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunesmith.evaluate.figures import FigureStyle, style_of
from tunesmith.report.paradigm.climbed import ASSUMED_WATTS, Climbed, Power, Versus
from tunesmith.report.paradigm.cost import Cost, totals, with_starts
from tunesmith.report.paradigm.finding import Finding, find
from tunesmith.report.paradigm.language import Language
from tunesmith.report.paradigm.palette import PARADIGMS, paradigm_of
from tunesmith.report.wording import probability, shown, signed, verdict
from tunesmith.types import Interval

FEW_ROWS = 200
"""Fewer rows than these are said to be few."""
LONGEST_NAME = 28
"""Characters of a model's folder that are shown."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How things are told."""

    cost: Cost
    language: Language
    objective: str
    """Name of the figure, as METRICS has it."""

    @property
    def style(self) -> FigureStyle:
        """How the figure is written."""
        return style_of(self.objective)

    @property
    def unit(self) -> str:
        """In what a gain is counted."""
        return self.language.words["points" if self.style.is_share else "hundredths"]

    def score(self, value: float) -> str:
        """Write the figure.

        Args:
            value: As METRICS has it.

        Returns:
            Percent or a number.
        """
        return self.language.score(self.style, value)

    def spent(self, value: float | None) -> str:
        """Write a cost.

        Args:
            value: In the cost's unit; None where nobody counted.

        Returns:
            A number and its unit, or that it is not counted.
        """
        return self.language.told(self.cost, value)


def said(climbs: Sequence[Climbed], telling: Telling) -> tuple[str, str]:
    """Say what was found: of one climb which step the problem needs, of several only which reaches the most.

    Args:
        climbs: At least one.
        telling: How.

    Returns:
        A headline without a full stop, and sentences.
    """
    if len(climbs) == 1:
        spent = totals(climbs[0].steps, telling.cost)
        return _finding_told(find(climbs[0], spent), climbs[0], spent, telling=telling)
    language = telling.language
    each_step = [(climbed, step) for climbed in climbs for step in climbed.steps]
    climbed, best = max(each_step, key=lambda each: each[1].score.value)
    name = f"{language.step(best.name)} ({shown(climbed.name, longest=LONGEST_NAME)})"
    return language.say("apart", step=name, score=telling.score(best.score.value)), language.words["apart_deck"]


def _finding_told(
    found: Finding, climbed: Climbed, spent: Mapping[str, float | None], *, telling: Telling
) -> tuple[str, str]:
    """Put what was found into words."""
    language = telling.language
    filled = {
        "step": language.step(found.step.name),
        "score": telling.score(found.step.score.value),
        "rows": f"{climbed.n_rows:,}",
        "points": telling.unit,
        "level": str(climbed.level),
    }
    if found.rival is not None and found.gain is not None:
        dear, cheap = (found.step, found.rival) if found.kind == "needed" else (found.rival, found.step)
        extra = telling.spent(_more(spent, dear.name, cheap.name))
        filled |= {"rival": language.step(found.rival.name), "extra": extra, **_ends(found.gain)}
    if found.p_value is not None:
        filled["p_value"] = probability(found.p_value)
    headline, deck = language.say(found.kind, **filled), [language.say(f"{found.kind}_deck", **filled)]
    if found.most is not None:
        most = {
            "most": language.step(found.most.name),
            "first": language.step(found.most.first),
            "part": f"{found.most.points:.1f}",
            "whole": f"{found.most.of_points:.1f}",
            "points": telling.unit,
            "cost": telling.spent(found.most.cost),
            "of_cost": telling.spent(found.most.of_cost),
        }
        headline = language.say("though", headline=headline, most=most["most"])
        deck.append(language.say("most_deck", **most))
    if climbed.n_rows < FEW_ROWS:
        deck.append(language.say("few_deck", rows=filled["rows"]))
    return headline, language.between.join(deck)


def bought_lines(versus: Versus, spent: Mapping[str, float | None], telling: Telling) -> tuple[str, str]:
    """Say what a step buys over another, and for how much more.

    Args:
        versus: The two.
        spent: Name of each step to what it takes to have.
        telling: How.

    Returns:
        Whose gain it is, with its interval; the cost, and whether the gain is not proven.
    """
    language = telling.language
    is_proven = verdict(versus.gain.value, versus.p_value) == "proven better"
    extra = telling.spent(_more(spent, versus.step, versus.over))
    first = language.say("bought", name=_name(versus.step), points=telling.unit, **_ends(versus.gain))
    return first, language.say("bought_for" if is_proven else "bought_unproven", extra=extra)


def _name(step: str) -> str:
    return shown(step, longest=LONGEST_NAME)


def _more(spent: Mapping[str, float | None], step: str, over: str) -> float | None:
    """What one step costs more than another; all that it costs where the other's is not counted."""
    cost, other = spent[step], spent[over]
    return None if cost is None else cost - (other or 0.0)


def _ends(gain: Interval) -> dict[str, str]:
    return {"gain": signed(gain.value), "low": signed(gain.low), "high": signed(gain.high)}


def notes(climbs: Sequence[Climbed], telling: Telling, *, has_gains: bool) -> str:
    """Say what must be known to read the picture.

    Args:
        climbs: At least one.
        telling: How.
        has_gains: Whether it tells what steps bought.

    Returns:
        Sentences.
    """
    language, first = telling.language, climbs[0]
    rows = " / ".join(f"{n_rows:,}" for n_rows in dict.fromkeys(each.n_rows for each in climbs))
    found = [
        language.say("rows_note" if len(climbs) == 1 else "own_rows_note", rows=rows),
        language.words["line_note"],
    ]
    if has_gains:
        found.append(language.say("bought_note", level=str(first.level)))
    if chains := _chains(climbs, language):
        found.append(language.say("cost_note", chains=chains))
    if telling.cost.name == "flops":
        found.append(language.words["flops_note"])
    if telling.cost.name == "energy":
        found += _energy_notes(climbs, language)
    if len({each.machine for each in climbs}) > 1:
        named = [
            language.say("machine", name=shown(each.name, longest=LONGEST_NAME), machine=shown(each.machine))
            for each in climbs
            if each.machine
        ]
        found.append(language.say("machines_note", machines=language.words["comma"].join(named)))
    return language.between.join([*found, _shapes(climbs, language)])


def _shapes(climbs: Sequence[Climbed], language: Language) -> str:
    """Which shape stands for what, of those that are there."""
    there = {paradigm_of(step.rung or step.name) for climbed in climbs for step in climbed.steps}
    told = [
        language.say("shape", shape=language.words[shape], paradigm=language.paradigms[name])
        for name, shape in PARADIGMS.items()
        if name in there
    ]
    joined = language.words["comma"].join(told)
    return language.say("shapes_note", shapes=joined[:1].upper() + joined[1:])


def _energy_notes(climbs: Sequence[Climbed], language: Language) -> list[str]:
    """Where the watts come from, of each machine; of each model where there are several."""
    several = len(climbs) > 1
    named = [(each.name if several else name, power) for each in climbs for name, power in each.powers]
    return [_energy_note(name, power, language) for name, power in named]


def _energy_note(name: str, power: Power, language: Language) -> str:
    key = "energy_measured" if power.measured else "energy_assumed"
    told = language.say(key, watts=f"{power.watts:.3g}", each=f"{ASSUMED_WATTS:g}", cores=str(power.cores))
    return f"{shown(name, longest=LONGEST_NAME)}: {told}" if name else told


def _chains(climbs: Sequence[Climbed], language: Language) -> str:
    """Which steps' cost holds that of others."""
    found = {}
    for climbed in climbs:
        by_name = {step.name: step for step in climbed.steps}
        for step in climbed.steps:
            starts = [shown(name) for name in with_starts(step.name, by_name)[:0:-1]]
            if starts:
                joined = language.words["and"].join(starts)
                found[step.name] = language.say("chain", name=shown(step.name), starts=joined)
    return language.words["comma"].join(found.values())
