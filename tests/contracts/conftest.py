"""One climb over every rung of the usual task, for the suites of what comes out of a climb."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from tests.ladder.tiny_climb import Home, options

from tunesmith.bundle.schema import Facts
from tunesmith.config.recipe import Recipe
from tunesmith.data.read import read_table
from tunesmith.ladder.climb import Outcome
from tunesmith.ladder.describe import facts_of
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.resolve import resolve
from tunesmith.ladder.rungs import RUNGS, Rung, finetune
from tunesmith.ladder.site import Site
from tunesmith.models.networks import NETWORKS

ONE_PASS, FEW_PASSES = {"epochs": 1.0}, {"epochs": 4.0}
BESIDE = "lora"
"""Name under which a fit has landed that leaves the base as it is: its bundle is of a kind that no rung lands in."""


@dataclass(frozen=True)
class Climbed:
    """A site whose rungs have all landed, and what each had foreseen before it climbed."""

    site: Site
    rungs: dict[str, Rung]
    forecasts: dict[str, float]

    def landing(self, rung: str) -> Landing:
        """What a rung brought."""
        assert rung in self.site.landings, f"the climb of {self.site.task.name} does not lead over {rung}"
        return self.site.landings[rung]

    def facts(self, landing: Landing) -> Facts:
        """What a bundle says of itself whose model is that of a landing."""
        metrics = self.site.task.metrics(landing.logits, landing.targets, self.site.data.coding, calibration=None)
        outcome = Outcome(
            landings=(landing,),
            comparisons={},
            validation={landing.rung: metrics},
            kept=landing,
            calibration=self.site.task.calibrate(landing.logits, landing.targets),
            metrics=metrics,
            test=None,
            stopped_because="top",
        )
        return facts_of(self.site, outcome, label_type="str")


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread: beside a busy neighbour, two take ten times as long for so little work."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


@pytest.fixture(autouse=True)
def with_one_thread() -> Iterator[None]:
    """Every test here."""
    with one_thread():
        yield


@pytest.fixture(scope="session")
def climbed(tmp_path_factory: pytest.TempPathFactory) -> Climbed:
    """The tiny file climbed to the top, no rung left out; the run is over, so nothing of it stays in force."""
    forecasts = {}
    with one_thread(), pytest.MonkeyPatch.context() as patched:
        home = Home(tmp_path_factory.mktemp("climbed"), patched)
        say_it_again(home.folder / "rows.csv")
        passes = {**options("finetune", ONE_PASS), **options("refine", ONE_PASS)}
        for network in NETWORKS.names():
            passes |= options(network, FEW_PASSES)
        asked = resolve(Recipe()).task.rungs
        say_it_again(Path(home.unlabelled))
        with home.site(ladder__rungs=asked, data__unlabelled=home.unlabelled, **passes) as (site, rungs):
            for rung in rungs:
                forecasts[rung.name] = rung.forecast(site)
                site.landings[rung.name] = rung.climb(site)
            beside = finetune.build(RUNGS.options("finetune", {"method": "lora", "learning_rate": 1e-2, "epochs": 2.0}))
            beside.name = BESIDE
            site.landings[BESIDE] = beside.climb(site)
    return Climbed(site, {rung.name: rung for rung in rungs}, forecasts)


def say_it_again(path: Path) -> None:
    """Let the first word of each text, which tells its label, come four times more: every rung can learn that."""
    table = read_table(path)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(table.columns)
        for text, *label in zip(*table.columns.values(), strict=True):
            rows.writerow([f"{text.split()[0]} " * 4 + text, *label])
