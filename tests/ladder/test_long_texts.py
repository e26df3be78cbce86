"""A text of thousands of words: training reads some windows of it, scores read all."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from tests.ladder.tiny_climb import BATCH_TOKENS, Home

from tunesmith.data.batch import Batch
from tunesmith.data.tokenize import TokenSet
from tunesmith.ladder import coverage, fitting
from tunesmith.ladder import fit as subject
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.train.objectives.supervised import Supervised

WINDOWS = coverage._MOST_TOKENS_OF_A_TEXT // 64
"""Most windows of a text that training reads, at the 64 tokens that the tiny base takes."""


def with_long_texts(path: Path, n_words: int) -> None:
    """Say in a column which rows choose, and make one row of those that train and one of those that choose long."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    random = np.random.default_rng(7)
    words = sorted({word for text, _ in rows for word in text.split()})
    for row in (3, 250):
        rows[row][0] = " ".join(random.choice(words, size=n_words))
    with path.open("w", encoding="utf-8", newline="") as file:
        parts = ["train"] * 240 + ["validation"] * (len(rows) - 240)
        csv.writer(file).writerows([[*header, "split"], *([*row, part] for row, part in zip(rows, parts, strict=True))])


def test_of_a_very_long_text_a_step_reads_some_windows_and_a_score_all(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory of a step must not grow with the longest text of the file; what is left out is told."""

    def loss_sum(objective: Supervised, batch: Batch) -> object:
        most_windows.append(int(np.bincount(batch.sequence_text).max()))
        return sound_loss(objective, batch)

    def logits_of(classifier: EncoderClassifier, rows: TokenSet, **how: int) -> np.ndarray:
        scored.append(rows)
        return sound_logits(classifier, rows, **how)

    sound_loss, sound_logits = Supervised.loss_sum, subject.logits_of
    most_windows: list[int] = []
    scored: list[TokenSet] = []
    steps: list[int] = []
    with_long_texts(home.folder / "rows.csv", 4000)
    monkeypatch.setattr(Supervised, "loss_sum", loss_sum)
    monkeypatch.setattr(subject, "logits_of", logits_of)
    home.before_after(lambda fit, step: steps.append(step.n_tokens))
    site, _ = home.climbed(rung__finetune__epochs=2.0)
    tokens = site.encoded.tokens
    assert tokens.n_windows()[site.data.split.train].max() > 2 * WINDOWS, "this text is not too long"
    assert max(most_windows) == WINDOWS
    assert coverage._MOST_TOKENS_OF_A_TEXT // 2 < max(steps) < coverage._MOST_TOKENS_OF_A_TEXT + BATCH_TOKENS
    whole = tokens.select(site.data.split.validation)
    assert whole.n_windows().max() > 2 * WINDOWS
    assert len(scored) == len(site.landings["finetune"].facts["curve"])
    for rows in scored:
        np.testing.assert_array_equal(rows.input_ids, whole.input_ids)
    told = f"finetune: of 1 long text training reads {WINDOWS} windows, spread evenly; scores read all"
    assert [line for line in home.told if "long text" in line] == [told]


def test_texts_that_fit_are_trained_on_whole_and_nothing_is_said(home: Home) -> None:
    """A text of several windows is nothing out of the way."""
    with_long_texts(home.folder / "rows.csv", 300)
    with home.site() as (site, _):
        rows = fitting.trained_on(site, site.data.split.train, "finetune")
        whole = site.encoded.tokens.select(site.data.split.train)
    assert 1 < whole.n_windows().max() <= WINDOWS
    np.testing.assert_array_equal(rows.input_ids, whole.input_ids)
    assert not any("long texts" in line for line in home.told)
