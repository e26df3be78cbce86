"""Base camp: everything a climb stands on, opened in the right order and closed whatever happens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tunesmith.config.recipe import Recipe
from tunesmith.data.table import Table
from tunesmith.errors import ConfigError, Stopped
from tunesmith.ladder.describe import versions
from tunesmith.ladder.narrate import Narrator
from tunesmith.ladder.prepare import prepare
from tunesmith.ladder.resolve import Resolved
from tunesmith.ladder.site import Site
from tunesmith.machine.describe import cpu_model
from tunesmith.machine.device import choose_device
from tunesmith.machine.rates import matmul_rate
from tunesmith.machine.threads import choose_threads, set_threads
from tunesmith.run.checkpoint import Checkpoints
from tunesmith.run.clock import Clock
from tunesmith.run.journal import Journal
from tunesmith.run.lock import RunLock
from tunesmith.run.log import RunLog
from tunesmith.run.plan import Plan, PlanHeader
from tunesmith.run.signals import StopRequested
from tunesmith.run.workspace import Workspace


@dataclass(frozen=True)
class Lives:
    """How a run relates to earlier ones in the same place."""

    resume: bool = False
    """Go on with a run that was stopped or killed."""
    force: bool = False
    """Replace what is there."""
    follow: Path | None = None
    """Plan file whose decisions are taken instead of the clock's."""


@contextmanager
def open_site(resolved: Resolved, table: Table, out: Path, *, lives: Lives, narrator: Narrator) -> Iterator[Site]:
    """Open the records of a run and prepare its rows.

    Args:
        resolved: The recipe, checked.
        table: The training file as read.
        out: The model folder to be.
        lives: Whether to go on, to replace, or to follow a plan.
        narrator: Told what happens.

    Yields:
        The site; on leaving it by an error, what is needed to resume stays.

    Raises:
        ConfigError: The place is taken, or there is nothing to resume.
        ResourceError: Another process works there.
    """
    recipe = resolved.recipe
    device = choose_device(recipe.run.device)
    workspace = Workspace(out)
    with RunLock(workspace.lock) as lock, StopRequested() as stop:
        start = workspace.prepare(lock, resume=lives.resume, force=lives.force, follow=lives.follow)
        if start == "finished":
            raise ConfigError(
                "nothing-to-resume",
                "this run had come to its end",
                where=str(out),
                advice=f"use it: tunesmith info {out}",
            )
        data = prepare(table, recipe.data, resolved.task, seed=recipe.run.seed)
        journal = Journal(workspace.journal)
        clock = Clock(resolved.budget_s, earlier_s=journal.elapsed_s())
        plan = Plan.open(workspace.plan, _header(recipe, data.sha256), follow=lives.follow)
        for note in plan.notes:
            narrator.say(note)
        threads = int(plan.decide("threads", lambda: recipe.run.threads or choose_threads()))
        set_threads(threads)
        journal.append("started", device=device, threads=threads)
        site = Site(
            recipe=recipe,
            task=resolved.task,
            data=data,
            features=workspace.features,
            workspace=workspace,
            plan=plan,
            journal=journal,
            checkpoints=Checkpoints(workspace.checkpoints),
            clock=clock,
            log=RunLog(workspace.log),
            stop=stop,
            narrator=narrator,
            matmul_gflops=matmul_rate(threads=threads),
        )
        try:
            yield site
        except Stopped:
            journal.append("stopped")
            raise
        finally:
            site.log.flush()
        workspace.finish()


def _header(recipe: Recipe, data_sha256: str) -> PlanHeader:
    """Name what a plan is for; the budget is no part of it, since the plan stands for the clock."""
    values = recipe.model_dump(mode="json")
    values["run"].pop("out")
    values["ladder"].pop("budget")
    digests = [hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest() for value in (values, versions())]
    return PlanHeader(recipe=digests[0], data=data_sha256, versions=digests[1], cpu=cpu_model())
