"""Real long texts and the real base model: nothing is cut, memory is bounded, and what the base cannot read is told."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.cli.running import run
from tests.data.tiny_tokenizers import base_tokenizer

import tunesmith
from tunesmith.data.prepare import prepare_text
from tunesmith.data.read import read_table
from tunesmith.machine.memory import current_mib, peak_mib, reset_peak

_WINDOW, _SPECIAL = 256, 2
_MOST_MIB = 250
"""A pass over 4,096 tokens, the most there is, takes about 120; all windows of 15,000 words at once take 330."""


def rows_of(folder: Path, *, n_short: int, n_long: int) -> list[tuple[str, str]]:
    """Chinese reviews: some as they come, and the longest."""
    columns = read_table(folder / "chnsenticorp" / "train.csv").columns
    rows = list(dict.fromkeys(zip(columns["text"], columns["label"], strict=True)))
    longest = sorted(rows, key=lambda row: -len(row[0]))[:n_long]
    return [*(row for row in rows[: n_short + n_long] if row not in longest), *longest]


def write(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    """Write a file with two columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def n_pieces(text: str) -> int:
    """Count the word pieces of a text, by the tokenizer alone and with its truncation off."""
    tokenizer = base_tokenizer()
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return len(tokenizer.encode(prepare_text(text), add_special_tokens=False).ids)


def test_every_piece_of_chinese_reviews_is_read(real_data: Path, tmp_path: Path) -> None:
    """As a dry run tells, and as answers do; that the English base knows few of them is told as a warning."""
    rows = rows_of(real_data, n_short=60, n_long=6)
    data = write(tmp_path / "reviews.csv", rows)
    pieces = np.array([n_pieces(text) for text, _ in rows])
    windows = -(-pieces // (_WINDOW - _SPECIAL))
    assert windows.max() > 5
    found = run("train", data, "--rungs", "linear,probe", "--dry-run", "--offline", "--threads", "1", "--json").json()
    assert found["tokens"] == int((pieces + _SPECIAL * windows).sum())
    assert found["longest"] == int((pieces + _SPECIAL * windows).max())
    assert (found["windowed"], found["tokens_read"]) == (int((windows > 1).sum()), 1.0)
    unknown = next(told for told in found["findings"] if "are unknown to the base model" in told)
    assert unknown.startswith("warning: ")
    flags = ["--rungs", "probe", "--offline", "--threads", "1", "--budget", "none", "--out", tmp_path / "m"]
    done = run("train", data, *flags)
    assert done.code == 0, done.err
    assert unknown in done.err
    assert unknown.removeprefix("warning: ") in (tmp_path / "m" / "README.md").read_text("utf-8")
    answers = run("predict", tmp_path / "m", data, "--threads", "1", "--json").lines()
    assert [answer["n_windows"] for answer in answers] == windows.tolist()
    assert [answer["n_tokens"] for answer in answers] == (pieces + _SPECIAL * windows).tolist()
    assert not any(answer["truncated"] for answer in answers)
    assert run("evaluate", tmp_path / "m", data, "--threads", "1", "--json").json()["rows"] == len(rows)


def test_five_thousand_words_are_answered_in_little_memory(real_data: Path, tmp_path: Path) -> None:
    """All of their windows, the last word among them, in no more memory than a batch of short texts takes."""
    table = read_table(real_data / "banking77" / "train.csv").columns
    rows = list(zip(table["text"], table["label"], strict=True))[:400:4]
    flags = ["--rungs", "probe", "--offline", "--threads", "1", "--budget", "none", "--out", tmp_path / "m"]
    done = run("train", write(tmp_path / "rows.csv", rows), *flags)
    assert done.code == 0, done.err
    words = " ".join(table["text"]).split()
    start = " ".join(words[:4999])
    model = tunesmith.load(tmp_path / "m")
    one, other = model.predict([f"{start} card", f"{start} lost"])
    assert one.probability != other.probability
    assert not one.truncated
    pieces = n_pieces(f"{start} card")
    n_windows = -(-pieces // (_WINDOW - _SPECIAL))
    assert n_windows > 20
    assert one.n_tokens == pieces + _SPECIAL * n_windows
    if not reset_peak():
        pytest.skip("this system does not let a process reset its peak")
    before = current_mib()
    model.predict([" ".join(words[:15_000])])
    assert peak_mib() - before < _MOST_MIB
