"""A long text whose only telling word is its last is read to its end: in the probe, in training and in prediction."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.running import run
from tests.ladder.tiny_base import _WORDS
from tests.ladder.tiny_climb import SETTINGS, Home

from tunesmith.api.model import Model, load
from tunesmith.api.training import Lives, train_recipe
from tunesmith.config.recipe import load_recipe
from tunesmith.ladder.narrate import Silent

TELLING, OTHERS = _WORDS[:3], _WORDS[3:]
WINDOW = 64
"""Tokens that the tiny base takes at once; each of its words is one or two."""


def long_text(random: np.random.Generator, n_words: int, last: str) -> str:
    """Words that say nothing, and one that tells."""
    return " ".join([*random.choice(OTHERS, size=n_words), last])


def write(path: Path, *, n_rows: int = 300, n_words: int = 100) -> Path:
    """Texts of several windows, told by their last word."""
    random = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for row in range(n_rows):
            rows.writerow([long_text(random, n_words, TELLING[row % 3]), f"label {row % 3}"])
    return path


def trained(home: Home, rungs: tuple[str, ...]) -> Model:
    """A model of these rungs."""
    settings = {
        **SETTINGS,
        "base.name": str(home.folder / "base"),
        "ladder.rungs": rungs,
        "run.out": str(home.folder / "model"),
        "rung.finetune.learning_rate": 3e-3,
        "rung.finetune.epochs": 6.0,
        "rung.probe.poolings": ["max"],
    }
    data = write(home.folder / "long.csv")
    return load(train_recipe(str(data), load_recipe(None, [], settings), Lives(), narrator=Silent()).out)


@pytest.mark.parametrize("rungs", [("linear",), ("probe", "finetune")])
def test_the_last_word_decides(home: Home, rungs: tuple[str, ...]) -> None:
    """Learnt from texts of two windows and more, and found in texts that were never seen."""
    model = trained(home, rungs)
    random = np.random.default_rng(1)
    asked = [long_text(random, 100, TELLING[row % 3]) for row in range(60)]
    answers = model.predict(asked)
    assert np.mean([answer.label == f"label {row % 3}" for row, answer in enumerate(answers)]) > 0.9
    if rungs != ("linear",):
        assert all((answer.n_tokens or 0) > WINDOW for answer in answers)


@pytest.mark.parametrize("rungs", [("linear",), ("probe",), ("probe", "finetune")])
def test_nothing_of_five_thousand_words_is_cut(home: Home, rungs: tuple[str, ...]) -> None:
    """The last of them moves the answer, every token is counted, and nothing says that some were left out."""
    model = trained(home, rungs)
    start = long_text(np.random.default_rng(2), 5000, "")
    shares = model.predict_proba([start + word for word in TELLING])
    assert np.abs(shares[0] - shares[1]).max() > 1e-6
    (answer,) = model.predict([start + TELLING[0]])
    assert not answer.truncated
    if rungs != ("linear",):
        assert (answer.n_tokens or 0) >= 5001


def test_a_dry_run_tells_what_of_long_texts_is_read(home: Home) -> None:
    """All tokens by probe, scores and prediction; training may read some windows of the very long ones."""
    write(home.folder / "long.csv", n_words=3000, n_rows=30)
    flags = ["--base", str(home.folder / "base"), "--dry-run", "--offline", "--json"]
    found = run("train", str(home.folder / "long.csv"), *flags).json()
    assert found["windowed"] == 30
    assert found["tokens_read"] == 1.0
    assert 0.0 < found["tokens_trained_on"] < 1.0
    short = run("train", str(home.folder / "rows.csv"), *flags).json()
    assert (short["tokens_read"], short["tokens_trained_on"]) == (1.0, 1.0)


def test_the_report_tells_it_too(home: Home) -> None:
    """In the section on the data, beside the longest text."""
    model = trained(home, ("probe",))
    facts = json.loads((model.bundle.folder / "tunesmith.json").read_text("utf-8"))
    counts = facts["data"]["tokens"]
    assert counts["windowed"] == 300
    assert counts["longest"] > WINDOW
    page = (model.bundle.folder / "report.html").read_text("utf-8")
    assert "300 texts are read in windows" in page
    assert "none is cut" in page
