"""``tunesmith compress``: a smaller and faster model, written only where it is good enough."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import Terminal, print_json, print_line
from tunesmith.errors import ConfigError, counted
from tunesmith.types import JSON

AUTO = "auto"
"""The technique that searches among the others."""


@options.takes_common
def compress(
    bundle: Annotated[Path, typer.Argument(help="Model folder that train wrote.")],
    data: Annotated[
        str,
        typer.Option(
            "--data", metavar="FILE", help="Labelled rows to hold it to: those it was trained on, or others like them."
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="TECHNIQUE",
            help="int8 (whole numbers), cascade, student, pruned, static; some in a row: student+int8; auto: the best.",
        ),
    ] = "int8",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder to write; default: the model's name with the technique."),
    ] = None,
    max_loss: Annotated[
        float, typer.Option("--max-loss", min=0.0, max=100.0, help="Points that may be lost; exit 4 where more are.")
    ] = 0.5,
    size: Annotated[
        str | None, typer.Option("--size", metavar="SIZE", help="With --to auto: most that it may take, such as 10MB.")
    ] = None,
    latency: Annotated[
        str | None,
        typer.Option("--latency", metavar="TIME", help="With --to auto: most time for one text (median), such as 2ms."),
    ] = None,
    unlabelled: Annotated[
        str | None,
        typer.Option(
            "--unlabelled", metavar="FILE", help="Further texts without labels that a smaller model may learn from."
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option("--budget", help="Most time that a smaller model may learn: 90s, 10m, none; default 10m."),
    ] = None,
    text: options.Text = None,
    label: options.Label = None,
    pair: options.Pair = None,
    encoding: options.Encoding = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a compressed model that is at OUT; nothing else.")
    ] = False,
    *,
    common: options.Common,
) -> None:
    """Make a model smaller and faster, held to what it was.

    Both models answer rows that were held out; where the smaller one loses more than is allowed, nothing is written.
    """
    from tunesmith.api.compressing import compress as compress_model
    from tunesmith.api.run import Run

    flags = {
        "data.text": options.columns_asked(text),
        "data.label": label,
        "data.pair": pair,
        "data.encoding": encoding,
        "ladder.budget": budget,
        "data.unlabelled": unlabelled,
        "technique.auto.size": size,
        "technique.auto.latency": latency,
    }
    if to != AUTO:
        _refuse_limits(size=size, latency=latency)
    recipe = common.recipe(flags)
    with Terminal(quiet=common.quiet) as terminal:
        run = Run(threads=recipe.run.threads, seed=recipe.run.seed, narrator=terminal, force=force)
        found = compress_model(bundle, data, out, to=to, max_loss=max_loss, recipe=recipe, run=run)
    if common.json:
        print_json(found)
    else:
        _print(found)


def _refuse_limits(**limits: str | None) -> None:
    """Only a search looks at what a model takes; elsewhere a limit would be kept by chance."""
    for name, given in limits.items():
        if given is not None:
            raise ConfigError(
                "limit-unused",
                f"--{name} is a limit that only --to {AUTO} keeps",
                allowed="--max-loss",
                advice=f"add --to {AUTO}",
            )


def _print(found: dict[str, JSON]) -> None:
    from tunesmith.evaluate.figures import style_of
    from tunesmith.report.compression import cost_lines
    from tunesmith.types import Interval

    print_line(f"{found['out']}: {found['to']}, held to {found['parent']} on {counted(found['rows'], 'row')}")
    print_line()
    if found["agreement"] is not None:
        same = Interval(**found["agreement"])
        print_line(
            f"  {'the same answer':<28} {100 * same.value:.1f} % ({100 * same.low:.1f} to {100 * same.high:.1f})"
        )
    for name, figure in found["loss"].items():
        lost = Interval(**figure)
        told = f"{lost.value:+.2f} points ({lost.low:+.2f} to {lost.high:+.2f})"
        print_line(f"  {f'lost of {style_of(name).words}':<28} {told}")
    for name, both in found["figures"].items():
        style = style_of(name)
        print_line(f"  {style.words:<28} {style.told(both['before']['value'])} -> {style.told(both['after']['value'])}")
    print_line()
    for line in cost_lines(found):
        print_line(f"  {line.name:<28} {line.before} -> {line.after}, {line.ratio} better")
    for note in found["notes"]:
        print_line(f"  {note}")
    if found["candidates"]:
        print_line()
        _print_candidates(found["candidates"])


def _print_candidates(candidates: Sequence[dict[str, JSON]]) -> None:
    from tunesmith.report.candidates import candidate_lines

    print_line(f"  {'tried':<34} {'lost':>6} {'MiB':>7} {'ms a text':>10} {'texts/s':>8}")
    for line in candidate_lines(candidates):
        told = f"{line.name:<34} {line.lost:>6} {line.size:>7} {line.latency:>10} {line.rate:>8}  {line.verdict}"
        print_line(f"  {told.rstrip()}")
