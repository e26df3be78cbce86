"""Networks trained from scratch, as a user meets them: trained on the embedded sample, asked, measured, told about."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.cli.running import assert_error, run
from tests.cli.schemas import problems
from tests.cli.test_cold_paths import loaded

import tunesmith
from tunesmith.sample import sample_file

SMALL = [
    "--set=rung.lstm.hidden_size=64",
    "--set=rung.lstm.embedding_size=64",
    "--set=rung.lstm.learning_rate=1e-2",
    "--set=rung.lstm.batch_tokens=256",
    "--set=rung.lstm.epochs=6",
]


@pytest.fixture(scope="module")
def lstm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small LSTM of the sample's intents."""
    out = tmp_path_factory.mktemp("networks") / "lstm.model"
    plain = ["--budget", "none", "--threads", "1", "--offline", "--quiet", "--json"]
    ended = run("train", sample_file(), "--rungs", "lstm", "--out", out, *plain, *SMALL)
    found = ended.json()
    assert problems("train.json", found) == []
    assert found["kept"] == "lstm"
    (rung,) = found["rungs"]
    assert rung["validation"]["accuracy"]["value"] > 0.5, "24 labels: guessing gives 0.04"
    return out


def test_it_answers_and_is_measured(lstm: Path, tmp_path: Path) -> None:
    """By the commands that every model answers by, with its tokens counted."""
    with Path(sample_file()).open(encoding="utf-8", newline="") as file:
        text = next(csv.DictReader(file))["text"]
    (answer,) = run("predict", lstm, "--text", text, "--json").lines()
    assert problems("predict.json", answer) == []
    assert answer["n_tokens"] > 2
    measured = run("evaluate", lstm, sample_file(), "--json").json()
    assert measured["metrics"]["accuracy"]["value"] > 0.6
    words = tmp_path / "words.model"
    trained = run("train", sample_file(), "--rungs", "linear", "--out", words, "--budget", "none", "--quiet")
    assert trained.code == 0, trained.err
    told = run("compare", lstm, words, sample_file(), "--json")
    assert told.code == 0, told.err


def test_it_says_what_it_is(lstm: Path) -> None:
    """In info, by the schemas, in the card and in the report."""
    info = run("info", lstm, "--json").json()
    assert problems("info.json", info) == []
    described = {key: value for key, value in info.items() if key != "size_mib"}
    assert problems("bundle-network.json", described) == []
    assert (info["kind"], info["base"]) == ("network", None)
    assert "recurrent cells with a memory behind gates, trained from scratch" in (lstm / "README.md").read_text("utf-8")
    assert "gated recurrent cells (LSTM), from scratch" in (lstm / "report.html").read_text("utf-8")


def test_python_loads_it(lstm: Path) -> None:
    """As any other model."""
    prediction = tunesmith.load(lstm).predict(["how do i reset my pin"])[0]
    assert prediction.label


def test_it_cannot_be_exported(lstm: Path, tmp_path: Path) -> None:
    """And the way out is told."""
    ended = run("export", lstm, "--to", "onnx", "--out", tmp_path / "out")
    assert_error(ended, "kind-not-exportable", "network", "--rungs probe,finetune")


def test_it_loads_no_heavy_library(lstm: Path) -> None:
    """Least of all transformers; built on shapes alone, it does not make torch import what takes seconds either."""
    assert loaded(["predict", str(lstm), "--text", "hello"]) == {"predict": []}
