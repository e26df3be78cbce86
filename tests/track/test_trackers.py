"""What stands between a run and its trackers: figures in, failures told once, packages that are missing."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from tunesmith.errors import ConfigError
from tunesmith.track import Place, Trackers, flat, refuse_missing, tracked


class Told:
    """A tracker that keeps what it is told, and fails when asked to."""

    look = "look here"

    def __init__(self, fails_at: str = "") -> None:
        self.told: list[tuple[object, ...]] = []
        self._fails_at = fails_at

    def _note(self, *what: object) -> None:
        if what[0] == self._fails_at:
            raise RuntimeError(f"no room\nfor {what[0]}")
        self.told.append(what)

    def parameters(self, values: Mapping[str, str]) -> None:
        self._note("parameters", dict(values))

    def figures(self, values: Mapping[str, float], step: int) -> None:
        self._note("figures", dict(values), step)

    def close(self, *, complete: bool) -> None:
        self._note("close", complete)


def test_figures_are_told_by_their_part() -> None:
    """Figures of METRICS by their value; no tables, nothing that is no finite number."""
    kept, said = Told(), list[str]()
    trackers = Trackers({"kept": lambda: kept}, said.append)
    trackers.parameters({"run": {"seed": 0, "out": None}, "ladder": {"rungs": ["probe"]}})
    metrics = {
        "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6},
        "per_class": {"a": {}},
        "loss": math.nan,
        "seconds": 2,
    }
    trackers.figures("rungs/probe", metrics, step=1)
    trackers.figures("test", {}, step=1)
    trackers.close(complete=True)
    assert kept.told == [
        ("parameters", {"run.seed": "0", "run.out": "None", "ladder.rungs": "['probe']"}),
        ("figures", {"rungs/probe/accuracy": 0.5, "rungs/probe/seconds": 2.0}, 1),
        ("close", True),
    ]
    assert said == ["recorded for kept: look here"]


@pytest.mark.parametrize("place", ["build", "parameters", "figures", "close"])
def test_one_that_fails_is_told_once_and_left_out(place: str) -> None:
    """The others go on; the run hears nothing of it but a sentence."""
    good, bad, said = Told(), Told(place), list[str]()

    def build() -> Told:
        if place == "build":
            raise OSError("no folder")
        return bad

    trackers = Trackers({"bad": build, "good": lambda: good}, said.append)
    trackers.parameters({"a": 1})
    for step in (1, 2):
        trackers.figures("fit", {"loss": 0.5}, step=step)
    trackers.close(complete=False)
    why = "OSError: no folder" if place == "build" else f"RuntimeError: no room for {place}"
    assert said == [f"bad fails and is left out from here on: {why}", "recorded for good: look here"]
    assert [what[0] for what in good.told] == ["parameters", "figures", "figures", "close"]
    assert [what[0] for what in bad.told] == {"build": [], "parameters": [], "figures": ["parameters"]}.get(
        place, ["parameters", "figures", "figures"]
    )


def test_a_stop_is_no_failure() -> None:
    """Ctrl-C inside a tracker ends the run, as it does anywhere."""

    class Stopping(Told):
        def figures(self, values: Mapping[str, float], step: int) -> None:
            raise KeyboardInterrupt

    trackers = Trackers({"one": Stopping}, lambda line: None)
    with pytest.raises(KeyboardInterrupt):
        trackers.figures("fit", {"loss": 1.0}, step=1)


def test_a_run_that_breaks_off_is_closed_as_such(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each tracker in its own folder; whatever ends the run, what it recorded is written."""
    made: dict[Path, Told] = {}

    def member(name: str) -> object:
        class Member:
            @staticmethod
            def build(place: Place) -> Told:
                return made.setdefault(place.folder, Told())

        return Member

    monkeypatch.setattr("tunesmith.track.TRACKERS.member", member)
    place = Place(tmp_path, "tickets", "one")
    with pytest.raises(ValueError, match="broken"), tracked(["a", "b", "a"], place, lambda line: None):
        raise ValueError("broken")
    assert {folder.name: told.told for folder, told in made.items()} == {
        "a": [("close", False)],
        "b": [("close", False)],
    }


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what installs it; those that are there are not complained of, and none is imported for it."""

    def find(name: str) -> importlib.machinery.ModuleSpec | None:
        return None if name == "wandb" else importlib.machinery.ModuleSpec(name, None)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    refuse_missing(["mlflow", "tensorboard"])
    with pytest.raises(ConfigError, match="pip install 'tunesmith\\[track\\]'") as caught:
        refuse_missing(["mlflow", "wandb"])
    assert caught.value.code == "tracker-missing"
    assert caught.value.found == "no package wandb"


def test_sections_become_dotted_names() -> None:
    """As ``--set`` takes them."""
    assert dict(flat({"a": {"b": {"c": 1}, "d": []}, "e": {}})) == {"a.b.c": 1, "a.d": []}
