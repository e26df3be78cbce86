"""A climb inside this process, on the tiny base and file, with the machine's speed left out of it."""

from __future__ import annotations

import csv
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.ladder.tiny_base import tiny_base, tiny_file

from tunesmith.config.recipe import load_recipe
from tunesmith.data.read import read_table
from tunesmith.errors import Stopped
from tunesmith.ladder import camp, fitting
from tunesmith.ladder.camp import Lives, open_site
from tunesmith.ladder.climb import Outcome, climb
from tunesmith.ladder.fit import Fit
from tunesmith.ladder.narrate import Silent
from tunesmith.ladder.resolve import resolve
from tunesmith.ladder.rungs import Rung
from tunesmith.ladder.site import Site
from tunesmith.train.loop import Step

BATCH_TOKENS = 128
SAVE_EVERY = 16
"""Steps, as a step is taken to last a second."""
SETTINGS = {
    "ladder.rungs": ("probe", "finetune"),
    "ladder.budget": "none",
    "ladder.min_gain": 0.0,
    "run.threads": 1,
    "run.offline": True,
    **{f"rung.{name}.learning_rate": 1e-3 for name in ("finetune", "refine")},
    **{f"rung.{name}.batch_tokens": BATCH_TOKENS for name in ("finetune", "refine")},
    **{f"rung.{name}.epochs": 4.0 for name in ("finetune", "refine")},
    **{f"rung.{name}.save_every_s": float(SAVE_EVERY) for name in ("finetune", "refine")},
}
STAYS = {"learning_rate": 1e-12, "head_learning_rate": 0.0}
"""Options of a fit that changes nothing, so that no climb ends for what it brought."""
LEARNS = {"learning_rate": 3e-3, "epochs": 8.0}
"""Options of a fit that is far better than the probe."""
_AFTER = Fit.after


class Told(Silent):
    """Keeps what the user is told."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def say(self, line: str) -> None:
        """See ``Narrator``."""
        self._lines.append(line)


def options(rung: str, values: Mapping[str, object]) -> dict[str, object]:
    """Options of a rung as ``Home`` takes them."""
    return {f"rung__{rung}__{name}": value for name, value in values.items()}


def unlabelled_file(path: Path) -> Path:
    """Write texts of the same kind as the rows, without their labels."""
    table = read_table(tiny_file(path, n_rows=200, seed=1))
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([["text"], *([text] for text in table.columns["text"])])
    return path


class Home:
    """A folder with the base, the file and the runs of one test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.published: list[str] = []
        """Rungs, in the order in which they were published."""
        self.told: list[str] = []
        """What the user was told."""
        self._monkeypatch = monkeypatch
        tiny_base(folder / "base")
        tiny_file(folder / "rows.csv")
        self.unlabelled = str(unlabelled_file(folder / "more.csv"))
        """Further texts without labels."""
        monkeypatch.setattr(camp, "set_threads", lambda n: None)  # it would hold for all tests after this one
        monkeypatch.setattr(camp, "matmul_rate", lambda **_: 10.0)
        monkeypatch.setattr(fitting, "seconds_per_token", lambda *_: 1.0 / BATCH_TOKENS / fitting._OVERHEAD)

    @contextmanager
    def site(
        self, name: str = "model", *, resume: bool = False, follow: Path | None = None, **settings: object
    ) -> Iterator[tuple[Site, Sequence[Rung]]]:
        """Open a site; settings, with ``__`` for a dot, go over the usual ones."""
        given = {key.replace("__", "."): value for key, value in settings.items()}
        recipe = load_recipe(None, [], {**SETTINGS, "base.name": str(self.folder / "base"), **given})
        resolved = resolve(recipe)
        table = read_table(self.folder / "rows.csv", encoding=None)
        lives = Lives(resume=resume, follow=follow)
        with open_site(resolved, table, self.folder / name, lives=lives, narrator=Told(self.told)) as site:
            assert site is not None
            yield site, resolved.rungs

    def climbed(
        self, name: str = "model", *, resume: bool = False, follow: Path | None = None, **settings: object
    ) -> tuple[Site, Outcome]:
        """Climb to the end, writing no bundle."""
        with self.site(name, resume=resume, follow=follow, **settings) as (site, rungs):
            return site, climb(site, rungs, lambda outcome: self._publish(site, outcome))

    def stopped(self, name: str = "model", *, rung: str = "finetune", after: int, **settings: object) -> None:
        """Climb until a rung has taken some steps, then ask the process to stop as a user does."""

        def ask(fit: Fit, step: Step) -> None:
            if (fit._name, step.number) == (rung, after):
                signal.raise_signal(signal.SIGTERM)

        self.before_after(ask)
        with pytest.raises(Stopped, match=f"after step {after} of"):
            self.climbed(name, **settings)
        self.before_after(lambda fit, step: None)

    def before_after(self, call: Callable[[Fit, Step], object]) -> None:
        """Have something called with each step that has been taken, before the fit looks at it."""

        def after(fit: Fit, step: Step) -> None:
            call(fit, step)
            _AFTER(fit, step)

        self._monkeypatch.setattr(Fit, "after", after)

    def _publish(self, site: Site, outcome: Outcome) -> None:
        self.published.append(outcome.kept.rung)
        site.journal.append("published", rung=outcome.kept.rung)
