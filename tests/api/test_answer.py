"""Answering a file: row by row in its order, in memory that does not grow with it."""

from __future__ import annotations

import csv
import tracemalloc
from pathlib import Path

import pytest
from tests.cli.small_world import rows

import tunesmith
from tunesmith.api import answer
from tunesmith.api.answer import Asked, answer_file

CHUNK_ROWS = 500


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that counts words."""
    out = tmp_path_factory.mktemp("words") / "m"
    data = {"text": [text for text, _ in rows()], "label": [label for _, label in rows()]}
    tunesmith.train(data, rungs=["linear"], budget="none", threads=1, out=out)
    return out


def written(path: Path, n_rows: int) -> Path:
    """A file of that many rows, each with a number, a text of the small world and a note.

    The note makes 2,000 of them larger than what is read at once: no file is read in one go.
    """
    texts = [text for text, _ in rows()]
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["number", "text", "note"])
        lines.writerows((row, texts[row % len(texts)], f"{row:0300}") for row in range(n_rows))
    return path


def peak_bytes(model: Path, data: Path, out: Path, *, n_rows: int) -> int:
    """Most memory that Python and numpy held while a file was answered, once the model was open and at work."""

    def after_each_part(n_answered: int) -> None:
        told.append(n_answered)
        if len(told) == 1:  # opening a model takes more for a moment than all that follows, and would hide it
            tracemalloc.reset_peak()

    told: list[int] = []
    tracemalloc.start()
    try:
        assert answer_file(model, str(data), Asked(threads=1), target=out, told=after_each_part) == n_rows
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert told == list(range(CHUNK_ROWS, n_rows + 1, CHUNK_ROWS))
    assert len(out.read_text("utf-8").splitlines()) == n_rows + (out.suffix == ".csv")
    return peak


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_memory_is_flat_in_the_number_of_rows(
    words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """From reading to writing, one part of the file is held at a time, with its texts, logits and answers."""
    monkeypatch.setattr(answer, "_CHUNK_ROWS", CHUNK_ROWS)
    few, many = (
        peak_bytes(words, written(tmp_path / "new.csv", n_rows), tmp_path / f"answers{ending}", n_rows=n_rows)
        for n_rows in (2_000, 20_000)
    )
    assert many < 1.1 * few, f"{few} bytes for 2,000 rows, {many} for 20,000"
