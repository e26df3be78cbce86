"""A plan made under one budget is followed under another, from the command line to the bytes of the model."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.cli.running import Ended, run
from tests.ladder.tiny_climb import SETTINGS, Home

from tunesmith.run.lines import read_lines

LIGHT = {"tunesmith.json"}
"""Files of a model that tell its recipe, and so its budget."""


@pytest.fixture(autouse=True)
def begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process has just begun, however long the tests have run."""
    monkeypatch.setattr("tunesmith.run.clock.process_age_s", lambda: 0.0)


def train(home: Home, name: str, *flags: str | Path) -> Ended:
    """Train on the tiny file from the command line."""
    settings = {**SETTINGS, "ladder.rungs": ["linear", "probe", "finetune"], "base.name": str(home.folder / "base")}
    del settings["ladder.budget"]
    given = [f"--set={key}={json.dumps(value)}" for key, value in settings.items()]
    return run("train", home.folder / "rows.csv", "--out", home.folder / name, *given, *flags, "--quiet", "--json")


def decisions(home: Home, name: str) -> list[str]:
    """What the plan of a run decides, in its order."""
    return [line["key"] for line in read_lines(home.folder / f"{name}.work" / "plan.jsonl").records[1:]]


def digests(home: Home, name: str) -> dict[str, str]:
    """SHA-256 of each file of a model that is to be the same under every budget."""
    files = json.loads((home.folder / name / "manifest.json").read_text("utf-8"))["files"]
    return {file: told["sha256"] for file, told in files.items() if file not in LIGHT}


def test_a_fit_asks_the_same_with_and_without_a_budget(home: Home) -> None:
    """At its scored points and between them; where no time is short, the answers are those without a clock."""
    for name, budget in (("free", "none"), ("bound", "1h")):
        assert train(home, name, "--budget", budget).code == 0
    asked = decisions(home, "free")
    assert asked == decisions(home, "bound")
    curve = read_lines(home.folder / "free.work" / "log.jsonl").records
    scored = {line["step"] for line in curve if "objective" in line}
    steps = [int(found[1]) for key in asked if (found := re.fullmatch(r"finetune\.steps\.(\d+)", key))]
    assert set(steps) & scored
    assert len(set(steps) - scored) > 5, "a fit that is scored often is never asked in between"
    assert digests(home, "free") == digests(home, "bound")


@pytest.mark.parametrize(("made", "followed"), [("1h", "none"), ("none", "1h"), ("none", "0.01s")])
def test_a_plan_is_followed_under_another_budget(home: Home, made: str, followed: str) -> None:
    """To its last decision and to the same bytes, though the time left now would allow more, or nothing at all."""
    assert train(home, "made", "--budget", made).code == 0
    plan = home.folder / "made.work" / "plan.jsonl"
    ended = train(home, "followed", "--budget", followed, "--plan", plan)
    assert ended.code == 0, ended.err
    assert [rung["name"] for rung in ended.json()["rungs"]] == ["linear", "probe", "finetune"]
    assert (home.folder / "followed.work" / "plan.jsonl").read_bytes() == plan.read_bytes()
    assert digests(home, "followed") == digests(home, "made")


def test_a_plan_of_an_earlier_version_is_followed(home: Home) -> None:
    """One that knew no other precision than float32 did not decide on it."""
    assert train(home, "made", "--budget", "none").code == 0
    first, *decided = (home.folder / "made.work" / "plan.jsonl").read_text("utf-8").splitlines()
    left = [line for line in map(json.loads, decided) if line["key"] != "precision"]
    assert len(left) == len(decided) - 1
    earlier = home.folder / "earlier.jsonl"
    lines = [first, *(json.dumps({**line, "n": number}) for number, line in enumerate(left, start=1))]
    earlier.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    ended = train(home, "followed", "--budget", "none", "--plan", earlier)
    assert ended.code == 0, ended.err
    assert "precision" not in decisions(home, "followed")
    assert digests(home, "followed") == digests(home, "made")
