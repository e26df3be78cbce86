"""Files that a person may have, and whose texts are too alike to learn much from: they train to the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.running import run
from tests.cli.small_world import csv_text


def written(path: Path, texts: list[str], labels: list[str]) -> Path:
    """A labelled file."""
    path.write_text(csv_text(["text", "label"], list(zip(texts, labels, strict=True))), "utf-8")
    return path


@pytest.mark.parametrize("rung", ["linear", "probe"])
def test_a_file_of_one_text_trains_to_the_end(quick: list[str], tmp_path: Path, rung: str) -> None:
    """No row can be scored by a model that has not seen its text, so the rung stays as it landed, and that is said."""
    data = written(tmp_path / "rows.csv", ["where is my card?"] * 20, ["card", "delivery"] * 10)
    beside = written(tmp_path / "beside.csv", ["where is my card?"] * 6, ["card", "delivery", "card"] * 2)
    out = tmp_path / "m"
    ended = run("train", data, "--validation", beside, "--rungs", rung, *quick, "--out", out)
    assert ended.code == 0, ended.err
    assert f"{rung} stays as it landed: its texts are too alike to score it out of fold" in " ".join(ended.err.split())
    found = run("info", out, "--json").json()
    assert (found["rung"], found["measured_on"]) == (rung, "validation rows")
    (answer,) = run("predict", out, "--text", "where is my card?", "--all", "--json").lines()
    assert sum(answer["probabilities"].values()) == pytest.approx(1.0)


@pytest.mark.parametrize("rung", ["linear", "probe"])
def test_a_file_of_one_text_a_label_trains_to_the_end(quick: list[str], tmp_path: Path, rung: str) -> None:
    """Out of fold no model knows the label of the rows that it answers; the file is small, not wrong."""
    texts = ["where is my card?", "the parcel did not come"]
    data = written(tmp_path / "rows.csv", texts * 10, ["card", "delivery"] * 10)
    beside = written(tmp_path / "beside.csv", texts * 3, ["card", "delivery"] * 3)
    ended = run("train", data, "--validation", beside, "--rungs", rung, *quick, "--out", tmp_path / "m")
    assert ended.code == 0, ended.err
    answers = run("predict", tmp_path / "m", *(part for text in texts for part in ("--text", text)), "--json").lines()
    assert [answer["label"] for answer in answers] == ["card", "delivery"]
