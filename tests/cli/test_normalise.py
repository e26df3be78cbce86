"""The normal form of texts: chosen at training, kept in the bundle, the same at every prediction."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.running import assert_error, run
from tests.cli.small_world import csv_text, rows

import tunesmith

WIDE = {ord("a") + place: 0xFF41 + place for place in range(26)}  # full-width letters, as Asian keyboards give them


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
@pytest.mark.parametrize("rung", ["linear", "probe"])
def test_full_width_letters_are_plain_ones_where_asked_for(
    tickets: Path, quick: list[str], tmp_path: Path, form: str, rung: str
) -> None:
    """From a file, from the command line, from Python, and when the model is measured."""
    out = tmp_path / "m"
    chosen = ["--set", f"data.normalise={form}"] if form == "NFKC" else []
    ended = run("train", tickets, "--out", out, *quick, "--rungs", rung, *chosen)
    assert ended.code == 0, ended.err
    assert run("info", out, "--json").json()["text"]["normalise"] == form
    texts = [text for text, _ in rows()]
    wide = [text.translate(WIDE) for text in texts]
    plain, other = tmp_path / "plain.csv", tmp_path / "wide.csv"
    plain.write_text(csv_text(["text", "topic"], rows()), "utf-8")
    other.write_text(csv_text(["text", "topic"], [(text.translate(WIDE), label) for text, label in rows()]), "utf-8")
    model = tunesmith.load(out)
    same = [
        run("predict", out, plain, "--json").out == run("predict", out, other, "--json").out,
        run("evaluate", out, plain, "--json").out == run("evaluate", out, other, "--json").out,
        bool((model.predict_proba(texts) == model.predict_proba(wide)).all()),
    ]
    assert same == [form == "NFKC"] * 3


def test_training_on_full_width_letters_is_training_on_plain_ones(tickets: Path, tmp_path: Path) -> None:
    """Rows that differ in that alone are duplicates, and the model is the same."""
    wide = tmp_path / "wide.csv"
    wide.write_text(csv_text(["text", "topic"], [(text.translate(WIDE), label) for text, label in rows()]), "utf-8")
    flags = ["--rungs", "linear", "--offline", "--threads", "1", "--set", "data.normalise=NFKC"]
    for name, data in (("a", tickets), ("b", wide)):
        assert run("train", data, "--label", "topic", *flags, "--out", tmp_path / name).code == 0
    for file in ("vocabulary.json", "model.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_another_form_is_refused(tickets: Path, tmp_path: Path) -> None:
    """With the ones there are."""
    ended = run("train", tickets, "--out", tmp_path / "m", "--set", "data.normalise=NFD")
    assert_error(ended, "bad-setting", "data.normalise", "'NFC' or 'NFKC'")
