"""Whole numbers as a technique: which linear maps stay as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.ladder.tiny_climb import Told
from tests.models.tiny_encoders import tiny_config
from tests.models.word_pieces import word_pieces

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.compress.source import Parent, Rows, Work
from tunesmith.compress.techniques import int8
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.quantized import QuantizedLinear
from tunesmith.tasks import Coding, load_task

WORDS = "apple pear plum fig grape melon peach cherry quince lemon lime berry".split()


@pytest.fixture
def parent() -> Parent:
    """A tiny random BERT under a random head of four labels."""
    torch.manual_seed(0)
    encoder = FlatEncoder(tiny_config("bert")).eval()
    with torch.no_grad():
        for part in encoder.parameters():
            part.mul_(3.0) if part.ndim > 1 else part.add_(0.1 * torch.randn_like(part))
    head = LinearHead(32, 4)
    torch.nn.init.normal_(head.weight)
    classifier = EncoderClassifier(encoder, "mean", head, unit_length=True).eval()
    model = EncoderModel(classifier, word_pieces(WORDS), Path("base"), max_seq_length=24)
    return Parent(model, load_task("single_label", {}), Coding(("a", "b", "c", "d")))


@pytest.fixture
def rows() -> Rows:
    """Two hundred texts of a few words."""
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(WORDS, random.integers(2, 9))) for _ in range(200)]
    return Rows("rows.csv", fitted=texts, held=[], targets=np.zeros(0, dtype=np.int64))


def rounded_maps(parent: Parent, rows: Rows, max_loss: float) -> tuple[set[str], str]:
    """Names of the linear maps that were rounded, and what is told of the others."""
    told: list[str] = []
    made = int8.compress(parent, rows, options=int8.Options(), work=Work(max_loss, narrator=Told(told)))
    parts = made.model.classifier.encoder.named_modules()
    return {name for name, part in parts if isinstance(part, QuantizedLinear)}, " ".join([*told, *made.notes])


def test_all_maps_are_rounded_where_the_answers_stay(parent: Parent, rows: Rows) -> None:
    """With a limit that no rounding reaches."""
    names, told = rounded_maps(parent, rows, max_loss=40.0)
    assert len(names) == 8
    assert "left as they are" not in told
    assert "ranges seen on 200 rows" in told


def test_the_map_that_moves_the_answers_most_stays_as_it_is(
    parent: Parent, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One map is seen to read nothing but zeros, so that rounding it spoils all; it alone is left."""
    column_ranges = int8.column_ranges

    def wrong_ranges(*given: object) -> dict[str, object]:
        seen = column_ranges(*given)  # type: ignore[arg-type]
        low, high = seen["layers.1.grow"]
        return {**seen, "layers.1.grow": type(seen["layers.1.grow"])(1e-3 * low, 1e-3 * high)}

    monkeypatch.setattr(int8, "column_ranges", wrong_ranges)
    names, told = rounded_maps(parent, rows, max_loss=2.5)
    assert "layers.1.grow" not in names
    assert len(names) >= 6
    assert "left as they are, since rounding them changes too many answers: layers.1.grow" in told


def test_no_more_rows_are_read_than_are_needed(parent: Parent, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few seconds of texts tell the ranges."""
    monkeypatch.setattr(int8, "_MOST_TOKENS", 50)
    _, told = rounded_maps(parent, rows, max_loss=40.0)
    assert "ranges seen on 200 rows" not in told
