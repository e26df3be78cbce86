"""The benchmark of inference: texts, batches and figures are what they say, and everyone gives the same answers."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.cells import TABLE_BEGINS, TABLE_ENDS
from benchmarks.environment import pinned_versions, pins
from benchmarks.inference import run as subject
from benchmarks.inference.compare import figures, markdown, verdicts
from benchmarks.inference.engines import Batching
from benchmarks.inference.plot import draw
from benchmarks.inference.reading import batches, padded
from benchmarks.inference.runners import ANCHOR, DOCUMENTED, RUNNERS
from benchmarks.inference.texts import joined, some
from benchmarks.inference.worker import quantiles
from benchmarks.rows import ROOT, Rows
from benchmarks.training_choices.measure import packed
from tests.benchmarks.trials import long_trial


def test_batches_are_sorted_and_none_is_left_out() -> None:
    """Each row in one batch, the shortest first; where asked for, only rows of equal length together."""
    lengths = [5, 2, 9, 2, 5, 5, 7]
    for batching in (Batching(2), Batching(3), Batching(2, equal=True)):
        found = list(batches(lengths, batching))
        rows = [row for batch in found for row in batch]
        assert sorted(rows) == list(range(7))
        assert [lengths[row] for row in rows] == sorted(lengths)
        assert max(map(len, found)) <= batching.size
        if batching.equal:
            assert all(len({lengths[row] for row in batch}) == 1 for batch in found)


def test_padding_is_masked() -> None:
    """Ids to the left, nothing behind them, and a mask that says so."""
    ids, mask = padded([[7, 8], [1, 2, 3]])
    assert ids.tolist() == [[7, 8, 0], [1, 2, 3]]
    assert mask.tolist() == [[1, 1, 0], [1, 1, 1]]


def test_long_texts_are_rows_of_one_label() -> None:
    """No row twice, none of two labels, none longer than the encoder reads at once."""
    rows = Rows([f"{number} text number" for number in range(400)], [str(number % 7) for number in range(400)])
    found = joined(rows)
    numbers = [int(word) for text in found.texts for word in text.split() if word.isdigit()]
    assert len(set(numbers)) == len(numbers) > 300
    for text, label in zip(found.texts, found.labels, strict=True):
        assert {int(word) % 7 for word in text.split() if word.isdigit()} == {int(label)}
        assert 3 <= len(text.split()) // 3 <= 14
    assert joined(rows) == found
    assert max(len(text.split()) for text in joined(Rows(["word " * 50] * 40, ["a"] * 40)).texts) <= 130


def test_some_texts_are_spread_over_all() -> None:
    """From end to end; all where there are no more."""
    rows = Rows(list("abcdefghij"), ["x"] * 10)
    assert some(rows, 5) == list("acegi")
    assert some(rows, 99) == rows.texts


def test_quantiles_are_of_single_texts() -> None:
    """In milliseconds, median first."""
    assert quantiles([number / 1000 for number in range(100)]) == [50.0, 95.0]


def cell(right: list[bool], *, seconds: float, one_ms: float) -> dict[str, Any]:
    """What is measured of a runner; the anchor takes 2 s of the processor in each round, the clock runs at half."""
    each = {"many_s": [2 * seconds, seconds], "one_ms": [[2 * one_ms, 3 * one_ms], [one_ms, 1.5 * one_ms]]}
    return {
        "rows": len(right),
        "right": packed(np.array(right)),
        "memory_mib": 100.0,
        "size_mib": 86.0,
        "batching": {"size": 16, "equal": True},
        "n_many": 400,
        "rounds": [{**each, "anchor_s": [4.0, 2.0]}] * 3,
    }


@pytest.fixture
def whole() -> dict[str, Any]:
    """Four runners: the fastest peer loses too much."""
    good, poor = [True] * 190 + [False] * 10, [True] * 150 + [False] * 50
    machine = {"cpu": "Example 1", "cores": 1, "memory_gib": 8.0, "system": "Linux", "python": "3.11"}
    cells = {
        f"short/{ANCHOR}": cell(good, seconds=2.0, one_ms=4.0),
        "short/tunesmith int8": cell(good, seconds=1.0, one_ms=0.8),
        f"short/{DOCUMENTED}": cell(good, seconds=6.0, one_ms=20.0),
        "short/ONNX Runtime": cell(good, seconds=1.5, one_ms=3.0),
        "short/model2vec": cell(poor, seconds=0.1, one_ms=0.1),
    }
    origin = {"date": "2026-01-31", "machine": machine, "threads": 1, "versions": {"torch": "2"}}
    return {"dataset": "tiny", **origin, "cells": cells}


def test_speeds_are_compared_in_the_same_rounds(whole: dict[str, Any]) -> None:
    """By seconds of the processor with one thread, by the clock with more; accuracy is paired by text."""
    found = {each.name: each for each in figures(whole, "short")}
    assert found["ONNX Runtime"].rate == pytest.approx(400 / 1.5)
    assert found["ONNX Runtime"].clock_rate == pytest.approx(400 / 3.0)
    assert found["ONNX Runtime"].times_anchor == pytest.approx(2.0 / 1.5)
    assert found["ONNX Runtime"].one_ms == (3.0, 4.5)
    assert found["model2vec"].gained.value == pytest.approx(-20.0)
    assert not found["model2vec"].keeps
    assert found[ANCHOR].keeps
    two = {each.name: each for each in figures({**whole, "threads": 2}, "short")}
    assert two["ONNX Runtime"].rate == pytest.approx(400 / 3.0)
    assert figures(whole, "long") == []


def test_the_claims_are_held_to_peers_that_lose_as_little(whole: dict[str, Any]) -> None:
    """model2vec is faster and does not count; a ratio that falls short is told as that."""
    told = verdicts(figures(whole, "short"))
    assert told[0].startswith("Many at once, the same checkpoint: `tunesmith int8` answers 1.50 times as many")
    assert "ONNX Runtime; wanted 1.25: met." in told[0]
    assert "answers 6.0 times as many as the pipeline as documented; wanted 8: not met." in told[2]
    assert told[3] == "One text: `tunesmith int8` 0.80 ms, ONNX Runtime 3.00 ms; wanted 0.9 ms: met."
    lines = markdown(figures(whole, "short")).splitlines()
    assert [line.split(" | ")[0].strip("|* ") for line in lines[2:]] == [
        DOCUMENTED,
        ANCHOR,
        "ONNX Runtime",
        "tunesmith int8",
        "model2vec",
    ]
    assert "| 16 of one length | 3.00, 4.50 | 6.00, 9.00 | 100 | 86.0 |" in lines[4]


def test_the_same_checkpoint_is_held_to_the_same_checkpoint(whole: dict[str, Any]) -> None:
    """A smaller model that loses as little counts beside any of ours, and not there."""
    cells = {**whole["cells"], "short/model2vec": cell([True] * 190 + [False] * 10, seconds=0.1, one_ms=0.1)}
    same, any_model, *_ = verdicts(figures({**whole, "cells": cells}, "short"))
    assert "the same checkpoint: `tunesmith int8` answers 1.50 times as many" in same
    assert "ONNX Runtime; wanted 1.25: met." in same
    assert "any model: `tunesmith int8` answers 0.10 times as many" in any_model
    assert "model2vec; wanted 1.25: not met." in any_model


def test_the_plot_names_everyone_and_is_drawn_alike_twice(whole: dict[str, Any], tmp_path: Path) -> None:
    """The same result gives the same bytes."""
    for name in ("one.svg", "two.svg"):
        draw(whole, "short", tmp_path / name)
    text = (tmp_path / "one.svg").read_text("utf-8")
    assert text == (tmp_path / "two.svg").read_text("utf-8")
    assert all(name in text for name in (ANCHOR, DOCUMENTED, "ONNX Runtime", "model2vec", "Example 1"))


def test_every_package_that_a_result_names_is_pinned() -> None:
    """torch the same as everywhere, and nothing by a range."""
    assert pinned_versions(subject.REQUIREMENTS, subject.PEER_PACKAGES).keys() == set(subject.PEER_PACKAGES)
    assert pins(subject.REQUIREMENTS)["torch"] == "2.13.0"
    lines = [line for line in subject.REQUIREMENTS.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert all(line.count("==") == 1 for line in lines)


def test_engines_of_peers_do_not_import_tunesmith() -> None:
    """They are run where it is not installed."""
    for engine in {runner.engine for runner in RUNNERS.values() if runner.engine != "ours"}:
        text = (ROOT / "benchmarks" / "inference" / "engines" / f"{engine}.py").read_text("utf-8")
        assert "tunesmith" not in text.replace("tunesmith needs", ""), engine
    code = "import sys, benchmarks.inference.worker, benchmarks.inference.reading; print('tunesmith' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "False"


@long_trial
def test_it_measures_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file trained, answered by torch and by us alike; what is there is not measured again."""
    folder = tmp_path / "data" / "banking77"
    folder.mkdir(parents=True)
    for part in ("train", "test"):
        with (folder / f"{part}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows(
                (f"my parcel {row} is {word} again", word) for word in ("late", "lost") for row in range(30)
            )
    (tmp_path / "README.md").write_text(f"before\n{TABLE_BEGINS}\n{TABLE_ENDS}\nafter\n", "utf-8")
    monkeypatch.setenv("TUNESMITH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(subject, "README", tmp_path / "README.md")
    asked = ["--only", "torch eager", ANCHOR, "--sets", "short", "--threads", "1", "--limit", "40", "--rounds", "2"]
    subject.main(asked)
    result = json.loads((tmp_path / "scratch" / "banking77.json").read_text("utf-8"))
    cells = result["cells"]
    assert set(cells) == {"short/torch eager", f"short/{ANCHOR}"}
    assert cells["short/torch eager"]["right"] == cells[f"short/{ANCHOR}"]["right"]
    for each in cells.values():
        assert len(each["rounds"]) == 2
        assert each["memory_mib"] > 50.0
        assert each["size_mib"] > 80.0
        assert all(seconds > 0.0 for one in each["rounds"] for seconds in (*one["many_s"], *one["anchor_s"]))
    assert str(tmp_path) not in json.dumps(cells)
    assert (tmp_path / "README.md").read_text("utf-8").startswith(f"before\n{TABLE_BEGINS}\n{TABLE_ENDS}")
    assert "**tunesmith**" in (tmp_path / "scratch" / "README.md").read_text("utf-8")


def test_a_run_adds_the_rounds_that_are_lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds of a run that was cut off stay; the anchor answers beside those that lack some, and is not written."""
    told = {"answers": [0], "load_before": 0.0, "load_s": 0.1, "libraries_mib": 1.0, "memory_mib": 2.0}
    turn = {"many_s": [1.0, 1.0], "one_ms": [[1.0, 1.0], [1.0, 1.0]]}
    asked: list[tuple[set[str], int]] = []

    def contest(hall: object, runners: list[Any], name: str, *, n_rounds: int, tunings: object) -> Any:
        names = {runner.name for runner in runners}
        asked.append((names, n_rounds))
        return iter([dict.fromkeys(names, told), *[dict.fromkeys(names, turn)] * n_rounds])

    hall = subject.Hall(tmp_path, None, 1, Path(), {"short": 4}, 1)  # type: ignore[arg-type]
    hall.checkpoint.mkdir()
    (hall.checkpoint / "labels.json").write_text('["a"]', "utf-8")
    monkeypatch.setattr(subject, "prepare", lambda _: {"short": Rows(["text"], ["a"])})
    monkeypatch.setattr(subject, "make", lambda *_: 1.0)
    monkeypatch.setattr(subject, "tuned", lambda *_: {"size": 8, "equal": False})
    monkeypatch.setattr(subject, "contest", contest)
    results = subject.Results(tmp_path / "r.json", {"threads": 1}, must_agree=["threads"])
    runners = [RUNNERS["torch eager"], RUNNERS["OpenVINO"]]
    subject.measure(hall, results, runners[:1], sets=["short"], n_rounds=2)
    subject.measure(hall, results, runners, sets=["short"], n_rounds=3)
    subject.measure(hall, results, runners, sets=["short"], n_rounds=3)
    assert asked == [({"torch eager", ANCHOR}, 2), ({"torch eager", "OpenVINO", ANCHOR}, 3)]
    assert {key: len(each["rounds"]) for key, each in results.whole["cells"].items()} == {
        "short/torch eager": 3,
        "short/OpenVINO": 3,
    }
