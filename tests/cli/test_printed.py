"""What people read: every figure with its interval, and the facts that matter first."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Model
from tests.cli.running import assert_error, run
from tests.cli.small_world import LABELS, csv_text, rows

from tunesmith.config import recipe
from tunesmith.config.recipe import Recipe, load_recipe


def test_evaluate(climbed: Model, tickets: Path) -> None:
    """Figures with intervals, then a line for each label, the weakest first."""
    ended = run("evaluate", climbed.folder, tickets)
    assert ended.code == 0, ended.err
    assert ended.out.startswith("120 rows, 95 % intervals\n")
    assert re.search(r"^  accuracy +[01]\.[0-9]{4}  \([01]\.[0-9]{4} to [01]\.[0-9]{4}\)$", ended.out, re.M)
    assert all(re.search(rf"^  {label} .* 40$", ended.out, re.M) for label in LABELS)


def test_evaluate_takes_the_columns_of_the_training_file(climbed: Model, tmp_path: Path) -> None:
    """Also where another column has a likelier name; --label settles it."""
    records = [[text, text[::-1], topic, LABELS[0]] for text, topic in rows()]
    data = tmp_path / "more.csv"
    data.write_text(csv_text(["text", "body", "topic", "label"], records), "utf-8")
    accuracy = run("evaluate", climbed.folder, data, "--json").json()["metrics"]["accuracy"]["value"]
    assert accuracy >= 0.95
    other = run("evaluate", climbed.folder, data, "--label", "label", "--json").json()["metrics"]["accuracy"]["value"]
    assert other == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize(
    ("kind", "told"), [("climbed", "bag_of_words, rung linear"), ("probed", "encoder, rung probe")]
)
def test_info(kind: str, told: str, request: pytest.FixtureRequest) -> None:
    """What it is, how good on which rows, from which data and base."""
    ended = run("info", request.getfixturevalue(kind).folder)
    assert ended.code == 0, ended.err
    measured = "on test rows" if kind == "climbed" else "each by a head that had not seen it"
    for words in (told, "card, delivery, refund", "tickets.csv:", " % (", "95 %)", measured):
        assert words in ended.out
    assert ("tiny-bert (unknown)" in ended.out) == (kind == "probed")


def test_check(tmp_path: Path) -> None:
    """Severity, code, words and lines."""
    data = tmp_path / "few.csv"
    data.write_text("text,label\nwhere is it?,a\n,b\nwho is it?,b\n", "utf-8")
    ended = run("check", data)
    assert ended.code == 0
    assert ended.out.startswith("3 rows, ")
    assert re.search(r"^  warning  empty-text: .*\(line 3\)$", ended.out, re.M)


def test_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree of names and values."""
    found = {"cpu": "fast", "libraries": {"torch": "2.13", "onnx": None}, "devices": {"cpu": {"present": True}}}
    monkeypatch.setattr("tunesmith.api.measure.examine", lambda *, base_model, **_: {**found, "base_model": base_model})
    lines = run("doctor").out.splitlines()
    assert [line.split() for line in lines[:6]] == [
        ["cpu", "fast"],
        ["libraries"],
        ["torch", "2.13"],
        ["onnx", "None"],
        ["devices"],
        ["cpu"],
    ]


def test_doctor_tells_a_base_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It goes on with the rest."""
    monkeypatch.setattr("tunesmith.api.measure.examine", lambda *, base_model, **_: {"base_model": base_model})
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").touch()
    ended = run("doctor", "--set", f"base.name={tmp_path}")
    assert (ended.code, ended.out.split(maxsplit=1)) == (
        0,
        ["base_model", "unusable: the weights are pickled, and unpickling runs code\n"],
    )


def test_train_tells_every_rung_and_what_was_kept(
    tickets: Path, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With intervals; then the three commands, the first of which runs as it stands."""
    monkeypatch.chdir(tmp_path)
    ended = run("train", tickets, "--rungs", "linear", *quick)
    assert ended.code == 0, ended.err
    shares = [line for line in ended.out.splitlines() if " % (" in line]
    assert len(shares) == 2
    assert all(re.search(r"[0-9.]+ % \([0-9.]+ to [0-9.]+", line) for line in shares)
    assert shares[0].endswith("kept")
    assert "used to choose" in shares[1]
    for told in ("tunesmith predict tickets.model", "tunesmith evaluate tickets.model", 'load("tickets.model")'):
        assert told in ended.out
    assert run("predict", "tickets.model", "--text", "...").code == 0


def test_demo(tickets: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The main job on a file that comes along, again and again into the same place; then three answers."""

    def small(file: str | None, sets: list[str], flags: dict[str, Any], **rest: Any) -> Recipe:
        assert flags["run.offline"]
        more = {"base.name": str(base), "ladder.rungs": ["linear"], "run.threads": 1, "ladder.budget": "none"}
        return load_recipe(file, sets, flags | more, **rest)

    monkeypatch.setattr(recipe, "load_recipe", small)
    monkeypatch.setattr("tunesmith.sample.sample_file", lambda: tickets)
    for _ in range(2):
        ended = run("demo", "--out", tmp_path / "demo.model")
        assert ended.code == 0, ended.err
    answers = ended.out.splitlines()[-3:]
    assert all(re.match(rf"  ({'|'.join(LABELS)}) +[01]\.[0-9]{{2}}  ", line) for line in answers)


def test_demo_replaces_nothing_but_a_demo(copied: Callable[[], Path]) -> None:
    """A model that took an hour must not fall to a command that shows how things work."""
    folder = copied()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert_error(run("demo", "--out", folder, "--quiet"), "out-exists", str(folder))
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
