"""Base camp: everything a climb stands on, opened in the right order and closed whatever happens."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tunesmith.config.recipe import Recipe
from tunesmith.data.table import Table
from tunesmith.errors import Stopped
from tunesmith.files.manifest import file_digest
from tunesmith.ladder.describe import versions
from tunesmith.ladder.narrate import Narrator
from tunesmith.ladder.prepare import Prepared, digest, prepare
from tunesmith.ladder.resolve import Resolved
from tunesmith.ladder.site import Site
from tunesmith.machine.describe import cpu_model
from tunesmith.machine.device import TESTED, Precision, choose_device, choose_precision, is_present
from tunesmith.machine.rates import matmul_rate
from tunesmith.machine.threads import choose_threads, set_threads
from tunesmith.models.base import BaseModel, find_base
from tunesmith.run.checkpoint import Checkpoints
from tunesmith.run.clock import Clock
from tunesmith.run.journal import Journal
from tunesmith.run.known_machine import known_bf16_speed
from tunesmith.run.lock import RunLock
from tunesmith.run.log import RunLog
from tunesmith.run.plan import Plan, PlanHeader
from tunesmith.run.signals import StopRequested
from tunesmith.run.workspace import Start, Workspace
from tunesmith.track import Place, Trackers, tracked
from tunesmith.types import JSON

_SECONDS_OF_THE_RATE = 0.1
"""To measure the matrix product for: with a few rows, a climb takes two or three seconds of its own."""


@dataclass(frozen=True)
class Lives:
    """How a run relates to earlier ones in the same place."""

    resume: bool = False
    """Go on with a run that was stopped or killed."""
    force: bool = False
    """Replace what is there."""
    follow: Path | None = None
    """Plan file whose decisions are taken instead of the clock's."""
    began: float | None = None
    """``time.monotonic()`` when this life began; None where it began with its process."""

    def lasted_s(self) -> float | None:
        """Tell how long this life has lasted.

        Returns:
            Seconds; None where the age of the process tells.
        """
        return None if self.began is None else time.monotonic() - self.began


@contextmanager
def open_site(
    resolved: Resolved, table: Table, out: Path, *, lives: Lives, narrator: Narrator
) -> Iterator[Site | None]:
    """Open the records of a run and prepare its rows.

    Args:
        resolved: The recipe, checked.
        table: The training file as read.
        out: The model folder to be.
        lives: Whether to go on, to replace, or to follow a plan.
        narrator: Told what happens.

    Yields:
        The site; None where the run to go on with had come to its end. On leaving the site by an error, what is needed
        to resume stays.

    Raises:
        ConfigError: The place is taken, there is nothing to resume, or the base model is missing.
        DataError: The rows cannot be used.
        ResourceError: Another process works there.
        Stopped: The user did not wait for the run to stop by itself; it can be resumed.
    """
    recipe = resolved.recipe
    device = choose_device(recipe.run.device)
    workspace = Workspace(out)
    with RunLock(workspace.lock) as lock, StopRequested() as stop:
        start = workspace.prepare(lock, resume=lives.resume, force=lives.force, follow=lives.follow)
        with _no_trace_of_a_false_start(workspace, start):
            # a base model that is missing: better said before minutes of work
            base = find_base(recipe.base.name, offline=recipe.run.offline) if resolved.uses_base else None
            data = prepare(table, recipe.data, resolved.task, seed=recipe.run.seed)
            header = _header(recipe, data, base)
            plan = Plan.open(workspace.plan, header, follow=lives.follow)
        del table  # the rows are taken out of it; a climb may last for hours
        if start == "finished":
            yield None
            return
        journal = Journal(workspace.journal, started_s=lives.lasted_s())
        clock = Clock(resolved.budget_s, earlier_s=journal.elapsed_s(), started_s=lives.lasted_s())
        for note in plan.notes:
            narrator.say(note)
        threads = int(plan.decide("threads", lambda: recipe.run.threads or choose_threads()))
        set_threads(threads)
        precision = _precision(plan, recipe, device, narrator=narrator)
        journal.append("started", device=device, threads=threads)
        with _tracked(recipe, workspace, narrator) as trackers:
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
                device=device,
                precision=precision,
                matmul_gflops=matmul_rate(seconds=_SECONDS_OF_THE_RATE, threads=threads, device=device),
                uses_base=resolved.uses_base,
                base_sha256=header.base,
                trackers=trackers,
            )
            try:
                yield site
            except Stopped:
                journal.append("stopped")
                raise
            except KeyboardInterrupt as error:
                journal.append("stopped")
                raise Stopped("stopped", "stopped at once", where=str(out), advice="go on with --resume") from error
            finally:
                for note in site.checkpoints.notes:
                    narrator.say(note)
                site.log.flush()
        workspace.finish()


def _precision(plan: Plan, recipe: Recipe, device: str, *, narrator: Narrator) -> Precision:
    """Decide what a training step multiplies; plans of earlier versions, which knew float32 alone, do not say."""
    precision: Precision = "fp32"
    if plan.announces("precision") or not plan.following:
        asked = recipe.run.precision
        found = plan.decide("precision", lambda: choose_precision(asked, device, known_bf16_speed))
        precision = "bf16" if found == "bf16" else "fp32"
    if device not in TESTED:
        narrator.say(f"encoders and networks are computed on {device}, in {precision}; this path is untested")
    elif recipe.run.device == "auto" and device == "cpu" and is_present("cuda"):
        narrator.say("cuda is there; its path is untested, so only --device cuda takes it")
    return precision


@contextmanager
def _no_trace_of_a_false_start(workspace: Workspace, start: Start) -> Iterator[None]:
    """Leave nothing of a run that could not begin: it would stand in the way of the next as an unfinished one."""
    try:
        yield
    except BaseException:
        if start == "fresh":
            workspace.finish()
            workspace.plan.unlink(missing_ok=True)
        raise


@contextmanager
def _tracked(recipe: Recipe, workspace: Workspace, narrator: Narrator) -> Iterator[Trackers]:
    """Record this life of the run elsewhere too, where that is asked for; a later life is a record of its own."""
    asked = recipe.track
    name = f"{workspace.folder.name.removesuffix('.work')}-{time.strftime('%Y%m%d-%H%M%S')}"
    place = Place(Path(asked.folder) if asked.folder else workspace.track, asked.project, name)
    with tracked(asked.to, place, narrator.say) as trackers:
        trackers.parameters(recipe.model_dump(mode="json"))
        yield trackers


def _header(recipe: Recipe, data: Prepared, base: BaseModel | None) -> PlanHeader:
    """Name what a plan is for; the budget is no part of it, since the plan stands for the clock."""
    values = recipe.model_dump(mode="json")
    values["run"].pop("out")
    if recipe.run.precision == "auto":
        values["run"].pop("precision")  # unknown to earlier versions, whose runs can be gone on with
    values.pop("track")  # who looks on decides nothing
    values["ladder"].pop("budget")
    parts = hashlib.sha256(data.sha256.encode())
    for rows in (data.split.train, data.split.validation, data.split.test):
        parts.update(hashlib.sha256(rows.tobytes()).digest())
    if data.unlabelled:
        parts.update(digest(data.unlabelled, [""] * len(data.unlabelled)).encode())
    return PlanHeader(
        recipe=_digest(values),
        data=parts.hexdigest(),
        base="" if base is None else file_digest(base.folder / "model.safetensors"),
        versions=_digest(versions()),
        cpu=cpu_model(),
    )


def _digest(value: JSON) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
