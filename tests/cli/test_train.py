"""Training: what is written and what is not, stopping, going on, and starting again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Model
from tests.cli.running import Ended, assert_error, command, run
from tests.cli.small_world import csv_text, rows

from tunesmith.ladder.rungs import RUNGS, linear
from tunesmith.train.optimisers import OPTIMISERS
from tunesmith.train.schedules import SCHEDULES

LONG = ["--rungs", "probe,finetune", "--set", "rung.finetune.epochs=100.0", "--set", "ladder.min_gain=0.0"]
WAIT_S = 300.0
"""Far more than it takes: the machine may be busy."""


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_dry_run_writes_nothing(
    tickets: Path, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither here nor beside the file; it says what would be done."""
    monkeypatch.chdir(tmp_path)
    beside = names(tickets.parent)
    ended = run("train", tickets, *quick, "--dry-run")
    assert ended.code == 0, ended.err
    assert "contrast: at least" in ended.out
    assert 'text: column "text", by its name' in ended.out
    assert names(tmp_path) == []
    assert names(tickets.parent) == beside


def test_results_go_to_stdout_and_the_story_to_stderr(climbed: Model) -> None:
    """With --json, stdout is one line of JSON and nothing else."""
    assert climbed.trained.out.count("\n") == 1
    assert json.loads(climbed.trained.out)["kept"] == "linear"
    for told in ('text: column "text", by its name', "foreseen in all: ", "probe: accuracy", "saved to", "stops here"):
        assert told in climbed.trained.err


def test_quiet_says_nothing(probed: Model) -> None:
    """The result is still printed."""
    assert probed.trained.err == ""
    assert probed.trained.out


