"""The comparison of training choices: sound choices, paired intervals, parts of files, and a run that goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.cells import TABLE_BEGINS, TABLE_ENDS
from benchmarks.rows import data_folder, read_rows
from benchmarks.training_choices import run as subject
from benchmarks.training_choices.choices import CHOICES, DEFAULT
from benchmarks.training_choices.compare import compared, markdown, pigeonhole_draws
from benchmarks.training_choices.measure import packed, unpacked
from benchmarks.training_choices.sets import stratified
from tests.benchmarks.trials import long_trial

from tunesmith.config.recipe import load_recipe
from tunesmith.ladder.resolve import resolve
from tunesmith.train.losses import LOSSES
from tunesmith.train.optimisers import OPTIMISERS
from tunesmith.train.schedules import SCHEDULES


def cell(right: list[bool], *, seconds: float = 10.0) -> dict[str, Any]:
    """What is kept of a training."""
    found = np.array(right)
    costs = {"seconds": seconds, "above_mib": 10.0 * seconds}
    return {"accuracy": found.mean(), "right": packed(found), "rows": len(right), "log_loss": 0.5, **costs}


@pytest.mark.parametrize(
    "choice", [choice for choice in CHOICES if not choice.is_dropped], ids=lambda choice: str(choice.name)
)
def test_a_choice_is_a_recipe_that_can_be_trained(choice: Any) -> None:
    """Its options go through the same checks as a user's."""
    resolved = resolve(load_recipe(None, [], {f"rung.finetune.{key}": value for key, value in choice.changes.items()}))
    settled = resolved.recipe.rung["finetune"]
    assert all(settled[key] == value for key, value in choice.changes.items())
    assert choice.told or choice.name == DEFAULT


def test_every_member_is_compared() -> None:
    """A new schedule, optimiser or loss for one label a text has its row; those left out are the default's own."""
    options = [choice for choice in CHOICES if not choice.is_dropped]
    asked = {key: {choice.changes.get(key) for choice in options} for key in ("schedule", "optimiser", "loss")}
    losses = {name for name in LOSSES.names() if "softmax" in LOSSES.member(name).LIKELIHOODS}
    assert set(SCHEDULES.names()) - asked["schedule"] == {"linear"}
    assert set(OPTIMISERS.names()) - asked["optimiser"] == {"adamw"}
    assert losses - asked["loss"] == {"cross_entropy"}
    assert len({choice.name for choice in CHOICES}) == len(CHOICES)


def test_answers_go_through_the_file() -> None:
    """Whatever the number of rows."""
    for n_rows in (1, 8, 13):
        right = np.random.default_rng(n_rows).random(n_rows) < 0.5
        assert (unpacked(packed(right), n_rows) == right).all()


def test_an_interval_counts_both_seeds_and_rows() -> None:
    """Its spread is that of both draws; seeds that differ widen it though their rows agree."""
    random = np.random.default_rng(0)
    rows = random.normal(size=400)
    alike, apart = np.stack([rows, rows]), np.stack([rows - 0.5, rows + 0.5])
    spreads = [float(pigeonhole_draws(table, seed=0).std()) for table in (alike, apart)]
    assert spreads[0] == pytest.approx(rows.std() / 20, rel=0.05)
    assert spreads[1] == pytest.approx(float(np.hypot(rows.std() / 20, 0.5 / np.sqrt(2))), rel=0.05)


def test_choices_are_paired_with_the_default_of_their_seed() -> None:
    """The difference is of the same rows; a seed without a default does not count, nor does the mean of some sets."""
    first = {
        "default/0": cell([True, False, False, False]),
        "ema_99/0": cell([True, True, False, False], seconds=15.0),
        "ema_99/1": cell([True, True, True, True]),
        "sgd/0": {"diverged": "training-diverged"},
    }
    second = {"default/0": cell([True, True]), "ema_99/0": cell([True, False], seconds=25.0)}
    entries = {entry["name"]: entry for entry in compared({"one": first, "two": second})}
    assert list(entries) == ["default", "sgd", "ema_99"]
    ema = entries["ema_99"]
    assert (ema["sets"]["one"]["difference"], ema["sets"]["one"]["seconds"], ema["sets"]["one"]["seeds"]) == (
        25.0,
        1.5,
        1,
    )
    assert (ema["mean"]["difference"], ema["mean"]["seconds"]) == (-12.5, 2.0)
    assert ema["sets"]["two"]["low"] < 0 < ema["sets"]["one"]["high"]
    assert entries["sgd"]["sets"] == {"one": {"seeds": 1, "diverged": True}}
    assert "mean" not in entries["sgd"]
    lines = markdown({"sets": ["one", "two"], "choices": list(entries.values())}).splitlines()
    assert [line.count("|") for line in lines] == [6] * 5
    assert "+25.0" in lines[4]
    assert "diverged" in lines[3]


