"""``tunesmith export``: write a model in a format that others load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import Terminal, print_json, print_line
from tunesmith.errors import counted
from tunesmith.types import JSON


@options.takes_common
def export(
    bundle: Annotated[Path, typer.Argument(help="Model folder that train wrote.")],
    to: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help="transformers, sentence-transformers, onnx or openvino.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder to write; default: the model's name with the format."),
    ] = None,
    max_loss: Annotated[
        float,
        typer.Option("--max-loss", min=0.0, max=100.0, help="Points that an export which is not exact may lose."),
    ] = 0.5,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="FILE", help="Rows of yours to compare on, and to fit on where a format asks."),
    ] = None,
    text: options.Text = None,
    label: options.Label = None,
    pair: options.Pair = None,
    encoding: options.Encoding = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an export that is at OUT; nothing else.")] = False,
    *,
    common: options.Common,
) -> None:
    """Write a model in a format that others load.

    What was written is loaded again by the format's own library and compared with the model; where it answers
    otherwise, nothing is left.
    """
    from tunesmith.api.exporting import export as export_model
    from tunesmith.api.run import Run

    flags = {
        "data.text": options.columns_asked(text),
        "data.label": label,
        "data.pair": pair,
        "data.encoding": encoding,
    }
    recipe = common.recipe(flags)
    with Terminal(quiet=common.quiet) as terminal:
        run = Run(threads=recipe.run.threads, seed=recipe.run.seed, narrator=terminal, force=force)
        found = export_model(bundle, to, out, data=data, section=recipe.data, max_loss=max_loss, run=run)
    if common.json:
        print_json(found)
    else:
        _print(found)


def _print(found: dict[str, JSON]) -> None:
    from tunesmith.export.wording import cut_difference

    whole, cut, loss = found["whole"], found["cut"], found["loss"]
    how = "answers as the model does" if found["tolerance"] else "answers near to what the model does"
    print_line(f"{found['out']}: {how}, by {found['runtime']} on {counted(whole['rows'], 'text')}")
    for name in ("logits", "values", "probabilities", "vectors"):
        if whole[name] is not None:
            print_line(f"  {name:<14} largest difference {whole[name]:.1e}")
    if whole["agreement"] is not None:
        print_line(f"  {'answers':<14} the same for {100 * whole['agreement']:.2f} %")
    if cut is not None:
        print_line(f"  {'longer texts':<14} cut here, read whole by the model: {cut_difference(cut)}")
    if loss is not None:
        held = counted(loss["rows"], "row")
        print_line(f"  {'loss':<14} {loss['points']:.2f} points of {loss['of']} on {held} held out")
