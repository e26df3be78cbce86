"""Training as one call: a labelled file in, the best model out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.api.model import Model, load, open_bundle
from tunesmith.bundle.card import card
from tunesmith.bundle.kinds import KINDS
from tunesmith.bundle.save import save_bundle
from tunesmith.bundle.schema import Facts
from tunesmith.bundle.shared_bases import share_base
from tunesmith.config.recipe import Recipe, load_recipe
from tunesmith.data.files_given import STDIN, are_paths, files_given, plain_stem
from tunesmith.data.frames import LabelType, label_type_of, table_of
from tunesmith.data.source import read_rows, source_given
from tunesmith.data.sql_rows import Query
from tunesmith.data.table import Table
from tunesmith.files.exchange import exchange_folders
from tunesmith.files.reading import read_json
from tunesmith.ladder.camp import Lives, open_site
from tunesmith.ladder.climb import Outcome, climb
from tunesmith.ladder.describe import costs_of, facts_of, rungs_of
from tunesmith.ladder.dry_run import dry_run
from tunesmith.ladder.narrate import Narrator, Silent
from tunesmith.ladder.resolve import member_problems, resolve
from tunesmith.ladder.settle import settle
from tunesmith.ladder.site import Site
from tunesmith.machine.energy import EnergyMeter
from tunesmith.report.page import report_page
from tunesmith.report.paradigm.compared import compared
from tunesmith.types import JSON

__all__ = ["Lives", "Trained", "dry_run_recipe", "train", "train_recipe"]

_N_COMPARED_TEXTS = 64


@dataclass(frozen=True)
class Trained:
    """What a run of ``train`` brought, now or in an earlier life."""

    out: Path
    facts: Facts
    """Of the model that lies there."""
    stopped_because: str
    seconds: float
    rungs: list[dict[str, JSON]]
    """As ``train --json`` lists them."""

    def as_json(self) -> dict[str, JSON]:
        """Give the answer of ``train --json``.

        Returns:
            Bundle, kept rung, why it stopped, seconds, rungs and test metrics.
        """
        return {
            "bundle": str(self.out),
            "kept": self.facts.rung,
            "stopped_because": self.stopped_because,
            "seconds": round(self.seconds, 2),
            "rungs": self.rungs,
            "test": self.facts.test_metrics,
        }


def train(
    data: Any = None,
    *,
    sql: str | None = None,
    db: str | None = None,
    text: str | Sequence[str] | None = None,
    pair: str | None = None,
    label: str | None = None,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    unlabelled: str | Path | None = None,
    base: str | Path | None = None,
    budget: str | None = None,
    rungs: Sequence[str] | None = None,
    method: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    threads: int | None = None,
    offline: bool | None = None,
    config: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    resume: bool = False,
    force: bool = False,
    plan: str | Path | None = None,
    narrator: Narrator | None = None,
) -> Model:
    """Climb the ladder on a labelled file or frame and give back the best model.

    Args:
        data: Path of a CSV, TSV, JSONL or Parquet file, or several paths; or a frame, a Hugging Face dataset or a
            mapping of columns.
        sql: Query whose rows are read instead.
        db: Database to ask, such as ``sqlite:///tickets.db``.
        text: Column of the text; found by itself when left out.
        pair: Column of the second text, where rows are pairs.
        label: Column of the label; found by itself when left out.
        validation: File whose rows choose between models.
        test: File looked at once, at the end.
        unlabelled: File of further texts without labels, to learn from by self-training.
        base: Folder or name of the pretrained encoder.
        budget: Wall clock of this call: ``"90s"``, ``"10m"``, ``"1h30m"`` or ``"none"``.
        rungs: Rungs to try.
        method: What fine-tuning trains: ``full``, or a method that trains less, such as ``lora``.
        task: What is learnt: ``single_label``, ``score`` and others; told by the labels when left out.
        metric: Figure that chooses.
        out: Model folder; left out, the file's stem with ``.model``, for a frame or several files
            ``tunesmith.model``.
        seed: Start of every random choice.
        threads: Threads to compute with.
        offline: Never use the network.
        config: A TOML recipe.
        options: Further recipe keys, dotted: ``{"rung.finetune.learning_rate": 1e-4}``.
        resume: Go on with a run that was stopped or killed.
        force: Replace a model that is there.
        plan: A ``plan.jsonl`` to follow instead of the clock.
        narrator: Told what happens; silent when left out.

    Returns:
        The model, loaded from its folder.

    Raises:
        TunesmithError: With what, where, found, allowed and what to try.
    """
    began = time.monotonic()
    flags = {
        "data.sql": sql,
        "data.db": db,
        "data.text": (text,) if isinstance(text, str) else text,
        "data.pair": pair,
        "data.label": label,
        "data.validation": None if validation is None else str(validation),
        "data.test": None if test is None else str(test),
        "data.unlabelled": None if unlabelled is None else str(unlabelled),
        "base.name": None if base is None else str(base),
        "ladder.budget": budget,
        "ladder.rungs": rungs,
        "rung.finetune.method": method,
        "ladder.metric": metric,
        "run.task": task,
        "run.out": None if out is None else str(out),
        "run.seed": seed,
        "run.threads": threads,
        "run.offline": offline,
        **(options or {}),
    }
    recipe = load_recipe(None if config is None else str(config), [], flags, member_problems=member_problems)
    lives = Lives(resume=resume, force=force, follow=None if plan is None else Path(plan), began=began)
    return load(train_recipe(data, recipe, lives, narrator=narrator or Silent()).out)


def train_recipe(data: Any, recipe: Recipe, lives: Lives, *, narrator: Narrator) -> Trained:
    """Climb the ladder as a recipe says.

    Args:
        data: Path of a labelled file or several paths, or a frame; None where the recipe has a query.
        recipe: Its common sections checked.
        lives: Whether to go on, to replace, or to follow a plan.
        narrator: Told what happens.

    Returns:
        What came out; the model lies in its folder.

    Raises:
        TunesmithError: With what, where, found, allowed and what to try.
    """
    resolve(recipe)  # what is wrong with it is told before any data is read
    data = source_given(data, recipe.data)
    out = _out_of(data, recipe)
    table = _table_of(data, recipe)
    recipe, task_notes = settle(recipe, table)
    resolved = resolve(recipe)
    with EnergyMeter() as meter, open_site(resolved, table, out, lives=lives, narrator=narrator) as site:
        del table  # the rows are taken out of it; a climb may last for hours
        if site is None:
            narrator.say("this run had come to its end before; nothing is left to do")
            return _trained_before(out)
        for note in (*task_notes, *resolved.notes, *site.notes):
            narrator.say(note)
        publisher = _Publisher(site, out, label_type=label_type_of(data, site.data.columns.label or ""), meter=meter)
        outcome = climb(site, resolved.rungs, publisher)
        assert publisher.facts is not None, "a climb ends with a model published"
        assert outcome.stopped_because is not None, "a climb ends for a reason"
        return Trained(
            out=out,
            facts=publisher.facts,
            stopped_because=outcome.stopped_because,
            seconds=site.clock.elapsed(),
            rungs=rungs_of(outcome),
        )


def dry_run_recipe(data: Any, recipe: Recipe) -> dict[str, JSON]:
    """Say what ``train_recipe`` would do, and do nothing.

    Args:
        data: Path of a labelled file or several paths, or a frame; None where the recipe has a query.
        recipe: Its common sections checked.

    Returns:
        Plain data as ``train --dry-run --json`` prints it.

    Raises:
        TunesmithError: What a real run would find wrong before training.
    """
    resolve(recipe)
    table = _table_of(source_given(data, recipe.data), recipe)
    recipe, notes = settle(recipe, table)
    return dry_run(resolve(recipe), table, notes=notes)


class _Publisher:
    """Writes a bundle whole beside its place, then puts it there."""

    def __init__(self, site: Site, out: Path, *, label_type: LabelType, meter: EnergyMeter) -> None:
        self._site = site
        self._out = out
        self._label_type = label_type
        self._meter = meter
        self.facts: Facts | None = None
        """Of the model published last."""

    def __call__(self, outcome: Outcome) -> None:
        site, kept = self._site, outcome.kept
        facts = facts_of(site, outcome, label_type=self._label_type)
        costs = self._costs(outcome)
        texts = [site.data.texts[row] for row in site.data.split.validation[:_N_COMPARED_TEXTS]]
        if KINDS.member(kept.kind).SHARES_BASE:
            share_base(site.base.folder, self._out.absolute().parent)
        save_bundle(
            site.workspace.next,
            kept.model,
            facts,
            probe_texts=texts,
            probe_logits=KINDS.member(kept.kind).predictor(kept.model).outputs(texts).logits,
            extra_files={"README.md": card(facts, costs), "report.html": report_page(facts, outcome, costs)},
            costs=costs,
        )
        exchange_folders(site.workspace.next, self._out)
        site.journal.append("published", rung=kept.rung)
        self.facts = facts
        if outcome.stopped_because is None:
            site.narrator.say(f"saved to {self._out}; Ctrl-C keeps it")

    def _costs(self, outcome: Outcome) -> dict[str, Any]:
        """Tell what the climb cost and how its rungs compare; and what the machine drew, where it says so."""
        site, watts = self._site, self._meter.watts()
        return {
            **costs_of(site, outcome),
            **compared(outcome, site.task, objective=site.objective, seed=site.seed),
            **({} if watts is None else {"power": {"watts": round(watts, 2), "source": "RAPL"}}),
        }


def _trained_before(out: Path) -> Trained:
    """Read what an earlier life brought from the model it wrote."""
    facts = open_bundle(out).facts
    costs = read_json(out / "costs.json")
    return Trained(
        out=out,
        facts=facts,
        stopped_because=costs["stopped_because"],
        seconds=costs["seconds"],
        rungs=costs["rungs"],
    )


def _out_of(data: Any, recipe: Recipe) -> Path:
    """Name the model after the file it is made from; several files, standard input and a frame have no one name."""
    if recipe.run.out:
        return Path(recipe.run.out)
    files = files_given(data) if are_paths(data) else []
    return Path(plain_stem(files[0]) + ".model") if len(files) == 1 and files[0] != STDIN else Path("tunesmith.model")


def _table_of(data: Any, recipe: Recipe) -> Table:
    is_read = are_paths(data) or isinstance(data, Query)
    return read_rows(data, recipe.data) if is_read else table_of(data)