def test_seconds_are_of_the_processor_where_both_tell_them() -> None:
    """Other programs lengthen the clock's, of one cell more than of another."""
    default = {**cell([True], seconds=10.0), "cpu_seconds": 8.0}
    ours = {**cell([True], seconds=40.0), "cpu_seconds": 12.0}
    (_, ema) = compared({"one": {"default/0": default, "ema_99/0": ours}})
    assert ema["sets"]["one"]["seconds"] == 1.5
    del default["cpu_seconds"]
    (_, ema) = compared({"one": {"default/0": default, "ema_99/0": ours}})
    assert ema["sets"]["one"]["seconds"] == 4.0


def test_costs_are_of_one_machine_and_accuracy_of_all() -> None:
    """A seed whose default was measured elsewhere says how right a choice is, and nothing of its seconds."""
    cells = {
        "default/0": {**cell([True], seconds=10.0), "cpu": "here"},
        "default/1": {**cell([False], seconds=100.0), "cpu": "there"},
        "ema_99/0": {**cell([True], seconds=20.0), "cpu": "here"},
        "ema_99/1": {**cell([True], seconds=20.0), "cpu": "here"},
    }
    found = compared({"one": cells})[1]["sets"]["one"]
    assert (found["seeds"], found["seconds"], found["difference"]) == (2, 2.0, 50.0)


def test_a_part_has_every_label_at_its_share(tmp_path: Path) -> None:
    """To a row, in the order of the file."""
    labels = ["a"] * 60 + ["b"] * 30 + ["c"] * 10
    order = np.random.default_rng(0).permutation(100)
    (tmp_path / "all.csv").write_text("text,label\n" + "".join(f"t{row},{labels[row]}\n" for row in order))
    part = read_rows(stratified(tmp_path / "all.csv", tmp_path / "part.csv", n_rows=20))
    assert [part.labels.count(label) for label in "abc"] == [12, 6, 2]
    whole = read_rows(tmp_path / "all.csv").texts
    assert [text for text in whole if text in set(part.texts)] == part.texts


@long_trial
def test_it_measures_and_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On few real rows; a second call measures what is missing alone, another machine leaves a seed as it is."""
    if not (data_folder() / "financial_phrasebank").is_dir():
        pytest.skip("the real data are not here: TUNESMITH_DATA names their folder")
    (tmp_path / "README.md").write_text(subject.README.read_text("utf-8"), encoding="utf-8")
    monkeypatch.setattr(subject, "README", tmp_path / "README.md")
    trial = "--rows 90 --epochs 0.2 --seeds 1 --threads 1 --sets financial_phrasebank --only".split()
    subject.main([*trial, "ema_99", "square", "r_drop"])  # the latter two are no options any more
    path = tmp_path / "scratch" / "financial_phrasebank.json"
    cells = json.loads(path.read_text("utf-8"))["cells"]
    assert list(cells) == ["default/0", "ema_99/0"]
    assert cells["default/0"]["rows"] == 30
    assert cells["ema_99/0"]["steps"] == cells["default/0"]["steps"] > 0
    subject.main([*trial, "ema_99", "constant"])
    found = json.loads(path.read_text("utf-8"))
    assert {name: value for name, value in found["cells"].items() if name in cells} == cells
    assert found["cells"].keys() - cells.keys() == {"constant/0"}
    readme = (tmp_path / "scratch" / "README.md").read_text("utf-8")
    assert '| `schedule = "constant"` | ' in readme
    assert all("mean" not in entry for entry in json.loads((path.parent / subject.TABLE).read_text("utf-8"))["choices"])
    assert readme.count(TABLE_BEGINS) == readme.count(TABLE_ENDS) == 1
    for cell in found["cells"].values():
        cell["cpu"] = "Another"
    path.write_text(json.dumps(found))
    subject.main([*trial, "ema_constant"])
    assert json.loads(path.read_text("utf-8"))["cells"] == found["cells"]
    assert "Another, " in (tmp_path / "scratch" / "README.md").read_text("utf-8")
