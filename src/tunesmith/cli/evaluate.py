"""``tunesmith evaluate``: measure a model on labelled rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import Terminal, print_json, print_line
from tunesmith.types import JSON

_HEADLINES = ("accuracy", "macro_f1", "weighted_f1", "macro_recall", "mcc", "log_loss", "ece")


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="A model folder.")],
    data: Annotated[Path, typer.Argument(help="A labelled file.")],
    text: options.Text = None,
    label: options.Label = None,
    encoding: options.Encoding = None,
    config: options.Config = None,
    sets: options.Sets = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    seed: options.Seed = None,
    offline: options.Offline = None,
    device: options.Device = None,
    threads: options.Threads = None,
) -> None:
    """Measure a model on labelled rows; every figure with its 95 % interval."""
    from tunesmith.api.measure import evaluate_file

    given = {"text": text, "label": label, "encoding": encoding, "seed": seed, "offline": offline}
    recipe = options.recipe_of(config, sets, **given, device=device, threads=threads)
    with Terminal(quiet=quiet) as terminal:
        found = evaluate_file(
            bundle,
            data,
            text=",".join(recipe.data.text) or None,
            label=recipe.data.label,
            encoding=recipe.data.encoding,
            threads=recipe.run.threads,
            progress=terminal.progress,
        )
    if json:
        print_json(found)
    else:
        _print_table(found)


def _print_table(found: dict[str, JSON]) -> None:
    metrics = found["metrics"]
    print_line(f"{found['rows']} rows, 95 % intervals")
    for name in _HEADLINES:
        figure = metrics[name]
        print_line(f"  {name:<14} {figure['value']:.4f}  ({figure['low']:.4f} to {figure['high']:.4f})")
    print_line()
    print_line(f"  {'label':<32} precision  recall      f1    rows")
    per_class = sorted(metrics["per_class"].items(), key=lambda item: item[1]["f1"])
    for label, row in per_class:
        print_line(f"  {label[:32]:<32} {row['precision']:9.3f} {row['recall']:7.3f} {row['f1']:7.3f} {row['rows']:7d}")
