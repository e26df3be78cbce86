"""What ``evaluate`` prints of each label: no figure without its interval, and no line wider than a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from unicodedata import east_asian_width

import numpy as np
import pytest
from scipy.stats import binomtest

from tunesmith.cli.evaluate import _print_table
from tunesmith.evaluate.metrics import classification_metrics

LABELS = [
    "card",
    "a_label_that_is_longer_than_its_column",
    "信用卡付款没有被承认所以我想知道为什么",
    "\x1b[2J",
    "never met",
]


def columns_of(line: str) -> int:
    """Columns a line takes on a terminal."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in line)


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Sequence[str]:
    """The lines from the header of the labels on: 10 of 12 cards are told, 3 others taken for cards."""
    targets = np.array([0] * 12 + [1] * 5 + [2] * 5 + [3] * 5)
    predicted = targets.copy()
    predicted[[0, 1, 12, 17, 22]] = [1, 2, 0, 0, 0]
    found = {"rows": 27, "metrics": classification_metrics(targets, np.eye(5)[predicted], LABELS, seed=0, draws=20)}
    _print_table(found)
    lines = capsys.readouterr().out.splitlines()
    return lines[lines.index("") + 1 :]


def test_recall_and_precision_have_their_wilson_intervals(printed: Sequence[str]) -> None:
    """Those of scipy; F1 has an interval too, and the rows stand at the end."""
    (card,) = (line for line in printed if line.startswith("  card "))
    figure = r"([01]\.[0-9]{3}) \(([01]\.[0-9]{3})-([01]\.[0-9]{3})\)"
    found = re.fullmatch(rf"  card +{figure}  {figure}  {figure} +12", card)
    assert found, card
    figures = [float(group) for group in found.groups()]
    for (value, low, high), (right, total) in zip((figures[:3], figures[3:6]), ((10, 12), (10, 13)), strict=True):
        expected = binomtest(right, total).proportion_ci(method="wilson")
        assert (value, low, high) == pytest.approx((right / total, expected.low, expected.high), abs=6e-4)
    assert figures[6] == pytest.approx(2 * 10 / 25, abs=6e-4)
    assert figures[7] < figures[6] < figures[8]


def test_the_table_stays_within_100_columns(printed: Sequence[str]) -> None:
    """Whatever the labels; every line is as wide as the header, and a label that is cut says so."""
    assert {columns_of(line) for line in printed} == {columns_of(printed[0])}
    assert columns_of(printed[0]) <= 100
    assert printed[0].split() == ["label", "recall", "precision", "F1", "rows"]
    assert any(line.startswith("  a_label_that_is_longer_tha…  ") for line in printed)
    assert any(line.startswith("  信用卡付款没有被承认所以我…  ") for line in printed)
    assert all(line.isprintable() for line in printed)


def test_a_label_without_rows_has_no_figures(printed: Sequence[str]) -> None:
    """It comes last: nothing is known of it."""
    assert printed[-1].split() == ["never", "met", "-", "-", "-", "0"]
