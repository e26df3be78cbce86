"""Where few rows are held out, what was known beforehand decides with them."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.ladder.tiny_base import tiny_file
from tests.ladder.tiny_climb import Home

from tunesmith.config.recipe import load_recipe
from tunesmith.data.check import Finding
from tunesmith.data.read import read_table
from tunesmith.ladder.encoding import EncodedTexts
from tunesmith.ladder.few_rows import are_few, takes_over
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.settle import settle
from tunesmith.ladder.stop import Comparison
from tunesmith.types import Interval

Names = tuple[str, ...]
USUAL = ("linear", "probe", "finetune", "refine")


def settled(path: Path, *, labels: int, a_label: int, sets: Sequence[str] = ()) -> tuple[Names, Names]:
    """The rungs that are climbed on so many rows, and what is said of it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        rows.writerows((f"text {row}", f"label {row % labels}") for row in range(labels * a_label))
    recipe, notes = settle(load_recipe(None, list(sets), {}), read_table(path))
    return recipe.ladder.rungs, notes


@pytest.mark.parametrize(
    ("labels", "a_label", "rungs"),
    [
        (2, 15, ("linear", "probe")),
        (2, 16, ("linear", "probe", "contrast")),
        (10, 64, ("linear", "probe", "contrast")),
        (2, 100, ("linear", "probe", "contrast", "finetune", "refine")),
        (2, 500, USUAL),
        (11, 19, ("linear", "probe")),
        (11, 20, USUAL),
        (60, 19, ("linear", "probe")),
    ],
)
def test_rows_settle_which_rungs_are_worth_it(
    tmp_path: Path, labels: int, a_label: int, rungs: tuple[str, ...]
) -> None:
    """And it is said where they are not the usual ones."""
    found, notes = settled(tmp_path / "rows.csv", labels=labels, a_label=a_label)
    assert found == rungs
    told = f"rungs: {', '.join(rungs)}, since there are {a_label} rows a label; --rungs names others"
    assert notes == (() if rungs == USUAL else (told,))


def test_rows_that_have_no_label_yet_count_for_nothing(tmp_path: Path) -> None:
    """An export of which a part is labelled has as many rows as labels, and labels as even as these are."""
    path = tmp_path / "rows.csv"
    rungs, notes = settled(path, labels=2, a_label=20)
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((f"unlabelled text {row}", "") for row in range(3000))
    recipe, again = settle(load_recipe(None, ["data.drop_unlabelled=true"], {}), read_table(path))
    assert (recipe.ladder.rungs, again) == (rungs, notes)
    assert recipe.data.imbalance == "none"


def test_rungs_that_are_asked_for_stay(tmp_path: Path) -> None:
    """The usual ones too; and a task that no pairs are made for has none of them."""
    given = ["ladder.rungs=['linear', 'probe', 'finetune', 'refine']"]
    assert settled(tmp_path / "rows.csv", labels=2, a_label=8, sets=given) == (USUAL, ())
    several = ["run.task=multi_label"]
    found, _ = settled(tmp_path / "rows.csv", labels=2, a_label=16, sets=several)
    assert found == ("linear", "probe")


def test_texts_without_labels_are_learnt_from_unless_other_rungs_are_asked_for(tmp_path: Path) -> None:
    """After the probe, with few rows and with many; and where nothing learns from them, it is said."""
    more = "data.unlabelled=more.csv"
    told = "selftrain is climbed after probe, since there are texts without labels"
    few, notes = settled(tmp_path / "rows.csv", labels=2, a_label=16, sets=[more])
    assert (few, notes[-1]) == (("linear", "probe", "selftrain", "contrast"), told)
    many = settled(tmp_path / "rows.csv", labels=2, a_label=500, sets=[more])
    assert many == (("linear", "probe", "selftrain", "finetune", "refine"), (told,))
    for asked in ("['probe', 'selftrain']", "all"):
        assert settled(tmp_path / "rows.csv", labels=2, a_label=8, sets=[more, f"ladder.rungs={asked}"])[1] == ()
    asked_for, (warning,) = settled(tmp_path / "rows.csv", labels=2, a_label=8, sets=[more, "ladder.rungs=probe"])
    assert asked_for == ("probe",)
    assert warning == "warning: texts without labels are not used, since --rungs names no selftrain"


def landing(*, objective: float, refit_s: float) -> Landing:
    """A landing of which only what decides is told."""
    return Landing(
        rung="any",
        kind="encoder",
        model=None,
        logits=np.zeros((4, 2), dtype=np.float32),
        targets=np.zeros(4, dtype=np.int64),
        objective=objective,
        loss=1.0,
        measured_on="validation rows",
        seconds=1.0,
        tflop=0.0,
        refit_s=refit_s,
    )


FOUR_ROWS, ROWS_48, ROWS_200 = 75.0, 13.5, 3.3
"""Half an interval of that many rows, in points."""


