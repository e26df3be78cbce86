"""A rung is given up where the budget ends in the middle of it, and what landed before it stands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence

import numpy as np
import pytest
from tests.cli.running import Ended, assert_error, run
from tests.ladder.tiny_climb import SETTINGS, Home, options

from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import Stopped
from tunesmith.ladder import camp, encoding
from tunesmith.ladder.rungs import contrast, probe, selftrain
from tunesmith.ladder.site import Site
from tunesmith.models.encoder import Encoder
from tunesmith.run.clock import Clock
from tunesmith.run.lines import read_lines
from tunesmith.runtimes.torch import Progress

RUNGS = ("linear", "probe", "finetune")
PASS_S = 40.0
"""Seconds that encoding one piece of the texts is taken to last; the clock stands still for all else."""


class Passes:
    """The pieces of the texts that were encoded, and the clock that only they move."""

    def __init__(self) -> None:
        self.n_rows: list[int] = []
        self._seconds = 0.0
        self._encode = encoding.encode_poolings

    def now(self) -> float:
        """Seconds."""
        return self._seconds

    def clock(self, budget_s: float | None, *, earlier_s: float, started_s: float | None) -> Clock:
        """A clock of a life that begins now."""
        del started_s
        return Clock(budget_s, earlier_s=earlier_s, started_s=0.0, now=self.now)

    def encode(
        self, encoder: Encoder, tokens: TokenSet, poolings: Sequence[str], *, progress: Progress
    ) -> dict[str, np.ndarray]:
        """Encode one piece."""
        self.n_rows.append(tokens.n_rows)
        self._seconds += PASS_S
        return self._encode(encoder, tokens, poolings, progress=progress)


@pytest.fixture
def passes(home: Home, monkeypatch: pytest.MonkeyPatch) -> Passes:
    """Texts are encoded in five pieces or more."""
    found = Passes()
    monkeypatch.setattr("tunesmith.run.clock.process_age_s", lambda: 0.0)
    monkeypatch.setattr(camp, "Clock", found.clock)
    monkeypatch.setattr(encoding, "encode_poolings", found.encode)
    monkeypatch.setattr(encoding, "_FLOP_OF_A_PIECE", 2e7)
    return found


def decided(site: Site) -> list[str]:
    """What the plan of a run decides, in its order."""
    return [line["key"] for line in read_lines(site.workspace.plan).records[1:]]


def test_what_landed_before_is_kept_and_it_is_said(home: Home, passes: Passes) -> None:
    """A probe that cannot come to its end in time takes nothing from the model that is there."""
    site, outcome = home.climbed(ladder__rungs=RUNGS, ladder__budget="100s")
    assert len(passes.n_rows) == 3, "given up after the pass in which the budget ended, not later"
    assert sum(passes.n_rows) < len(site.data.rows_to_choose())
    assert outcome.stopped_because == "budget"
    assert (outcome.kept.rung, list(site.landings)) == ("linear", ["linear"])
    assert home.published == ["linear", "linear"]
    keys = decided(site)
    assert keys[keys.index("probe.start") :] == ["probe.start", "probe.given_up", "linear.refit"]
    for told in ("probe is given up: the budget is spent", "stops here: more does not fit the budget"):
        assert told in home.told
    assert "the budget is overrun by 20 s" in home.told


@pytest.mark.parametrize("budget", ["none", "1h"])
def test_a_run_that_follows_the_plan_gives_up_at_the_same_place(home: Home, passes: Passes, budget: str) -> None:
    """Without encoding anything, though there is time now."""
    site, outcome = home.climbed(ladder__rungs=RUNGS, ladder__budget="100s")
    passes.n_rows.clear()
    again, same = home.climbed("again", ladder__rungs=RUNGS, ladder__budget=budget, follow=site.workspace.plan)
    assert passes.n_rows == []
    assert (same.stopped_because, same.kept.rung) == ("budget", "linear")
    assert again.workspace.plan.read_bytes() == site.workspace.plan.read_bytes()
    np.testing.assert_array_equal(same.kept.logits, outcome.kept.logits)


def test_a_rung_that_had_decided_something_is_given_up_at_the_same_place(
    home: Home, passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decisions that it took itself lie between its start and its end, and are followed first."""
    monkeypatch.setattr(selftrain, "_SHARE_OF_BUDGET", 1e9)
    rungs = {"ladder__rungs": ("probe", "selftrain"), "data__unlabelled": home.unlabelled}
    home.climbed("probe alone", ladder__rungs=("probe",))
    budget = f"{PASS_S * (len(passes.n_rows) + 0.5):g}s"
    site, outcome = home.climbed(ladder__budget=budget, **rungs)
    keys = decided(site)
    assert keys[keys.index("selftrain.start") :] == [
        "selftrain.start",
        "selftrain.texts",
        "selftrain.given_up",
        "probe.refit",
    ]
    again, same = home.climbed("again", ladder__budget="none", follow=site.workspace.plan, **rungs)
    assert (same.stopped_because, same.kept.rung) == (outcome.stopped_because, "probe")
    assert again.workspace.plan.read_bytes() == site.workspace.plan.read_bytes()


