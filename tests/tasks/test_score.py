"""Numbers: how cells become targets and outputs numbers again, and what is said of cells that are none."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.running import run

from tunesmith.data.places import Places
from tunesmith.errors import DataError
from tunesmith.ladder.settle import likely_task
from tunesmith.tasks import Calibration, load_task

SCORE = load_task("score")


def places(n_rows: int) -> Places:
    """Lines of a file."""
    return Places.of("pairs.csv", range(2, 2 + n_rows))


def test_targets_are_spreads_from_the_mean_and_lead_back() -> None:
    """Whatever the unit, training sees numbers of mean 0 and spread 1."""
    cells = ["1000", "3000", "2e3", "4000.0"]
    coding = SCORE.coding(cells, places=places(4))
    targets = SCORE.read_targets(cells, coding, places=places(4))
    assert targets.mean() == pytest.approx(0.0, abs=1e-6)
    assert targets.std() == pytest.approx(1.0, rel=1e-6)
    answers = SCORE.answers(targets[:, None], coding, Calibration(), everything=False)
    assert [answer["value"] for answer in answers] == pytest.approx([1000.0, 3000.0, 2000.0, 4000.0], rel=1e-5)


def test_one_number_throughout_can_be_learnt() -> None:
    """Its spread of nothing does not divide anything by nothing; that it is the same throughout is told elsewhere."""
    coding = SCORE.coding(["2", "2"], places=places(2))
    assert np.isfinite(SCORE.read_targets(["2", "3"], coding, places=places(2))).all()


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["1.5", "2,5", "3,0"], "a point, not a comma"),
        (["1.5", "nan"], "--task single_label"),
        (["", "1e999"], "1e999"),
        (["2", "-1e31"], "-1e31"),
    ],
)
def test_cells_that_are_no_numbers_are_told(cells: list[str], told: str) -> None:
    """With their line and what would be right."""
    with pytest.raises(DataError, match="not-a-number") as caught:
        SCORE.coding(cells, places=places(len(cells)))
    assert told in caught.value.render()
    assert "pairs.csv:" in caught.value.render()


def test_rows_are_dealt_out_by_the_order_of_their_numbers() -> None:
    """Each tenth gives its share; few rows are one kind."""
    strata = SCORE.strata([str(number) for number in range(400)])
    assert len(set(strata)) == 10
    assert strata[0] != strata[399]
    assert len(set(SCORE.strata(["3", "1", "2"]))) == 1


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        ([f"{number / 7:.2f}" for number in range(30)], "score"),
        ([str(number) for number in range(30)], "single_label"),
        ([f"{number % 5}.5" for number in range(300)], "single_label"),
        (["1.5", "two"] * 30, "single_label"),
        (['["late"]', "[]", ""], "multi_label"),
        (['["late"]', "[]", "late;damaged"], "multi_label"),
        (["[late]", "[]"], "single_label"),
    ],
)
def test_the_task_is_told_by_the_cells(cells: list[str], task: str) -> None:
    """Many different numbers that are not all whole are a scale; whole numbers and few are labels."""
    assert likely_task(cells)[0] == task


def test_a_file_of_numbers_is_learnt_measured_and_answered(tmp_path: Path) -> None:
    """By the command line, without a word about the task; and the report tells the correlation."""
    random = np.random.default_rng(0)
    words = ["bad", "poor", "fine", "good", "great"]
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "score"])
        for row in range(400):
            told = random.integers(5, size=3)
            text = f"{row} the stay was {' and '.join(words[word] for word in told)}"
            rows.writerow([text, f"{told.mean() + 0.1 * random.normal():.2f}"])
    out = tmp_path / "m"
    train = run(
        "train", str(tmp_path / "rows.csv"), "--rungs", "linear", "--budget", "none", "--out", str(out), "--json"
    )
    assert train.code == 0, train.err
    assert 'task: score, since "score" holds' in train.err
    validation = train.json()["rungs"][0]["validation"]
    assert validation["spearman"]["value"] > 0.9
    measured = run("evaluate", str(out), str(tmp_path / "rows.csv"), "--json").json()["metrics"]
    assert measured["mae"]["value"] < 0.5
    table = run("evaluate", str(out), str(tmp_path / "rows.csv")).out
    assert "spearman" in table
    answers = run(
        "predict", str(out), "--text", "all was great and great and good", "--text", "bad bad bad", "--json"
    ).out
    high, low = (json.loads(line)["value"] for line in answers.splitlines())
    assert high > low + 2.0
    answered = run("predict", str(out), str(tmp_path / "rows.csv")).out.splitlines()
    assert answered[0] == "text,score,prediction"
    page = (out / "report.html").read_text("utf-8")
    assert "rank correlation" in page
    assert "Which labels are confused" not in page
    assert "spearmanr" in (out / "README.md").read_text("utf-8")
    assert "answers numbers" in run("info", str(out)).out
