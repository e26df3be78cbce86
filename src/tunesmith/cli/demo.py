"""``tunesmith demo``: the main job on the embedded sample, no network."""

from __future__ import annotations

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


def demo(
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Model folder to write.")] = "demo.model",
    budget: Annotated[str, typer.Option("--budget", help="Wall clock: 90s, 10m or none.")] = "3m",
    config: options.Config = None,
    sets: options.Sets = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    seed: options.Seed = None,
    offline: options.Offline = None,
    device: options.Device = None,
    threads: options.Threads = None,
) -> None:
    """Climb the ladder on 1,680 customer messages that come with tunesmith; no network."""
    from tunesmith.api.training import Lives, train_recipe
    from tunesmith.config.recipe import load_recipe
    from tunesmith.sample import sample_file

    fixed = {"run.out": out, "run.offline": True if offline is None else offline, "ladder.budget": budget}
    flags = {**fixed, "run.seed": seed, "run.device": device, "run.threads": threads}
    recipe = load_recipe(config, sets or [], flags)
    with Terminal(quiet=quiet) as terminal:
        terminal.say("customer messages of a made-up shop, 24 intents, written for this project")
        trained = train_recipe(str(sample_file()), recipe, Lives(force=True), narrator=terminal)
    if json:
        print_json(trained.as_json())
        return
    print_trained(trained)
    print_line()
    from tunesmith.api.model import load

    for text, answer in zip(_ASKED, load(trained.out).predict(_ASKED), strict=True):
        print_line(f"  {answer.label:<24} {answer.probability:.2f}  {text}")
