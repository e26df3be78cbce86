"""Where the budget leaves no time for every row, the probe reads a part of them, and training begins all the same."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from tests.ladder.tiny_climb import Home

from tunesmith.ladder import fitting, part
from tunesmith.ladder.rungs import probe
from tunesmith.run.clock import Clock

_FEWEST = 8


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows are many here, and the process has just begun, however long the tests have run."""
    monkeypatch.setattr("tunesmith.run.clock.process_age_s", lambda: 0.0)
    monkeypatch.setattr(part, "_FEWEST_ROWS", _FEWEST)
    monkeypatch.setattr(part, "_OF_EACH_LABEL", 2)


def test_a_larger_part_holds_a_smaller_one(home: Home) -> None:
    """Whatever its size it knows every label, and it is drawn by the seed."""
    with home.site() as (site, _):
        train, strata = site.data.split.train, site.data.strata
        parts = [part.part(site, n_rows) for n_rows in (_FEWEST, 20, 40, len(train))]
        for smaller, larger in pairwise(parts):
            assert np.isin(smaller, larger).all()
        assert [len(rows) for rows in parts] == [_FEWEST, 20, 40, len(train)]
        assert parts[-1].tolist() == train.tolist()
        assert min(Counter(strata[parts[0]].tolist()).values()) >= 2
        assert set(strata[parts[0]].tolist()) == set(strata[train].tolist())
        assert parts[1].tolist() == sorted(parts[1].tolist()) != train[:20].tolist()
        assert parts[1].tolist() == part.part(site, 20).tolist()


@pytest.mark.parametrize(
    ("left_s", "rungs", "least_s", "room_s"),
    [
        (200.0, ("probe", "finetune"), 10.0, 50.0),  # a quarter of it
        (200.0, ("probe", "finetune"), 180.0, 160.0),  # no time to train in any case
        (200.0, ("probe",), 10.0, 160.0),
        (20.0, ("probe",), 10.0, _FEWEST),
        (2000.0, ("probe", "finetune"), 10.0, None),
        (float("inf"), ("probe", "finetune"), 10.0, None),
    ],
)
def test_a_part_is_what_there_is_time_for(
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    *,
    left_s: float,
    rungs: tuple[str, ...],
    least_s: float,
    room_s: float | None,
) -> None:
    """A quarter where training can follow, and else all that is left but for what comes after; a second a row."""
    monkeypatch.setattr(part, "encoding_s", lambda _, n_train: 1.0 * n_train)
    monkeypatch.setattr(part, "least_seconds", lambda _: least_s)
    with home.site(ladder__rungs=rungs) as (site, _):
        site.clock = Clock(left_s, started_s=0.0, now=lambda: 0.0)
        n_all = len(site.data.split.train)
        found = len(part.choose_part(site, "probe", reserve_s=10.0))
        assert found == (n_all if room_s is None else pytest.approx(min(room_s, n_all), abs=1.0))
        assert site.plan.n_decisions >= 1
    assert any("train rows; all of them would take too much" in line for line in home.told) == (found < n_all)


def test_a_probe_of_a_part_is_trained_on_and_solved_on_all_if_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it read is a fact of its landing until every row has been."""
    monkeypatch.setattr(part, "_most_within", lambda *_: 40)
    with home.site(ladder__budget="1h") as (site, rungs):
        landing = rungs[0].climb(site)
        assert landing.facts["train_rows"] == 40
        assert len(landing.targets) == len(site.data.split.validation)
        site.landings["probe"] = landing
        assert rungs[1].climb(site).facts["steps"] > 0
        finished = rungs[0].finish(site, landing)
        assert "train_rows" not in finished.facts
        assert len(finished.targets) == len(site.data.rows_to_choose())


def test_a_plan_is_followed_and_one_of_an_earlier_version_reads_all_rows(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which did not decide on them."""
    for name, n_rows in (("part", 20), ("whole", 10_000)):
        monkeypatch.setattr(part, "_most_within", lambda *_, n_rows=n_rows: n_rows)
        home.climbed(name, ladder__budget="1h")
    first, *decided = (home.folder / "whole.work" / "plan.jsonl").read_text("utf-8").splitlines()
    left = [line for line in map(json.loads, decided) if line["key"] != "probe.rows"]
    assert len(left) == len(decided) - 1
    lines = [first, *(json.dumps({**line, "n": number}) for number, line in enumerate(left, start=1))]
    earlier = home.folder / "earlier.jsonl"
    earlier.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    monkeypatch.setattr(part, "_most_within", lambda *_: 30)
    for name, plan, n_rows in (("new", home.folder / "part.work" / "plan.jsonl", 20), ("old", earlier, None)):
        site, _ = home.climbed(name, follow=plan, ladder__budget="1h")
        assert site.landings["probe"].facts.get("train_rows") == n_rows


def test_a_refit_of_a_part_counts_the_rows_that_were_not_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Solving a head takes no time here, so what is foreseen is encoding."""
    monkeypatch.setattr(part, "_most_within", lambda *_: 20)
    for share in ("_SHARE_OF_CHOOSING", "_SHARE_OF_CHOOSING_OUT_OF_FOLD"):
        monkeypatch.setattr(probe, share, 0.0)
    landings = {}
    for budget in ("none", "1h"):
        with home.site(f"m-{budget}", ladder__budget=budget) as (site, rungs):
            landings[budget] = rungs[0].climb(site)
            n_tokens = site.encoded.tokens.n_tokens
            read = np.concatenate([part.part(site, 20), site.data.split.validation])
            more = n_tokens[site.data.rows_to_choose()].sum() / n_tokens[read].sum()
    assert more > 1.5
    assert landings["none"].refit_s == 0.0
    assert 0.0 < landings["1h"].refit_s / more < landings["1h"].seconds


def test_training_is_worth_a_start_for_fifty_steps(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tenths of a pass over many rows are more than it takes to bring something."""
    with home.site() as (site, rungs):
        of_a_pass = rungs[1].forecast(site)
        n_tokens = int(site.encoded.tokens.n_tokens[site.data.split.train].sum())
        monkeypatch.setattr(fitting, "_LEAST_TOKENS", 0.3 * n_tokens)
        assert rungs[1].forecast(site) == pytest.approx(of_a_pass)
        monkeypatch.setattr(fitting, "_LEAST_TOKENS", 0.03 * n_tokens)
        fixed = (3.0 + fitting.reserve_s(site)) / fitting.SHARE_OF_WHAT_IS_LEFT
        assert rungs[1].forecast(site) - fixed == pytest.approx(0.1 * (of_a_pass - fixed))
