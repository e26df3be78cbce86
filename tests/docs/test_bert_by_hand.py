"""The loop by hand: short, whole, runs, and prints what its page shows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.cli.running import run_process
from tests.docs.blocks import blocks_of, page_path
from tests.docs.running_pages import assert_like
from tests.style.sources import ROOT

from tunesmith.data.read import read_table
from tunesmith.sample import sample_file

SCRIPT = ROOT / "examples" / "bert_by_hand.py"


def test_it_is_read_at_a_glance() -> None:
    """At most 80 lines."""
    assert len(SCRIPT.read_text("utf-8").splitlines()) <= 80


def test_it_runs_and_prints_what_its_page_shows(tmp_path: Path) -> None:
    """On a few rows: an epoch's line for each epoch, then the report with every label, as the page has them."""
    arguments = [sys.executable, str(SCRIPT), "--rows", "12", "--epochs", "1"]
    environment = {"PYTHONWARNINGS": "ignore", "HF_HUB_OFFLINE": "1"}
    ended = run_process(arguments, environment=environment, folder=tmp_path)
    assert ended.code == 0, ended.err
    (shown, _) = [
        block for block in blocks_of(page_path("en", "bert_by_hand").read_text("utf-8")) if block.check == "measured"
    ]
    labels = set(read_table(sample_file()).columns["label"])
    assert len(labels) == 24
    assert_like(shown.code, ended.out)
    assert list(tmp_path.iterdir()) == [], "nothing is saved"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_its_page_shows_it_whole(language: str) -> None:
    """The page takes the file itself."""
    assert "\n<!-- include: examples/bert_by_hand.py -->\n" in page_path(language, "bert_by_hand").read_text("utf-8")
