"""The training-time benchmark runs, counts right, and draws the same picture twice."""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from benchmarks.environment import pins
from benchmarks.fresh import module_command, run_fresh
from benchmarks.rows import ROOT, Dataset, Rows, read_rows, write_part
from benchmarks.train_time import peer, peers, run
from benchmarks.train_time.ours import climbs, told
from benchmarks.train_time.peers import base_model_folder, peer_runs
from benchmarks.train_time.plot import apart, draw, duration
from benchmarks.train_time.scores import scores
from benchmarks.train_time.setting import Setting, add_flags, setting_of
from benchmarks.train_time.table import best_points, counted_points, headline, middle_runs, table, training_seconds
from sklearn.metrics import accuracy_score, f1_score
from tests.benchmarks.trials import long_trial

TEXTS = {"refund": "please give my money back, order {}", "delivery": "where is my parcel number {} now"}


@pytest.fixture
def files(tmp_path: Path) -> Dataset:
    """Two labels in a train file of 24 rows and a test file of 8."""
    for name, n_rows in (("train", 24), ("test", 8)):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows((text.format(row), label) for row in range(n_rows // 2) for label, text in TEXTS.items())
    return Dataset("tiny", tmp_path / "train.csv", tmp_path / "test.csv")


def setting(folder: Path) -> Setting:
    """One thread, one epoch, one learning rate."""
    return Setting(threads=1, seed=0, scratch=folder, rates=(2e-4,), epochs=1, limit=None)


def point(name: str, seconds: float, accuracy: float, **other: Any) -> dict[str, Any]:
    """One record of a result."""
    peer = "tunesmith" if name.startswith("tunesmith") else "trainer" if name.startswith("Trainer") else "scikit-learn"
    memory = {"peak_mib": 700.0, "loaded_mib": 400.0}
    scored = {"accuracy": accuracy, "macro_f1": accuracy, "settings": {"classifier": "linear_svc"}}
    return {"peer": peer, "name": name, "seconds": seconds, "evaluation_seconds": 0.0, **memory, **scored, **other}


@pytest.fixture
def result() -> dict[str, Any]:
    """What ``run.py`` writes, with two curves and two single points."""
    return {
        "dataset": "tiny",
        "date": "2026-01-31",
        "machine": {"cpu": "Example 1", "cores": 2, "memory_gib": 8.0, "system": "Linux", "python": "3.11"},
        "threads": 2,
        "versions": {"tunesmith": "0.1.0", "torch": "2.13.0"},
        "points": [
            point("tunesmith --rungs probe", 25.0, 0.93),
            point("tunesmith --budget 5m", 250.0, 0.94),
            point("linear_svc C=1", 4.0, 0.87, epoch=None),
            point("Trainer 2e-4", 220.0, 0.82, epoch=1, evaluation_seconds=10.0),
            point("Trainer 2e-4", 640.0, 0.928, epoch=3, evaluation_seconds=30.0),
            point("Trainer 2e-4", 850.0, 0.926, epoch=4, evaluation_seconds=40.0),
        ],
    }


def test_scores_equal_scikit_learn() -> None:
    """Accuracy and macro-F1 must equal scikit-learn's, with a label that is only predicted and one only expected."""
    predicted, expected = list("aabbccad"), list("abbbcaea")
    found = scores(predicted, expected)
    assert found["accuracy"] == pytest.approx(accuracy_score(expected, predicted), abs=1e-6)
    assert found["macro_f1"] == pytest.approx(f1_score(expected, predicted, average="macro"), abs=1e-6)


def test_a_part_is_spread_over_the_file(files: Dataset, tmp_path: Path) -> None:
    """A cut-down file must take rows from end to end, and a file that is small enough stays whole."""
    part = read_rows(write_part(files.train, tmp_path / "part.csv", n_rows=4))
    assert [text.split()[-1] for text in part.texts] == ["0", "3", "6", "9"]
    assert read_rows(write_part(files.train, tmp_path / "all.csv", n_rows=99)) == read_rows(files.train)


def test_a_process_is_timed_from_its_start(tmp_path: Path) -> None:
    """The child's own clock must run from its start, below the parent's, and its memory must be seen from outside."""
    code = (
        "from benchmarks.fresh import seconds_since_start, peak_mib; x = b'x' * 2**26;"
        "import time; time.sleep(0.2); print(seconds_since_start(), peak_mib())"
    )
    caller = (
        "import pathlib, sys; from benchmarks.fresh import run_fresh;"
        "done = run_fresh([sys.executable, '-c', sys.argv[1]], threads=1, log=pathlib.Path(sys.argv[2]));"
        "print(done.output, done.seconds, done.peak_mib)"
    )
    # A small caller: Linux counts the peak of whoever started a process in that process's own.
    command = [sys.executable, "-c", caller, code, str(tmp_path / "log")]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    seconds, peak, whole_seconds, whole_peak = map(float, told.split())
    assert 0.2 < seconds < whole_seconds
    assert 64 < peak <= whole_peak < 512


def test_a_failed_process_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """A contender that fails must stop the benchmark with its own words."""
    with pytest.raises(SystemExit, match=r"exit 1:.*\n.*no such contender"):
        run_fresh([sys.executable, "-c", "raise SystemExit('no such contender')"], threads=1, log=tmp_path / "log")


@pytest.mark.parametrize("classifier", ["logistic_regression", "linear_svc"])
def test_the_scikit_learn_peer_learns(files: Dataset, tmp_path: Path, classifier: str) -> None:
    """The peer must print one line with its scores and leave its model on disk."""
    command = module_command(
        "train_time.sklearn_peer",
        train=files.train,
        test=files.test,
        classifier=classifier,
        strength=10,
        out=tmp_path / "out",
    )
    told_once = json.loads(run_fresh(command, threads=1, log=tmp_path / "log").output)
    assert told_once["accuracy"] == 1.0
    assert told_once["peak_mib"] >= told_once["loaded_mib"] > 0
    assert list((tmp_path / "out").iterdir())


@long_trial
def test_the_trainer_peer_tells_each_epoch(files: Dataset, tmp_path: Path) -> None:
    """The peer must print a line for each epoch, with growing times, tokens and the time of evaluation apart."""
    command = module_command(
        "train_time.trainer_peer",
        **{"train": files.train, "test": files.test, "model": base_model_folder(), "out": tmp_path / "out"},
        **{"learning_rate": 5e-4, "epochs": 2, "evaluate": "epoch", "threads": 1},
    )
    first, last = map(json.loads, run_fresh(command, threads=1, log=tmp_path / "log").output.splitlines())
    assert (first["epoch"], last["epoch"]) == (1, 2)
    assert 0 < first["evaluation_seconds"] < last["evaluation_seconds"] < last["seconds"]
    assert first["seconds"] < last["seconds"]
    assert last["tokens"] == 2 * first["tokens"] > 24 * 10
    assert last["peak_mib"] > last["loaded_mib"] + 100
    assert list((tmp_path / "out").glob("*/model.safetensors"))


def test_every_peer_is_listed(files: Dataset, tmp_path: Path) -> None:
    """Both classifiers, the usual Trainer and each learning rate must be run, all on the same files."""
    runs = peer_runs(files, setting(tmp_path))
    assert [name for _, name, _ in runs] == [
        "logistic_regression C=1",
        "logistic_regression C=10",
        "linear_svc C=0.1",
        "linear_svc C=1",
        "Trainer usual settings",
        "Trainer 2e-4",
    ]
    assert all(str(files.train) in command and str(files.test) in command for _, _, command in runs)
    assert [name for name, _ in climbs(files)][-1] == "tunesmith --budget 5m"


def test_what_a_peers_library_tells_is_no_point_of_its_curve(
    files: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some print their steps where the result is printed too."""

    def learn(rows: Rows, flags: argparse.Namespace) -> peer.Predict:
        del rows, flags
        sys.stdout.write("{'loss': 0.5}\n")
        return lambda texts: ["refund"] * len(texts)

    monkeypatch.setenv("TRAIN_TIME_STARTED", repr(time.monotonic()))
    places = ["--train", str(files.train), "--test", str(files.test), "--model", "m", "--out", str(tmp_path / "out")]
    peer.run(learn, peer.parser_of("").parse_args([*places, "--threads", "1"]), {})
    assert json.loads(capsys.readouterr().out)["accuracy"] == 0.5


@long_trial
def test_the_peer_of_sentence_vectors_learns(files: Dataset, tmp_path: Path) -> None:
    """One line with its scores, seconds of the clock and of the processor; encoder and head on the disk."""
    command = module_command(
        "train_time.sentence_peer",
        **{"train": files.train, "test": files.test, "model": base_model_folder(), "out": tmp_path / "out"},
        **{"threads": 1, "strength": 10},
    )
    told_once = json.loads(run_fresh(command, threads=1, log=tmp_path / "log").output.splitlines()[-1])
    assert told_once["accuracy"] == 1.0
    assert 0.0 < told_once["cpu_seconds"] < 4 * told_once["seconds"]
    assert (tmp_path / "out" / "head.joblib").is_file()
    assert list((tmp_path / "out" / "encoder").rglob("*.safetensors"))


def test_peers_with_other_needs_run_in_their_own_environments(
    files: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each from a list that pins what it needs; environments of those that are not wanted are not made."""
    made = []

    def make(folder: Path, requirements: Path) -> Path:
        made.append(folder.name)
        assert pins(requirements)["torch"] == "2.13.0"
        return folder / "python"

    monkeypatch.setattr(peers, "make_environment", make)
    runs = peers.other_runs(files, setting(tmp_path), peers.OTHERS)
    assert {peer for peer, _, _ in runs} == set(peers.OTHERS)
    pythons = {peer: Path(command[0]).parent.name for peer, _, command in runs}
    assert pythons == {
        "sentence-transformers": Path(sys.executable).parent.name,
        "fastText": "inference",
        "model2vec": "inference",
        "SetFit": "setfit",
    }
    assert all(str(files.train) in command and str(files.test) in command for _, _, command in runs)
    (setfit,) = [command for peer, _, command in runs if peer == "SetFit"]
    assert setfit[setfit.index("--limit-s") + 1] == "1800"
    made.clear()
    assert len(peers.other_runs(files, setting(tmp_path), ["sentence-transformers"])) == 2
    assert made == []


def names_that_ran(
    files: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch, *wanted: str, done: Collection[str] = ()
) -> list[str]:
    """Go through a contest without running its processes."""
    monkeypatch.setattr(run, "run_ours", lambda _, __, runs: ({"name": name} for name, _ in runs))
    monkeypatch.setattr(run, "run_peer", lambda _, __, one: iter([{"name": one[1]}]))
    return [record["name"] for record in run.contest(files, setting(folder), wanted, done=done)]


def test_only_the_wanted_contenders_run(files: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving one out must leave the others in, and without the Trainer nothing is repeated."""
    ours = ["tunesmith --rungs linear", "tunesmith --rungs probe", "tunesmith --budget 2m", "tunesmith --budget 5m"]
    bags = ["logistic_regression C=1", "logistic_regression C=10", "linear_svc C=0.1", "linear_svc C=1"]
    assert names_that_ran(files, tmp_path, monkeypatch, "tunesmith", "scikit-learn") == ours + bags
    assert names_that_ran(files, tmp_path, monkeypatch, "trainer") == ["Trainer usual settings", "Trainer 2e-4"]


def test_our_runs_are_repeated_between_the_trainers(
    files: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that wavers over an hour must meet both contenders."""
    names = names_that_ran(files, tmp_path, monkeypatch, "tunesmith", "trainer")
    quick, climb = (
        ["tunesmith --rungs linear", "tunesmith --rungs probe"],
        ["tunesmith --budget 2m", "tunesmith --budget 5m"],
    )
    between = ["Trainer usual settings", *quick, "Trainer 2e-4", *quick]
    assert names == [*quick, *climb, *between, *climb]


def test_a_comparison_that_was_cut_off_goes_on(files: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that stand in the results are not made again; our repeats are, around the peers' that are."""
    done = ["tunesmith --rungs linear", "tunesmith --rungs probe", "tunesmith --budget 2m", "Trainer usual settings"]
    names = names_that_ran(files, tmp_path, monkeypatch, "tunesmith", "trainer", done=done)
    assert names == ["tunesmith --budget 5m", "Trainer 2e-4", *done[:2], done[2], "tunesmith --budget 5m"]


def test_results_of_another_machine_are_not_added_to(result: dict[str, Any], tmp_path: Path) -> None:
    """Seconds of two machines, thread counts or versions do not compare."""
    (tmp_path / "tiny.json").write_text(json.dumps(result), encoding="utf-8")
    assert run.cut_off(tmp_path / "tiny.json", {**result, "points": []}) == result
    with pytest.raises(SystemExit, match="other threads, versions; start anew"):
        run.cut_off(tmp_path / "tiny.json", {**result, "threads": 4, "versions": {}})


def test_of_repeated_runs_the_middle_one_counts(result: dict[str, Any]) -> None:
    """Of three times the median must stay, of two the slower one; epochs of one curve are no repeats."""
    probe, climb = result["points"][0], result["points"][1]
    repeats = [{**probe, "seconds": 90.0}, {**probe, "seconds": 26.0}, {**climb, "seconds": 240.0}]
    middle = middle_runs([*result["points"], *repeats])
    assert [point["seconds"] for point in middle] == [26.0, 250.0, 4.0, 220.0, 640.0, 850.0]


def test_the_headline_holds_the_first_as_good_against_the_trainers_best(result: dict[str, Any]) -> None:
    """Our first point that is as good must be held against the Trainer's best; without one, nothing is said."""
    points = result["points"]
    assert headline(points) == (
        "tunesmith --rungs probe reaches 93.0% after 25 s; "
        "the Trainer's best, 92.8% (Trainer 2e-4, epoch 3), takes 24.4 times as long."
    )
    assert headline(points[1:]).startswith("tunesmith --budget 5m reaches 94.0%")
    assert headline(points[2:]) == headline(points[:3]) == ""


def test_budgets_can_be_chosen(files: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags of the command line reach the climbs."""
    monkeypatch.setenv("TUNESMITH_DATA", str(files.train.parents[1]))
    parser = argparse.ArgumentParser()
    add_flags(parser)
    dataset, chosen = setting_of(parser.parse_args([files.train.parent.name, "--budgets", "1m", "none"]))
    chosen.scratch.rmdir()
    assert [name for name, _ in climbs(dataset)] == ["tunesmith --budget 1m", "tunesmith --budget none"]
    dataset, chosen = setting_of(parser.parse_args([files.train.parent.name, "--budgets"]))
    chosen.scratch.rmdir()
    assert climbs(dataset) == []


def test_our_reports_are_taken_over() -> None:
    """What tunesmith prints must be kept with its interval and the cost of each rung."""
    interval = {"value": 0.93, "low": 0.92, "high": 0.94}
    rung = {"name": "probe", "seconds": 20.0, "peak_mib": 600.0, "tflop": 3.5, "validation": {}, "kept": True}
    report = {"kept": "probe", "stopped_because": "top", "seconds": 25.0, "rungs": [rung]}
    kept = told(report, {"accuracy": interval, "macro_f1": interval})
    assert kept["accuracy_interval"] == [0.92, 0.94]
    assert kept["rungs"] == [{"name": "probe", "seconds": 20.0, "peak_mib": 600.0, "tflop": 3.5}]


def test_the_table_shows_each_curve_at_its_best(result: dict[str, Any]) -> None:
    """A curve must be shown at its best epoch, in the order of seconds, evaluation left out and told in words."""
    assert [training_seconds(best) for best in best_points(result["points"])] == [25.0, 250.0, 4.0, 610.0]
    lines = table(result).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:6]] == [
        "| linear_svc C=1",
        "| tunesmith --rungs probe",
        "| tunesmith --budget 5m",
        "| Trainer 2e-4, epoch 3",
    ]
    assert "| 92.8% | 0.928 | 610 | 300 MiB |" in lines[5]
    assert lines[-1].startswith("tiny, 2026-01-31: Example 1, 2 cores, 8 GiB, 2 threads, Python 3.11; tunesmith 0.1.0")


def test_of_one_thread_seconds_of_the_processor_count(result: dict[str, Any], tmp_path: Path) -> None:
    """A busy neighbour makes nobody slower; of more threads, or where they were not counted, the clock counts."""
    points = [{**point, "cpu_seconds": point["seconds"] / 2} for point in result["points"]]
    one = {**result, "threads": 1, "points": points}
    assert "| 92.8% | 0.928 | 305 | 300 MiB | 640 |" in table(one)
    counted = counted_points(one)[4]
    assert (counted["seconds"], counted["evaluation_seconds"], counted["clock_seconds"]) == (320.0, 15.0, 640.0)
    for same in ({**one, "threads": 2}, {**one, "points": [*points[:-1], result["points"][-1]]}):
        assert counted_points(same) == same["points"]
    draw(one, tmp_path / "one.svg")
    draw(result, tmp_path / "more.svg")
    told = [(tmp_path / name).read_text("utf-8").count("of the processor") for name in ("one.svg", "more.svg")]
    assert told == [1, 0]


def test_the_plot_names_everyone_and_is_drawn_alike_twice(result: dict[str, Any], tmp_path: Path) -> None:
    """Every contender must be named with its best figure, and the same result must give the same bytes."""
    draw(result, tmp_path / "one.svg")
    draw(result, tmp_path / "two.svg")
    text = (tmp_path / "one.svg").read_text("utf-8")
    assert text == (tmp_path / "two.svg").read_text("utf-8")
    for words in ("--rungs probe", "93.0%", "linear SVC", "87.0%", "2e-4  92.8%, epoch 3", "Example 1"):
        assert words in text


def test_labels_of_a_column_move_apart() -> None:
    """Labels that would overlap must move up, the others stay."""
    assert apart([0.0, 5.0, 6.0, 50.0]) == [0.0, 12.5, 25.0, 50.0]


@pytest.mark.parametrize(("seconds", "words"), [(30, "30 s"), (60, "1 min"), (300, "5 min"), (7200, "2 h")])
def test_ticks_read_as_a_person_would_say_them(seconds: float, words: str) -> None:
    """A tick must be told in the unit that a person would choose."""
    assert duration(seconds) == words
