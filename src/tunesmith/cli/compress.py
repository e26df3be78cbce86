"""``tunesmith compress``: a smaller and faster model, written only where it is good enough."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import Terminal, print_json, print_line
from tunesmith.errors import counted
from tunesmith.types import JSON


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
        typer.Option("--to", metavar="TECHNIQUE", help="int8 (whole numbers), cascade, student, pruned or static."),
    ] = "int8",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder to write; default: the model's name with the technique."),
    ] = None,
    max_loss: Annotated[
        float, typer.Option("--max-loss", min=0.0, max=100.0, help="Points that may be lost; exit 4 where more are.")
    ] = 0.5,
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
    }
    recipe = common.recipe(flags)
    with Terminal(quiet=common.quiet) as terminal:
        run = Run(threads=recipe.run.threads, seed=recipe.run.seed, narrator=terminal, force=force)
        found = compress_model(bundle, data, out, to=to, max_loss=max_loss, recipe=recipe, run=run)
    if common.json:
        print_json(found)
    else:
        _print(found)


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
