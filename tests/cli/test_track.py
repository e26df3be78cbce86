"""``train --track``: a whole climb as its trackers show it, the same model with and without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.running import assert_error, run
from tests.track.readers import READERS, needs

from tunesmith.run.lines import read_lines
from tunesmith.track import TRACKERS

CLIMB = ("--rungs", "linear,probe,finetune", "--set", "rung.finetune.epochs=1.0", "--set", "ladder.min_gain=0.0")


class Kept:
    """A tracker of ours in the place of one whose package may not be there."""

    look = "nowhere"

    def __init__(self) -> None:
        self.parameters_told: dict[str, str] = {}
        self.told: list[tuple[dict[str, float], int]] = []
        self.complete: bool | None = None

    def parameters(self, values: dict[str, str]) -> None:
        self.parameters_told = dict(values)

    def figures(self, values: dict[str, float], step: int) -> None:
        self.told.append((dict(values), step))

    def close(self, *, complete: bool) -> None:
        self.complete = complete


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """Stands for TensorBoard."""
    tracker = Kept()
    monkeypatch.setattr(TRACKERS.member("tensorboard"), "build", lambda place: tracker)
    monkeypatch.setattr("tunesmith.ladder.resolve.refuse_missing", lambda names: None)
    return tracker


def test_a_climb_is_told_step_by_step(kept: Kept, tickets: Path, quick: list[str], tmp_path: Path) -> None:
    """Every line of the log, each rung with its costs, the recipe as resolved, and the last figures."""
    out = tmp_path / "m"
    done = run(
        "train", tickets, "--out", out, *quick, *CLIMB, "--test-share", "0.2", "--track", "tensorboard", "--json"
    )
    found = done.json()
    assert kept.complete
    assert kept.parameters_told["rung.finetune.epochs"] == "1.0"
    assert kept.parameters_told["run.task"] == "single_label"
    log = read_lines(tmp_path / "m.work" / "log.jsonl").records
    assert {"rung", "seconds", "step", "loss", "grad_norm", "skipped"} == log[0].keys()
    lines = [
        (
            {f"finetune/{name}": float(v) for name, v in line.items() if name not in ("rung", "seconds", "step")},
            line["step"],
        )
        for line in log
    ]
    assert [each for each in kept.told if next(iter(each[0])).startswith("finetune/")] == lines
    assert any("finetune/validation_loss" in figures for figures, _ in lines)
    for number, rung in enumerate(found["rungs"], start=1):
        (figures,) = (told for told, step in kept.told if f"rungs/{rung['name']}/seconds" in told and step == number)
        assert figures[f"rungs/{rung['name']}/accuracy"] == rung["validation"]["accuracy"]["value"]
        assert figures[f"rungs/{rung['name']}/peak_mib"] == pytest.approx(rung["peak_mib"], abs=0.1)
    last = [next(iter(figures)).partition("/")[0] for figures, _ in kept.told][-2:]
    assert last == ["final", "test"]
    assert kept.told[-1][0]["test/accuracy"] == found["test"]["accuracy"]["value"]
    assert "recorded for tensorboard: nowhere" in done.err


def test_who_looks_on_changes_nothing(kept: Kept, tickets: Path, quick: list[str], tmp_path: Path) -> None:
    """The same model, whose facts do not speak of it, and a plan that serves with and without."""
    for name, more in (("with", ["--track", "tensorboard"]), ("without", [])):
        plan = ["--plan", tmp_path / "with.work" / "plan.jsonl"] if name == "without" else []
        done = run("train", tickets, "--out", tmp_path / name, *quick, "--rungs", "probe", "--quiet", *more, *plan)
        assert done.code == 0, done.err
    assert kept.told
    for file in ("tunesmith.json", "head.safetensors", "model.safetensors"):
        assert (tmp_path / "with" / file).read_bytes() == (tmp_path / "without" / file).read_bytes(), file
    assert "track" not in json.loads((tmp_path / "with" / "tunesmith.json").read_text("utf-8"))["recipe"]


def test_a_tracker_that_fails_ends_no_run(
    kept: Kept, tickets: Path, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told once, in the middle of the story."""

    def fail(values: dict[str, float], step: int) -> None:
        raise OSError(f"no room for step {step}")

    monkeypatch.setattr(kept, "figures", fail)
    done = run("train", tickets, "--out", tmp_path / "m", *quick, *CLIMB, "--track", "tensorboard")
    assert done.code == 0, done.err
    assert done.err.count("tensorboard fails and is left out from here on: OSError: no room for step 1") == 1
    assert "recorded for" not in done.err


def test_a_tracker_nobody_knows_or_has(tickets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any work, with what is known and what installs it."""
    asked = ["train", tickets, "--rungs", "linear", "--out", tmp_path / "m"]
    words = ["track.to = 'tensorbord'", "allowed: mlflow, tensorboard, wandb; did you mean 'tensorboard'?"]
    assert_error(run(*asked, "--track", "tensorbord"), "bad-setting", *words)
    monkeypatch.setattr("tunesmith.track.importlib.util.find_spec", lambda name: None)
    assert_error(run(*asked, "--track", "wandb"), "tracker-missing", "pip install 'tunesmith[track]'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", TRACKERS.names())
def test_a_climb_read_back(name: str, tickets: Path, quick: list[str], tmp_path: Path) -> None:
    """With the real package: beside the log, or in the folder that is asked for; a new start begins anew."""
    needs(name)
    folder = tmp_path / "runs"
    done = run(
        "train", tickets, "--out", tmp_path / "m", *quick, *CLIMB, "--json",
        *("--track", name, "--set", f"track.folder={folder}", "--set", "track.project=shop"),
    )  # fmt: skip
    rungs = {rung["name"]: rung for rung in done.json()["rungs"]}
    (found,) = READERS[name](folder / name, "shop")
    assert found.name.startswith("m-")
    assert found.complete in (True, None)
    assert found.parameters["ladder.rungs"] == "['linear', 'probe', 'finetune']"
    log = read_lines(tmp_path / "m.work" / "log.jsonl").records
    losses = [(line["step"], line["loss"]) for line in log if "loss" in line]
    assert [step for step, _ in found.figures["finetune/loss"]] == [step for step, _ in losses]
    assert [loss for _, loss in found.figures["finetune/loss"]] == pytest.approx([loss for _, loss in losses], rel=1e-5)
    for rung, told in rungs.items():
        ((_, accuracy),) = found.figures[f"rungs/{rung}/accuracy"]
        assert accuracy == pytest.approx(told["validation"]["accuracy"]["value"])
        assert found.figures[f"rungs/{rung}/seconds"]
    beside = ["train", tickets, "--out", tmp_path / "b", *quick, "--rungs", "linear", "--quiet", "--track", name]
    assert run(*beside).code == 0
    place = tmp_path / "b.work" / "track" / name
    assert len(READERS[name](place, "tunesmith")) == 1
    assert run(*beside, "--force").code == 0
    assert len(READERS[name](place, "tunesmith")) == 1
