"""A climb as the picture needs it, read from what its bundle says of itself and of its costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tunesmith.bundle.schema import Facts
from tunesmith.errors import ArtifactError
from tunesmith.evaluate.figures import figure_of
from tunesmith.ladder.rungs import RUNGS
from tunesmith.types import Interval

ASSUMED_WATTS = 10.0
"""Per core in use where nothing measures it: between a server's share of its socket (about 5) and a laptop's (15)."""

_WRONG = (KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it takes on top of the steps it starts from, and what it reached."""

    name: str
    seconds: float
    tflop: float | None
    """None where nobody counted."""
    score: Interval
    """The figure that chooses, with its 95 % interval."""
    kept: bool
    starts_from: tuple[str, ...] = ()
    """Names of the steps whose result it needs."""
    watts: float = ASSUMED_WATTS
    """What its machine draws."""
    rung: str = ""
    """Which rung it is, where its name is another."""


@dataclass(frozen=True, slots=True)
class Versus:
    """One step held against another on the same rows."""

    step: str
    over: str
    gain: Interval
    """Points that ``step`` is above ``over``, with an interval."""
    p_value: float

    def reversed(self) -> Versus:
        """Turn it round.

        Returns:
            The same comparison told of the other step.
        """
        gain = Interval(-self.gain.value, -self.gain.high, -self.gain.low)
        return Versus(self.over, self.step, gain, self.p_value)


@dataclass(frozen=True, slots=True)
class Power:
    """What a machine draws while it computes."""

    watts: float
    measured: bool
    """Whether the machine's own counter told it; else it is assumed."""
    cores: int
    """Cores in use."""


@dataclass(frozen=True, slots=True)
class Climbed:
    """Steps measured on the same rows."""

    name: str
    """The model's folder."""
    objective: str
    """Name of the figure that chooses, as METRICS has it."""
    n_rows: int
    """That the figures are measured on."""
    steps: tuple[Step, ...]
    powers: tuple[tuple[str, Power], ...] = ()
    """Machine, or model where one machine drew differently, and what it draws; the name is empty where all is one."""
    comparisons: tuple[Versus, ...] = ()
    level: int = 90
    """Of the intervals of the comparisons, percent."""
    machine: str = ""

    def versus(self, step: str, over: str) -> Versus | None:
        """Find how one step compares with another.

        Args:
            step: Name of the one that is held against the other.
            over: Name of the other.

        Returns:
            The comparison, turned round where it was made the other way; None where it was not made.
        """
        for each in self.comparisons:
            if (each.step, each.over) == (step, over):
                return each
            if (each.step, each.over) == (over, step):
                return each.reversed()
        return None


def climbed_of(facts: Facts, costs: Mapping[str, Any], *, name: str = "") -> Climbed:
    """Read a climb.

    Args:
        facts: What the bundle says of itself.
        costs: Content of ``costs.json``, of an earlier version too: then without comparisons.
        name: Of the model's folder.

    Returns:
        The climb; steps whose figure has no uncertainty are left out.

    Raises:
        ArtifactError: ``costs-damaged``, the costs are not what ``train`` writes.
    """
    try:
        rungs = [(rung, figure_of(rung["validation"], facts.headline)) for rung in costs.get("rungs", ())]
        machine = costs.get("machine", {})
        power = _power(machine, costs.get("power"))
        steps = _with_one_kept(
            _step(rung, score, costs, watts=power.watts) for rung, score in rungs if score is not None
        )
        return Climbed(
            name=name,
            objective=facts.headline,
            n_rows=facts.data.validation,
            steps=steps,
            powers=(("", power),),
            comparisons=tuple(_versus(each) for each in costs.get("comparisons", ())),
            machine=_told(machine),
        )
    except _WRONG as error:
        raise ArtifactError(
            "costs-damaged",
            "what the bundle says of its costs is not valid",
            where=f"{name}/costs.json" if name else "costs.json",
            found=f"{type(error).__name__}: {error}",
            advice="restore the folder from where it came, or train again",
        ) from error


def _with_one_kept(found: Iterable[Step]) -> tuple[Step, ...]:
    """Refuse steps of which none is kept, or several are."""
    steps = tuple(found)
    if steps and sum(step.kept for step in steps) != 1:
        raise ValueError("not one rung is kept")
    return steps


def _step(rung: Mapping[str, Any], score: Interval, costs: Mapping[str, Any], *, watts: float) -> Step:
    name, tflop = str(rung["name"]), _finite(rung["tflop"])
    known = RUNGS.member(name).NEEDS if name in RUNGS.names() else ()
    needs = costs.get("starts_from", {}).get(name, known)
    return Step(
        name=name,
        seconds=_finite(rung["seconds"]),
        tflop=tflop if tflop > 0.0 else None,
        score=Interval(*(_finite(value) for value in (score.value, score.low, score.high))),
        kept=bool(rung["kept"]),
        starts_from=tuple(map(str, needs)),
        watts=watts,
    )


def _versus(told: Mapping[str, Any]) -> Versus:
    gain = Interval(*(_finite(told["gain"][end]) for end in ("value", "low", "high")))
    return Versus(str(told["rung"]), str(told["over"]), gain, _finite(told["p_value"]))


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is no finite number")
    return number


def _power(machine: Mapping[str, Any], power: Mapping[str, Any] | None) -> Power:
    cores = int(machine.get("threads", 1))
    if power is not None:
        return Power(_finite(power["watts"]), measured=True, cores=cores)
    return Power(ASSUMED_WATTS * cores, measured=False, cores=cores)


def _told(machine: Mapping[str, Any]) -> str:
    """Name a machine: its CPU without the numbers that only tell whether bytes are equal."""
    return str(machine.get("cpu", "")).partition(" (cpu family")[0]
