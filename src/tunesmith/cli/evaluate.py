"""``tunesmith evaluate``: measure a model on labelled rows."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from typing import Annotated
from unicodedata import east_asian_width

import typer

from tunesmith.cli import options
from tunesmith.cli.console import Terminal, print_json, print_line
from tunesmith.errors import counted
from tunesmith.evaluate.dead_labels import dead_labels
from tunesmith.evaluate.figures import STYLES
from tunesmith.report.classes import label_lines
from tunesmith.types import JSON, Interval

_LABEL_WIDTH = 27  # with three figures and the rows, a line has 100 columns
_FIGURE_WIDTH = len("0.900 (0.596-0.982)")


@options.takes_common
def evaluate(
    bundle: Annotated[Path, typer.Argument(help="Model folder that train wrote.")],
    data: options.Labelled = None,
    sql: options.Sql = None,
    db: options.Db = None,
    text: options.Text = None,
    pair: options.Pair = None,
    label: options.Label = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="COL", help="Measure the rows of each value of this column apart as well."),
    ] = None,
    encoding: options.Encoding = None,
    skip_bad_rows: options.SkipBadRows = None,
    drop_unlabelled: options.DropUnlabelled = None,
    *,
    common: options.Common,
) -> None:
    """Measure a model on labelled rows; 95 % intervals throughout."""
    from tunesmith.api.measure import evaluate_file

    flags = {
        "data.sql": sql,
        "data.db": db,
        "data.text": options.columns_asked(text),
        "data.pair": pair,
        "data.label": label,
        "data.encoding": encoding,
        "data.skip_bad_rows": skip_bad_rows,
        "data.drop_unlabelled": drop_unlabelled,
    }
    recipe = common.recipe(flags)
    with Terminal(quiet=common.quiet) as terminal:
        found = evaluate_file(
            bundle,
            data,
            recipe.data,
            by=by,
            threads=recipe.run.threads,
            progress=terminal.progress,
            told=terminal.say,
        )
    if common.json:
        print_json(found)
    else:
        _print_table(found)
        _print_slices(found.get("slices", []), by or "")


def _print_table(found: dict[str, JSON]) -> None:
    metrics = found["metrics"]
    print_line(f"{counted(found['rows'], 'row')}, 95 % intervals")
    for name in (name for name in STYLES if name in metrics):
        figure = metrics[name]
        print_line(f"  {name:<15} {figure['value']:.4f}  ({figure['low']:.4f} to {figure['high']:.4f})")
    if "per_class" not in metrics:
        return
    print_line()
    _print_columns("label", ("recall", "precision", "F1"), "rows")
    for line in label_lines(metrics["per_class"]):
        _print_columns(line.label, (_told(line.recall), _told(line.precision), _told(line.f1)), str(line.rows))
    if dead := dead_labels(metrics):
        print_line(f"  no row is answered right of: {', '.join(dead)}")


def _print_slices(slices: list[dict[str, JSON]], by: str) -> None:
    """Print the figures of each value beside one another, those of most rows first."""
    if not slices:
        return
    names = [name for name in slices[0] if name not in ("value", "rows")]
    print_line()
    _print_columns(by, tuple(names), "rows")
    for each in slices:
        figures = tuple(_told(Interval(**each[name])) for name in names)
        _print_columns(each["value"] or "(empty)", figures, str(each["rows"]))


def _print_columns(label: str, figures: tuple[str, ...], rows: str) -> None:
    cells = "".join(f"{figure:<{_FIGURE_WIDTH}}  " for figure in figures)
    print_line(f"  {_fitted(label, _LABEL_WIDTH)}  {cells[:-1]}{rows:>7}")


def _told(figure: Interval | None) -> str:
    return "-" if figure is None else f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})"


def _fitted(text: str, width: int) -> str:
    """Fill or cut a text to columns of a terminal, where Chinese, Japanese and Korean characters take two."""
    ends = list(accumulate(2 if east_asian_width(char) in "WF" else 1 for char in text))
    if ends and ends[-1] > width:
        n_kept = sum(end < width for end in ends)  # one column is the ellipsis's
        text, ends = text[:n_kept] + "…", [*ends[:n_kept], ends[n_kept - 1] + 1]
    return text + " " * (width - (ends[-1] if ends else 0))
