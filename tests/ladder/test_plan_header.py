"""What a plan is made for: another base model, or another split of the same rows, is told before any work is lost."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest
from tests.ladder.tiny_base import tiny_base
from tests.ladder.tiny_climb import Home

from tunesmith.errors import ConfigError
from tunesmith.files.manifest import file_digest
from tunesmith.run.lines import read_lines
from tunesmith.types import JSON

RUNGS = ("linear", "probe", "finetune")
WITHOUT_BASE = ("linear",)


def header(home: Home, name: str, **settings: object) -> dict[str, JSON]:
    """The first line of the plan of a run that begins."""
    with home.site(name, **settings) as (site, _):
        first = read_lines(site.workspace.plan).records[0]
    return {key: value for key, value in first.items() if key in ("recipe", "data", "base")}


def write_split(path: Path, rows: list[list[str]], n_train: int) -> None:
    """Write the rows, the first of them to train on and the others to choose by."""
    with path.open("w", encoding="utf-8", newline="") as file:
        parts = ["train"] * n_train + ["validation"] * (len(rows) - n_train)
        csv.writer(file).writerows(
            [["text", "label", "split"], *([*row, p] for row, p in zip(rows, parts, strict=True))]
        )


def test_another_base_model_is_refused_by_resume(home: Home) -> None:
    """A fit that went on would have half of its weights from one model and half from the other."""
    home.stopped(after=1)
    weights = home.folder / "base" / "model.safetensors"
    sound = weights.read_bytes()
    weights.write_bytes((tiny_base(home.folder / "other", seed=1) / "model.safetensors").read_bytes())
    with pytest.raises(ConfigError, match="plan-differs") as caught:
        home.climbed(resume=True)
    assert caught.value.message == "the plan was made for other base"
    assert caught.value.exit_code == 2
    assert (caught.value.found or "").startswith("base ")
    assert "base model" in (caught.value.advice or "")
    weights.write_bytes(sound)
    site, _ = home.climbed(resume=True)
    assert list(site.landings) == ["probe", "finetune"]


def test_another_split_of_the_same_rows_is_refused_by_resume(home: Home) -> None:
    """One row moved from those to train on to those to choose by: every text and label is the same, and its order."""
    path = home.folder / "rows.csv"
    with path.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    write_split(path, rows, 240)
    with home.site("before") as (site, _):
        before = site.data.sha256
    home.stopped(after=1)
    write_split(path, rows, 239)
    with home.site("after") as (site, _):
        assert site.data.sha256 == before, "the rows alone tell the difference"
    with pytest.raises(ConfigError, match="plan-differs") as caught:
        home.climbed(resume=True)
    assert caught.value.message == "the plan was made for other data"
    assert caught.value.exit_code == 2


def test_budget_and_place_are_no_part_of_what_a_plan_is_for(home: Home) -> None:
    """It stands for the clock, and a model may be made anew elsewhere; all else is part of it."""
    usual = header(home, "usual", ladder__rungs=RUNGS)
    moved = header(home, "moved", ladder__rungs=RUNGS, ladder__budget="7m", run__out="elsewhere")
    assert moved == usual
    other = header(home, "other", ladder__rungs=RUNGS, run__seed=1)
    assert other["recipe"] != usual["recipe"]
    assert other["base"] == usual["base"] == file_digest(home.folder / "base" / "model.safetensors")


def test_an_option_left_at_its_default_is_the_same_written_out(home: Home) -> None:
    """Whoever writes down what holds anyway asks for no other run."""
    usual = header(home, "usual", ladder__rungs=RUNGS)
    written = header(home, "written", ladder__rungs=RUNGS, rung__finetune__loss="cross_entropy", rung__probe__n_folds=5)
    changed = header(home, "changed", ladder__rungs=RUNGS, rung__probe__n_folds=4)
    assert written == usual
    assert changed["recipe"] != usual["recipe"]


def test_without_a_base_model_none_is_part_of_it(home: Home) -> None:
    """Nor is one looked for."""
    assert header(home, "usual", ladder__rungs=WITHOUT_BASE)["base"] == ""
    assert header(home, "nowhere", ladder__rungs=WITHOUT_BASE, base__name="no-such-base")["base"] == ""


@pytest.mark.parametrize("column", [0, 1], ids=["text", "label"])
def test_another_cell_is_other_data(home: Home, column: int) -> None:
    """Content counts as the split does, where the split stays the same."""
    path = home.folder / "rows.csv"
    with path.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    write_split(path, rows, 240)
    usual = header(home, "usual", ladder__rungs=WITHOUT_BASE)
    assert header(home, "same", ladder__rungs=WITHOUT_BASE) == usual
    rows[7][column] = next(row[column] for row in rows if row[column] != rows[7][column])
    write_split(path, rows, 240)
    changed = header(home, "changed", ladder__rungs=WITHOUT_BASE)
    assert changed["data"] != usual["data"]
    assert changed["recipe"] == usual["recipe"]


def test_a_key_that_earlier_versions_did_not_know_is_no_part_of_it(home: Home) -> None:
    """Where it is left alone, so that their runs can be gone on with; asked for, it makes another run."""
    with home.site("plain") as (site, _):
        values = site.recipe.model_dump(mode="json")
        found = read_lines(site.workspace.plan).records[0]["recipe"]
    del values["run"]["out"], values["run"]["precision"], values["track"], values["ladder"]["budget"]
    assert found == hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    assert header(home, "asked", run__precision="fp32")["recipe"] != found