def test_a_rung_that_does_not_fit_keeps_none_away_that_does(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs cannot be cut short, training on labels can; and what starts from a rung that is left out is left out."""
    monkeypatch.setattr(contrast.Contrast, "forecast", lambda *_: 1e9)
    rungs = ("probe", "contrast", "finetune")
    site, outcome = home.climbed(ladder__rungs=rungs, ladder__budget="24h", **options("finetune", {"epochs": 0.5}))
    assert list(site.landings) == ["probe", "finetune"]
    assert outcome.stopped_because == "top"
    assert "contrast is left out: it does not fit the budget" in home.told
    monkeypatch.setattr(probe.Probe, "forecast", lambda *_: 1e9)
    site, outcome = home.climbed("less", ladder__rungs=("linear", *rungs), ladder__budget="24h")
    assert list(site.landings) == ["linear"]
    assert outcome.stopped_because == "budget"
    assert not any("left out" in line for line in home.told[-4:])


def test_a_run_killed_after_giving_up_has_given_up(home: Home, passes: Passes, monkeypatch: pytest.MonkeyPatch) -> None:
    """More time does not bring the rung back: the plan was acted on."""

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("tunesmith.ladder.climb._refits", kill)
        with pytest.raises(Stopped, match="stopped at once"):
            home.climbed(ladder__rungs=RUNGS, ladder__budget="100s")
    passes.n_rows.clear()
    _, outcome = home.climbed(resume=True, ladder__rungs=RUNGS, ladder__budget="1h")
    assert passes.n_rows == []
    assert (outcome.stopped_because, outcome.kept.rung) == ("budget", "linear")


def test_a_rung_whose_texts_are_all_encoded_lands_however_late(home: Home, passes: Passes) -> None:
    """Its work is done; what was paid for is not thrown away at the end."""
    site, _ = home.climbed(ladder__rungs=("linear", "probe"), ladder__budget="1h")
    n_passes = len(passes.n_rows)
    assert n_passes >= 5
    assert sum(passes.n_rows) == len(site.data.rows_to_choose())
    budget = f"{(n_passes - 0.5) * PASS_S:g}s"
    late, outcome = home.climbed("late", ladder__rungs=("linear", "probe"), ladder__budget=budget)
    assert late.clock.left() < 0.0
    assert list(late.landings) == ["linear", "probe"]
    assert outcome.stopped_because == "top"
    assert "probe.given_up" not in decided(late)


def train(home: Home, *flags: str) -> Ended:
    """Train on the tiny file from the command line, the probe alone."""
    settings = {**SETTINGS, "ladder.rungs": ["probe"], "base.name": str(home.folder / "base")}
    del settings["ladder.budget"]
    given = [f"--set={key}={json.dumps(value)}" for key, value in settings.items()]
    return run("train", home.folder / "rows.csv", "--out", home.folder / "model", *given, *flags, "--quiet", "--json")


def test_where_nothing_had_landed_the_run_ends_and_can_be_gone_on_with(home: Home, passes: Passes) -> None:
    """Exit code 4 and both ways on; with more time only the pieces that are not on the disk are encoded."""
    words = ["before probe could land", "found 120 s", "--resume", "longer --budget", "linear"]
    assert_error(train(home, "--budget", "100s"), "budget-spent", *words, code=4)
    first = list(passes.n_rows)
    assert len(first) == 3
    assert not (home.folder / "model").exists()
    passes.n_rows.clear()
    ended = train(home, "--budget", "1h", "--resume")
    assert ended.json()["kept"] == "probe"
    assert passes.n_rows[0] == first[-1], "the piece that was at work is encoded again"
    records = read_lines(home.folder / "model.work" / "plan.jsonl").records[1:]
    assert "probe.given_up" not in [line["key"] for line in records]
    whole = [passes.n_rows[0], *first[:2], *passes.n_rows[1:]]
    passes.n_rows.clear()
    assert train(home, "--budget", "1h", "--force").code == 0
    assert sorted(passes.n_rows) == sorted(whole)


def test_the_time_of_an_encoding_is_written_down_as_it_goes(
    home: Home, passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill in the middle of an hour of encoding must not give that hour back to the budget."""
    monkeypatch.setattr(probe, "_WRITTEN_DOWN_S", -1.0)
    with home.site(ladder__rungs=("probe",)) as (site, (rung,)):
        rung.climb(site)
        events = site.journal.events("encoding")
    shares = [event["share"] for event in events]
    assert len(shares) >= len(passes.n_rows) >= 5
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {event["rung"] for event in events} == {"probe"}


def test_what_has_landed_is_not_given_up_when_it_is_fitted_again(home: Home, passes: Passes) -> None:
    """Its features may have gone from the disk between two lives: they are made again, however late it is."""
    with home.site(ladder__rungs=("linear", "probe"), ladder__budget="1h") as (site, (linear, rung)):
        for each in (linear, rung):
            site.landings[each.name] = each.climb(site)
        n_passes = len(passes.n_rows)
        shutil.rmtree(site.features)
        site.clock = Clock(1.0, started_s=2.0, now=passes.now)
        finished = rung.finish(site, site.landings["probe"])
        assert "probe.given_up" not in decided(site)
    assert len(passes.n_rows) == 2 * n_passes
    assert finished.measured_on.startswith("300 train and validation rows")
