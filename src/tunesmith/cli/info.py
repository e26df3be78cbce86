"""``tunesmith info``: what a model is, how it was made, how good, how big."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import print_json, print_line

if TYPE_CHECKING:
    from tunesmith.bundle.schema import Facts


@options.takes_common
def info(
    bundle: Annotated[Path, typer.Argument(help="Model folder that train wrote.")],
    *,
    common: options.Common,
) -> None:
    """Say what a model is, how it was made, how good and how big."""
    from tunesmith.api.model import load
    from tunesmith.bundle.card import BEFORE_COMPRESSION
    from tunesmith.bundle.data_statement import data_line
    from tunesmith.evaluate.figures import style_of
    from tunesmith.types import Interval

    common.recipe()
    model = load(bundle)
    facts = model.bundle.facts
    size = sum(path.stat().st_size for path in model.bundle.folder.rglob("*") if path.is_file())
    if common.json:
        print_json({**facts.model_dump(mode="json"), "size_mib": round(size / 2**20, 2)})
        return
    figures = facts.test_metrics or facts.metrics
    style, figure = style_of(facts.headline), Interval(**figures[facts.headline])
    measured = "test rows" if facts.test_metrics else facts.measured_on
    measured += BEFORE_COMPRESSION if facts.compression else ""
    more = f", ... ({len(facts.labels)} in all)" if len(facts.labels) > 8 else ""
    lines = {
        "model": f"{facts.kind}, rung {facts.rung}, {size / 2**20:.1f} MiB",
        "task": facts.task,
        "labels": ", ".join(facts.labels[:8]) + more if facts.labels else "none: it answers numbers",
        style.words: f"{style.told(figure.value)} ({style.span(figure)}, 95 %) on {measured}",
        **({} if facts.compression is None else {"compressed": _compressed(facts)}),
        **({} if facts.runtime is None else {"run by": f"{facts.runtime.name}, products of {facts.runtime.precision}"}),
        "data": data_line(facts),
        "base": _base(facts),
        "made with": ", ".join(f"{name} {number}" for name, number in facts.versions.items()),
    }
    width = max(10, *map(len, lines))
    for name, value in lines.items():
        print_line(f"{name:<{width}} {value}")


def _compressed(facts: Facts) -> str:
    """Say how it was made smaller and what that lost."""
    from tunesmith.evaluate.figures import style_of

    assert facts.compression is not None, "it was asked for"
    name = facts.learnt.objectives[0]
    loss = facts.compression.figures["loss"][name]
    steps = " of ".join((facts.compression.to, *reversed(facts.compression.earlier)))
    return (
        f"{steps}: lost {loss['value']:.2f} points of {style_of(name).words} "
        f"({loss['low']:.2f} to {loss['high']:.2f}, 95 %) on {facts.compression.rows:,} rows"
    )


def _base(facts: Facts) -> str:
    """Name the base model, and the method where its weights lie beside the bundle."""
    if facts.base is None:
        return "none"
    beside = f", as it was; beside it what {facts.method.name} has learnt" if facts.method else ""
    return f"{facts.base.name} ({facts.base.licence}){beside}"
