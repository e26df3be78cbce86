"""``linear`` under a budget: as many rows as its share of the time suffices for."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from tests.ladder.tiny_climb import Home

from tunesmith.ladder.climb import Outcome, climb
from tunesmith.ladder.rungs import linear
from tunesmith.ladder.rungs.linear import Linear
from tunesmith.ladder.site import Site
from tunesmith.models.bag_of_words import BagOfWords
from tunesmith.models.supervision import Supervision
from tunesmith.run.clock import Clock
from tunesmith.run.lines import read_lines

SETTINGS = {"ladder__rungs": ("linear",), "ladder__budget": "10m"}


@pytest.fixture
def rare(home: Home) -> Home:
    """The tiny file with a fourth label that one row has."""
    with (home.folder / "rows.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(["nobody else says this", "rare"])
    return home


def leave(site: Site, share: float) -> None:
    """Let the clock stand still where so large a share of the train rows is affordable."""
    left_s = share * Linear().forecast(site) / linear._SHARE_OF_BUDGET
    site.clock = Clock(left_s, started_s=0.0, now=lambda: 0.0)


def affordable(home: Home, name: str, *, share: float, **settings: object) -> tuple[Site, list[int]]:
    """The rows that ``linear`` fits on, and the site, its plan still open."""
    with home.site(name, **{**SETTINGS, **settings}) as (site, _):
        leave(site, share)
        return site, Linear()._affordable(site).tolist()


def climbed(
    home: Home, name: str, *, share: float, follow: Path | None = None, budget: str = "10m"
) -> tuple[Site, Outcome]:
    """The climb of this one rung."""
    settings = {**SETTINGS, "ladder__budget": budget}
    with home.site(name, follow=follow, **settings) as (site, rungs):
        leave(site, share)
        return site, climb(site, rungs, lambda outcome: None)


def decided(site: Site) -> list[object]:
    """What the plan says of the rows."""
    return [line["value"] for line in read_lines(site.workspace.plan).records[1:] if line["key"] == "linear.rows"]


@pytest.mark.parametrize("share", [math.inf, 1e6, 1.000001])
def test_with_time_enough_all_rows_are_taken(rare: Home, share: float) -> None:
    """Without a budget and with one that suffices; nothing is said then."""
    site, rows = affordable(rare, "model", share=share, ladder__budget="none" if share == math.inf else "10m")
    assert rows == site.data.split.train.tolist()
    assert decided(site) == [len(rows)]
    assert not any("rows fit its share" in line for line in rare.told)


@pytest.mark.parametrize("share", [0.9999, 0.4, 0.05])
def test_a_short_budget_takes_fewer_rows(rare: Home, share: float) -> None:
    """A random choice by the seed, in which each class has a row; how many there are is told and written down."""
    site, rows = affordable(rare, "model", share=share)
    train = site.data.split.train
    assert len(rows) == int(share * len(train)) < len(train)
    assert rows == sorted(set(rows))
    assert set(rows) <= set(train.tolist())
    assert set(site.data.targets[rows]) == set(range(4))
    assert decided(site) == [len(rows)]
    assert rare.told == [f"linear: {len(rows)} of {len(train)} rows fit its share of the budget"]
    _, again = affordable(rare, "again", share=share)
    assert again == rows
    other_site, other = affordable(rare, "other", share=share, run__seed=1)
    assert set(other) <= set(other_site.data.split.train.tolist())
    assert other != rows


def test_the_rows_are_no_stretch_of_the_file(rare: Home) -> None:
    """A sorted file must not make it fit on one end of it."""
    site, rows = affordable(rare, "model", share=0.4)
    places = np.searchsorted(site.data.split.train, rows) / len(site.data.split.train)
    assert np.histogram(places, bins=4, range=(0.0, 1.0))[0].min() > 0.5 * len(rows) / 4


@pytest.mark.parametrize("share", [0.0, -5.0])
def test_each_class_keeps_a_row_whatever_it_costs(rare: Home, share: float) -> None:
    """The first rung always lands, after the end of the budget too."""
    site, outcome = climbed(rare, "model", share=share)
    assert outcome.kept.facts == {"rows": 4}
    assert decided(site) == [0]
    assert outcome.kept.logits.shape == (len(site.data.split.validation), 4)
    assert np.isfinite(outcome.kept.logits).all()


def test_the_model_is_fitted_on_the_rows_that_were_chosen(rare: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """On those and on no others, and the landing says how many they were."""

    def fit(texts: list[str], wanted: Supervision) -> BagOfWords:
        fitted.append(texts)
        return sound(texts, wanted)

    sound, fitted = linear.fit_bag_of_words, []
    monkeypatch.setattr(linear, "fit_bag_of_words", fit)
    expected_site, rows = affordable(rare, "expected", share=0.4)
    _, outcome = climbed(rare, "model", share=0.4)
    assert fitted == [[expected_site.data.texts[row] for row in rows]]
    assert outcome.kept.facts["rows"] == len(rows)


@pytest.mark.parametrize(("made", "followed"), [(0.4, math.inf), (math.inf, 0.4), (0.4, 0.1)])
def test_a_plan_brings_the_same_rows_under_another_budget(rare: Home, made: float, followed: float) -> None:
    """What was decided counts, not what would be affordable now."""
    budgets = ["none" if share == math.inf else "10m" for share in (made, followed)]
    site, outcome = climbed(rare, "made", share=made, budget=budgets[0])
    again, same = climbed(rare, "again", share=followed, budget=budgets[1], follow=site.workspace.plan)
    assert again.landings["linear"].facts == site.landings["linear"].facts
    assert decided(again) == decided(site)
    assert same.kept.measured_on == outcome.kept.measured_on
    np.testing.assert_array_equal(again.landings["linear"].logits, site.landings["linear"].logits)