def test_the_default_place_is_beside_where_one_stands(
    tickets: Path, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's stem with ``.model``; of the work only plan and log stay."""
    monkeypatch.chdir(tmp_path)
    ended = run("train", tickets, "--rungs", "linear", *quick)
    assert ended.code == 0, ended.err
    assert names(tmp_path) == ["tickets.model", "tickets.model.work"]
    assert names(tmp_path / "tickets.model.work") == ["log.jsonl", "plan.jsonl"]


def test_the_same_recipe_gives_the_same_bytes(tickets: Path, quick: list[str], tmp_path: Path) -> None:
    """Wherever it is written to; another seed holds back other rows to choose by."""

    def trained(out: str, *more: str) -> tuple[dict[str, str], float]:
        ended = run("train", tickets, "--rungs", "linear", *quick, "--out", tmp_path / out, *more, "--json")
        log_loss: float = ended.json()["rungs"][0]["validation"]["log_loss"]["value"]
        return json.loads((tmp_path / out / "manifest.json").read_text("utf-8"))["files"], log_loss

    first = trained("one")
    assert trained("two") == first
    assert trained("three", "--seed", "1")[1] != first[1]


def test_force_replaces_a_model(tickets: Path, quick: list[str], tmp_path: Path) -> None:
    """The old one stays until the new one is whole; then it is gone without a trace."""
    out = tmp_path / "m"
    assert run("train", tickets, "--rungs", "linear", *quick, "--out", out).code == 0
    assert run("train", tickets, "--rungs", "probe", *quick, "--out", out, "--force").code == 0
    assert run("info", out, "--json").json()["rung"] == "probe"
    assert names(tmp_path) == ["m", "m.work"]


def test_resume_of_a_finished_run_says_so_and_gives_its_figures(
    tickets: Path, quick: list[str], tmp_path: Path
) -> None:
    """A script that resumes until all is done comes to an end; the model is not touched."""
    train = ["train", str(tickets), "--rungs", "linear", *quick, "--out", str(tmp_path / "m"), "--json"]
    first = run(*train)
    before = (tmp_path / "m" / "manifest.json").stat().st_mtime_ns
    again = run(*train, "--resume")
    assert again.code == 0
    assert "had come to its end before" in again.err
    found, expected = again.json(), first.json()
    assert found.pop("seconds") <= expected.pop("seconds")
    assert found == expected
    assert (tmp_path / "m" / "manifest.json").stat().st_mtime_ns == before
    assert names(tmp_path / "m.work") == ["log.jsonl", "plan.jsonl"]


def test_resume_of_a_finished_run_with_another_recipe_is_refused(
    tickets: Path, quick: list[str], tmp_path: Path
) -> None:
    """The figures of one run must not be given for those of another."""
    train = ["train", str(tickets), "--rungs", "linear", *quick, "--out", str(tmp_path / "m")]
    assert run(*train).code == 0
    assert_error(run(*train, "--seed", "7", "--resume"), "plan-differs", "other recipe", "--force")


def test_there_may_be_nothing_to_resume(tickets: Path, quick: list[str], tmp_path: Path) -> None:
    """Nothing is left of the attempt."""
    ended = run("train", tickets, *quick, "--out", tmp_path / "m", "--resume")
    assert_error(ended, "nothing-to-resume", "no unfinished run here", "--out")
    assert names(tmp_path) == []


def interrupted(arguments: list[str], plan: Path) -> Ended:
    """Start a training and send it SIGINT once its plan speaks of the steps of finetune."""
    with subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + WAIT_S
        while not (plan.is_file() and "finetune.steps" in plan.read_text("utf-8")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "finetune did not begin"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S)
        return Ended(process.returncode, out, err)


def test_ctrl_c_in_the_middle_of_finetune_can_be_gone_on_from(tickets: Path, quick: list[str], tmp_path: Path) -> None:
    """Exit 5 and the advice; what had landed is there and answers; --resume takes it to the end, exit 0."""
    out = tmp_path / "m"
    train = ["train", str(tickets), "--out", str(out), *quick, *LONG]
    stopped = interrupted(train, tmp_path / "m.work" / "plan.jsonl")
    assert stopped.code == 5, stopped.err
    assert "error[stopped]: stopped after step" in " ".join(stopped.err.split())
    assert "--resume" in stopped.err
    assert "Traceback" not in stopped.err
    assert run("info", out, "--json").json()["rung"] == "probe"
    assert_error(run(*train), "run-unfinished", "--resume", "--force")
    resumed = run(*train, "--resume", "--json")
    assert [rung["name"] for rung in resumed.json()["rungs"]] == ["probe", "finetune"]
    assert "probe was climbed before the stop" in resumed.err
    assert "finetune goes on after step" in resumed.err
    assert names(tmp_path / "m.work") == ["log.jsonl", "plan.jsonl"]


def test_ctrl_c_between_two_rungs_is_heeded_too(
    tickets: Path, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rung at work lands first, so that its work is not lost."""
    fit = linear.fit_bag_of_words

    def fit_and_interrupt(*arguments: object, **more: object) -> object:
        signal.raise_signal(signal.SIGINT)
        return fit(*arguments, **more)  # type: ignore[arg-type]

    train = ["train", str(tickets), "--rungs", "linear,probe", *quick, "--out", str(tmp_path / "m")]
    with monkeypatch.context() as patched:
        patched.setattr(linear, "fit_bag_of_words", fit_and_interrupt)
        stopped = run(*train, "--quiet")
    assert_error(stopped, "stopped", "stopped before probe", "--resume", code=5)
    resumed = run(*train, "--resume")
    assert resumed.code == 0, resumed.err
    assert "linear was climbed before the stop" in resumed.err


def test_a_second_ctrl_c_ends_a_run_at_once(
    tickets: Path, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is as resumable as after the first."""

    def interrupt_twice(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    train = ["train", str(tickets), "--rungs", "linear", *quick, "--out", str(tmp_path / "m")]
    with monkeypatch.context() as patched:
        patched.setattr(linear, "fit_bag_of_words", interrupt_twice)
        assert_error(run(*train, "--quiet"), "stopped", "stopped at once", "--resume", code=5)
    assert run(*train, "--resume").code == 0


def test_ctrl_c_where_there_is_nothing_to_resume(tickets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As any program ends by it: 130, silently."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tunesmith.api.measure.check", interrupt)
    assert run("check", tickets) == Ended(130, "", "")


def test_texts_that_the_base_does_not_know_are_told_before_training(quick: list[str], tmp_path: Path) -> None:
    """More than 5 % unknown word pieces: a warning that says what to do."""
    data = tmp_path / "foreign.csv"
    data.write_text("text,label\n" + "".join(f"Где моя карта номер {n}?,{'ab'[n % 2]}\n" for n in range(30)), "utf-8")
    ended = run("train", data, *quick, "--rungs", "probe", "--out", tmp_path / "m")
    assert ended.code == 0, ended.err
    told = ended.err.index("choose a base model made for the language")
    assert told < ended.err.index("probe: accuracy")


def test_the_recipe_in_the_bundle_has_every_option(climbed: Model) -> None:
    """What a model was made with is not looked up in the defaults of whatever version reads it."""
    assert climbed.trained.code == 0
    rungs = json.loads((climbed.folder / "tunesmith.json").read_text("utf-8"))["recipe"]["rung"]
    assert rungs.keys() == {"linear", "probe", "finetune"}
    for name, values in rungs.items():
        assert values.keys() == RUNGS.member(name).Options.model_fields.keys()
    finetune = rungs["finetune"]
    assert (finetune["epochs"], finetune["learning_rate"], finetune["loss_options"]) == (1.0, 2e-4, {})
    assert finetune["optimiser_options"] == OPTIMISERS.options("adamw").model_dump(mode="json")
    assert finetune["schedule_options"] == SCHEDULES.options("linear").model_dump(mode="json")


def test_texts_without_labels_are_learnt_from(tickets: Path, quick: list[str], tmp_path: Path) -> None:
    """Asked for by their file alone; it is said where they come from, and the card says that they taught the model."""
    pool = tmp_path / "pool.csv"
    others = [(f"again: {text}", "a topic that nobody reads") for text, _ in rows()]
    pool.write_text(csv_text(("text", "topic"), [*rows()[:2], *others]), "utf-8")
    train = ["train", tickets, *quick, "--unlabelled", pool, "--out", tmp_path / "m"]
    dry = run(*train, "--dry-run", "--json")
    assert json.loads(dry.out)["unlabelled"] == 120, dry.err
    assert "selftrain: at least" in dry.out
    asked = ["--rungs", "probe,selftrain", "--set", "rung.selftrain.confidence=0.4", "--json"]
    ended = run(*train, *asked)
    assert ended.code == 0, ended.err
    assert [rung["name"] for rung in json.loads(ended.out)["rungs"]] == ["probe", "selftrain"]
    came = "texts without labels come from pool.csv (120 rows); left out: 2 that are among the rows with labels"
    assert came in ended.err
    assert 'the column "topic" of pool.csv is not read' in ended.err
    facts = json.loads((tmp_path / "m" / "tunesmith.json").read_text("utf-8"))
    assert facts["data"]["unlabelled"] == 120
    card = (tmp_path / "m" / "README.md").read_text("utf-8")
    (line,) = (line for line in card.splitlines() if line.startswith("120 further texts without labels"))
    assert line.startswith("120 further texts without labels from `pool.csv`, none of them among the rows; ")
    learnt = facts["rung"] == "selftrain"
    assert line.endswith("taught the model as well." if learnt else "they did not teach this model.")


def test_a_second_file_of_texts_without_labels_is_not_taken_for_the_only_one(tickets: Path, quick: list[str]) -> None:
    """How to name several is said."""
    ended = run("train", tickets, *quick, "--unlabelled", "a.csv", "--unlabelled", "b.csv")
    assert_error(ended, "several-values", "a.csv, b.csv", "'pool-*.csv'")


def test_what_learns_without_labels_asks_for_its_texts(tickets: Path, quick: list[str], tmp_path: Path) -> None:
    """Before any file is read."""
    ended = run("train", tickets, *quick, "--rungs", "selftrain", "--out", tmp_path / "m")
    assert_error(ended, "bad-setting", "selftrain learns from texts without labels", "--unlabelled")