@pytest.mark.parametrize(
    ("refits", "gain", "reach", "wins"),
    [
        ((True, True), -25.0, FOUR_ROWS, True),
        ((True, True), -4.0, ROWS_48, True),
        ((True, True), -12.0, ROWS_48, False),
        ((True, True), -1.0, ROWS_200, False),
        ((False, True), 25.0, FOUR_ROWS, False),
        ((False, True), 100.0, FOUR_ROWS, True),
        ((False, True), 2.0, ROWS_48, False),
        ((False, True), 4.0, ROWS_48, True),
        ((False, True), 0.5, ROWS_200, True),
        ((False, False), 25.0, FOUR_ROWS, True),
        ((False, False), -25.0, FOUR_ROWS, False),
        ((True, True), 0.5, math.nan, True),
        ((True, True), math.nan, math.nan, False),
    ],
)
def test_the_fewer_rows_are_held_out_the_more_counts_what_was_known(
    refits: tuple[bool, bool], gain: float, reach: float, wins: bool
) -> None:
    """Four rows change nothing, 48 do by a clear difference, 200 by any; one that misses rows has to bring more."""
    challenger = landing(objective=0.5 + gain / 100, refit_s=float(refits[0]))
    holder = landing(objective=0.5, refit_s=float(refits[1]))
    comparison = Comparison(gain=Interval(gain, gain - reach, gain + reach), p_value=0.5)
    assert takes_over(challenger, holder, comparison) is wins


@pytest.mark.parametrize(("gain", "reads", "wins"), [(-4.0, True, True), (-4.0, False, False), (1.0, False, True)])
def test_nothing_is_expected_of_a_base_that_cannot_read_the_texts(gain: float, reads: bool, wins: bool) -> None:
    """It wins by what the held-out rows show, or not at all."""
    challenger, holder = (landing(objective=0.5 + points / 100, refit_s=1.0) for points in (gain, 0.0))
    comparison = Comparison(gain=Interval(gain, gain - ROWS_48, gain + ROWS_48), p_value=0.5)
    assert takes_over(challenger, holder, comparison, reads=reads) is wins


@pytest.mark.parametrize("reads", [True, False])
def test_the_climb_asks_whether_the_base_can_read(reads: bool, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the finding that it tells as well."""
    seen = {}

    def watched(challenger: Landing, holder: Landing, comparison: Comparison, *, reads: bool) -> bool:
        seen[challenger.rung] = reads
        return takes_over(challenger, holder, comparison, reads=reads)

    unfit = Finding("base-unfit", "warning", 1, (), "it cannot read these")
    monkeypatch.setattr("tunesmith.ladder.climb.takes_over", watched)
    monkeypatch.setattr(EncodedTexts, "unfit", lambda _: None if reads else unfit)
    home.climbed(ladder__rungs=("linear", "probe"))
    assert seen == {"probe": reads}


@pytest.mark.parametrize(("n_rows", "few"), [(300, True), (999, True), (1000, False)])
def test_rows_are_few_below_a_thousand(home: Home, n_rows: int, few: bool) -> None:
    """From there on 200 of them are held out."""
    tiny_file(home.folder / "rows.csv", n_rows=n_rows)
    with home.site() as (site, _):
        assert are_few(site.data) is few


def test_rows_that_came_later_choose_alone(home: Home) -> None:
    """However few they are: no fold that mixes earlier and later rows stands in for them."""
    path = home.folder / "rows.csv"
    with path.open(encoding="utf-8", newline="") as file:
        (header, *rows) = list(csv.reader(file))
    dated = [[*row, f"2026-01-{1 + number % 28:02}"] for number, row in enumerate(rows)]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[*header, "day"], *dated])
    with home.site(data__time="day") as (site, _):
        assert not are_few(site.data)


@pytest.mark.parametrize(("more", "kept"), [(0.05, "mean"), (0.2, "max")])
def test_another_pooling_has_to_be_proven_better(
    home: Home, monkeypatch: pytest.MonkeyPatch, more: float, kept: str
) -> None:
    """Fifteen rows more that it tells are luck, sixty of three hundred are not."""
    with home.site(ladder__rungs=("probe",), rung__probe__poolings=("mean", "max")) as (site, (probe,)):
        targets = site.data.targets[site.data.rows_to_choose()]
        lots = np.random.default_rng(0).permutation(len(targets)) / len(targets)
        given = {"mean": telling(targets, lots < 0.7), "max": telling(targets, lots > 0.3 - more)}
        monkeypatch.setattr(EncodedTexts, "features", lambda *_, **__: given)
        landing = probe.climb(site)
    assert landing.facts["pooling"] == kept


def telling(targets: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Vectors that tell the class of some rows, and another class of the others."""
    shown = np.where(right, targets, (targets + 1) % 3)
    features = np.random.default_rng(0).normal(scale=0.05, size=(len(targets), 32))
    features[np.arange(len(targets)), shown] += 1.0
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
