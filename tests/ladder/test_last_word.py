"""A long text whose only telling word is its last is read to its end: in the probe, in training and in every answer.

In words with spaces between them, and in Chinese, which has none.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.cli.running import run
from tests.ladder.tiny_base import _WORDS, tiny_base
from tests.ladder.tiny_climb import SETTINGS, Home

from tunesmith.api.model import Model, load
from tunesmith.api.training import Lives, train_recipe
from tunesmith.config.recipe import load_recipe
from tunesmith.ladder.narrate import Silent

WINDOW = 64
"""Tokens that the tiny base takes at once; each of its words is one or two, each of its characters one."""


@dataclass(frozen=True)
class Writing:
    """Words of which the telling ones are told from all others, and what stands between them."""

    telling: Sequence[str]
    others: Sequence[str]
    between: str

    def long_text(self, random: np.random.Generator, n_words: int, last: str) -> str:
        """Words that say nothing, and one that tells."""
        return self.between.join([*random.choice(self.others, size=n_words), last])


SPACED = Writing(_WORDS[:3], _WORDS[3:], " ")
CHINESE = Writing(
    "好差中", tuple("房间很小但是干净服务态度早餐一般下次还会来酒店位置方便价格合理键盘屏幕电池书内容"), ""
)


def write(path: Path, writing: Writing, *, n_rows: int = 300, n_words: int = 100, seed: int = 0) -> Path:
    """Texts of several windows, told by their last word."""
    random = np.random.default_rng(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for row in range(n_rows):
            rows.writerow([writing.long_text(random, n_words, writing.telling[row % 3]), f"label {row % 3}"])
    return path


def base_of(home: Home, writing: Writing) -> Path:
    """The tiny base with a tokenizer that knows the words."""
    if writing is SPACED:
        return home.folder / "base"
    return tiny_base(home.folder / "chinese", words=[*writing.telling, *writing.others])


def trained(home: Home, rungs: tuple[str, ...], writing: Writing) -> Model:
    """A model of these rungs."""
    settings = {
        **SETTINGS,
        "base.name": str(base_of(home, writing)),
        "ladder.rungs": rungs,
        "run.out": str(home.folder / "model"),
        "rung.finetune.learning_rate": 3e-3,
        "rung.finetune.epochs": 6.0,
        "rung.probe.poolings": ["max"],
    }
    data = write(home.folder / "long.csv", writing)
    return load(train_recipe(str(data), load_recipe(None, [], settings), Lives(), narrator=Silent()).out)


@pytest.mark.parametrize(
    ("rungs", "writing"),
    [(("linear",), SPACED), (("probe", "finetune"), SPACED), (("probe", "finetune"), CHINESE)],
    ids=["linear", "finetune", "chinese"],
)
def test_the_last_word_decides(home: Home, rungs: tuple[str, ...], writing: Writing) -> None:
    """Learnt from texts of two windows and more, and found in a file of texts that were never seen."""
    model = trained(home, rungs, writing)
    asked = write(home.folder / "asked.csv", writing, n_rows=60, seed=1)
    answers = run("predict", model.bundle.folder, asked, "--json").lines()
    assert np.mean([answer["label"] == f"label {row % 3}" for row, answer in enumerate(answers)]) > 0.9
    assert not any(answer["truncated"] for answer in answers)
    measured = run("evaluate", model.bundle.folder, asked, "--json").json()["metrics"]
    assert measured["accuracy"]["value"] > 0.9
    if rungs != ("linear",):
        assert all(answer["n_tokens"] > WINDOW and answer["n_windows"] > 1 for answer in answers)


@pytest.mark.parametrize(
    ("rungs", "writing"),
    [
        (("linear",), SPACED),
        (("probe",), SPACED),
        (("probe", "finetune"), SPACED),
        (("probe",), CHINESE),
        (("linear",), CHINESE),
    ],
    ids=["linear", "probe", "finetune", "chinese-probe", "chinese-linear"],
)
def test_nothing_of_five_thousand_words_is_cut(home: Home, rungs: tuple[str, ...], writing: Writing) -> None:
    """The last of them moves the answer, every token is counted, and nothing says that some were left out."""
    model = trained(home, rungs, writing)
    start = writing.long_text(np.random.default_rng(2), 5000, "")
    texts = [start + word for word in writing.telling]
    shares = model.predict_proba(texts)
    assert np.abs(shares[0] - shares[1]).max() > 1e-6
    (answer,) = model.predict(texts[:1])
    assert not answer.truncated
    if rungs != ("linear",):
        assert (answer.n_tokens or 0) >= 5001
    measured = model.evaluate(texts, model.labels)
    expected = -np.mean([np.log(share[label]) for label, share in enumerate(shares)])
    assert measured["metrics"]["log_loss"]["value"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("writing", [SPACED, CHINESE], ids=["spaced", "chinese"])
def test_a_dry_run_tells_what_of_long_texts_is_read(home: Home, writing: Writing) -> None:
    """All tokens by probe, scores and prediction; training may read some windows of the very long ones."""
    flags = ["--base", str(base_of(home, writing)), "--dry-run", "--offline", "--json"]
    found = run("train", write(home.folder / "long.csv", writing, n_words=3000, n_rows=30), *flags).json()
    assert found["windowed"] == 30
    assert found["tokens_read"] == 1.0
    assert found["tokens"] > 30 * 3000
    assert 0.0 < found["tokens_trained_on"] < 1.0
    short = run("train", write(home.folder / "short.csv", writing, n_words=20, n_rows=60), *flags).json()
    assert (short["windowed"], short["tokens_read"], short["tokens_trained_on"]) == (0, 1.0, 1.0)


def test_the_report_tells_it_too(home: Home) -> None:
    """In the section on the data, beside the longest text."""
    model = trained(home, ("probe",), SPACED)
    facts = json.loads((model.bundle.folder / "tunesmith.json").read_text("utf-8"))
    counts = facts["data"]["tokens"]
    assert counts["windowed"] == 300
    assert counts["longest"] > WINDOW
    page = (model.bundle.folder / "report.html").read_text("utf-8")
    assert "300 texts are read in windows" in page
    assert "none is cut" in page
