"""``tunesmith demo``: the main job on the embedded sample, no network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import Terminal, print_json, print_line
from tunesmith.cli.train import print_trained

_ASKED = (
    "my parcel was meant to come on tuesday, it is friday now and still nothing",
    "Charged two times for one kettle??",
    "how do i stop these daily offers in my inbox",
)


@options.takes_common
def demo(
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Model folder to write; default demo.model.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option("--budget", help="Wall clock from process start to exit; default 3m.")
    ] = None,
    *,
    common: options.Common,
) -> None:
    """Climb the ladder on the 1,680 messages that come along.

    They were written for this project: customers of a made-up shop, 24 intents. No network is used.
    """
    from tunesmith.api.training import Lives, train_recipe
    from tunesmith.sample import sample_file

    usual = [] if common.config else ["run.out=demo.model", "ladder.budget=3m"]
    asked = replace(common, sets=[*usual, *(common.sets or [])], offline=True)
    recipe = asked.recipe({"run.out": out, "ladder.budget": budget})
    with Terminal(quiet=common.quiet) as terminal:
        terminal.say("customer messages of a made-up shop, 24 intents, written for this project")
        trained = train_recipe(str(sample_file()), recipe, Lives(force=_may_replace(recipe.run.out)), narrator=terminal)
    if common.json:
        print_json(trained.as_json())
        return
    print_trained(trained)
    print_line()
    from tunesmith.api.model import load

    for text, answer in zip(_ASKED, load(trained.out).predict(_ASKED), strict=True):
        print_line(f"  {answer.label:<24} {answer.probability:.2f}  {text}")


def _may_replace(out: str | None) -> bool:
    """Tell whether nothing lies there but a model of this very sample."""
    from tunesmith.api.model import open_bundle
    from tunesmith.data.columns import choose_columns
    from tunesmith.data.labelled import labelled
    from tunesmith.data.read import read_table
    from tunesmith.errors import TunesmithError
    from tunesmith.ladder.prepare import digest
    from tunesmith.sample import sample_file

    if out is None or not Path(out).exists():
        return out is not None
    try:
        facts = open_bundle(out).facts
    except TunesmithError:
        return False
    table = read_table(str(sample_file()))
    rows = labelled(table, choose_columns(table))
    return facts.data.sha256 == digest(rows.texts, rows.labels)
