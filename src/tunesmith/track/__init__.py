"""Trackers: where else a run is recorded, if that is asked for; each writes on this machine and sends nothing.

A member has ``PACKAGE`` (what it is installed by) and ``build(place)``, which gives a ``Tracker``.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tunesmith.config import Family
from tunesmith.errors import ConfigError
from tunesmith.types import JSON

TRACKERS = Family("tracker", __name__, __path__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is recorded, and under which names."""

    folder: Path
    """Of the tracker; made by it."""
    project: str
    """What lists of runs call the undertaking."""
    name: str
    """What they call this run."""


class Tracker(Protocol):
    """Records one life of a run; whatever it raises ends the tracker, never the run."""

    look: str
    """Command that shows what was recorded."""

    def parameters(self, values: Mapping[str, str]) -> None:
        """Record what the run was asked for.

        Args:
            values: Dotted names to values as text.
        """
        ...

    def figures(self, values: Mapping[str, float], step: int) -> None:
        """Record figures.

        Args:
            values: ``part/figure`` to a finite number.
            step: Where the part stands, from 1; it starts anew with each part.
        """
        ...

    def close(self, *, complete: bool) -> None:
        """Write what is still held back.

        Args:
            complete: Whether the run came to its end.
        """
        ...


class Trackers:
    """All trackers of a run; one that fails is told once and left out.

    Args:
        builders: Each tracker's name to what opens it.
        say: Told when one fails, and at the end how to look at what was recorded.
    """

    def __init__(self, builders: Mapping[str, Callable[[], Tracker]], say: Callable[[str], None]) -> None:
        self._say = say
        self._open: dict[str, Tracker] = {}
        for name, build in builders.items():
            self._guarded(name, lambda name=name, build=build: self._open.update({name: build()}))  # type: ignore[misc]

    def parameters(self, recipe: Mapping[str, JSON]) -> None:
        """Record the recipe.

        Args:
            recipe: As resolved.
        """
        self._all(lambda tracker: tracker.parameters({key: str(value) for key, value in flat(recipe)}))

    def figures(self, part: str, values: Mapping[str, Any], *, step: int) -> None:
        """Record figures of a part of the run, such as a fit; those that are no finite numbers are left out.

        Args:
            part: Its name.
            values: Numbers, or figures of METRICS.
            step: Where it stands, from 1.
        """
        plain = {
            name: value["value"] if isinstance(value, Mapping) and "value" in value else value
            for name, value in values.items()
        }
        numbers = {
            f"{part}/{name}": float(value)
            for name, value in plain.items()
            if isinstance(value, int | float) and math.isfinite(value)
        }
        if numbers:
            self._all(lambda tracker: tracker.figures(numbers, step))

    def close(self, *, complete: bool) -> None:
        """End the records.

        Args:
            complete: Whether the run came to its end.
        """
        for name, tracker in list(self._open.items()):
            self._guarded(name, lambda tracker=tracker: tracker.close(complete=complete))  # type: ignore[misc]
            if self._open.pop(name, None):
                self._say(f"recorded for {name}: {tracker.look}")

    def _all(self, act: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._open.items()):
            self._guarded(name, lambda tracker=tracker: act(tracker))  # type: ignore[misc]

    def _guarded(self, name: str, act: Callable[[], None]) -> None:
        """Let a tracker act; what it raises must not end a run of hours that does not need it."""
        try:
            act()
        except Exception as error:
            self._open.pop(name, None)
            told = " ".join(str(error).split())[:200]
            self._say(f"{name} fails and is left out from here on: {type(error).__name__}: {told}")


def flat(values: Mapping[str, JSON], prefix: str = "") -> Iterator[tuple[str, JSON]]:
    """List the values of nested sections.

    Args:
        values: As a recipe holds them.
        prefix: Put before each name.

    Yields:
        Dotted name and value.

    Example:
        >>> list(flat({"run": {"seed": 0}}))
        [('run.seed', 0)]
    """
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def refuse_missing(names: Sequence[str]) -> None:
    """Make sure that the packages of trackers are there, without importing them.

    Args:
        names: Members.

    Raises:
        ConfigError: ``tracker-missing``.
    """
    missing = [name for name in names if importlib.util.find_spec(TRACKERS.member(name).PACKAGE) is None]
    if missing:
        raise ConfigError(
            "tracker-missing",
            f"{' and '.join(missing)} cannot be imported",
            where="track.to",
            found=f"no package {', '.join(TRACKERS.member(name).PACKAGE for name in missing)}",
            allowed=f"{', '.join(TRACKERS.names())}, where installed",
            advice="pip install 'tunesmith[track]', or leave it out: log.jsonl beside the model is always written",
        )


@contextmanager
def tracked(names: Sequence[str], place: Place, say: Callable[[str], None]) -> Iterator[Trackers]:
    """Open trackers for the time of a run.

    Args:
        names: Members.
        place: Of the run; each tracker has its own folder there.
        say: Told when one fails, and at the end how to look at what was recorded.

    Yields:
        All of them.
    """
    places = {name: Place(place.folder / name, place.project, place.name) for name in dict.fromkeys(names)}
    trackers = Trackers({name: lambda name=name: TRACKERS.member(name).build(places[name]) for name in places}, say)  # type: ignore[misc]
    try:
        yield trackers
    except BaseException:
        trackers.close(complete=False)
        raise
    trackers.close(complete=True)
