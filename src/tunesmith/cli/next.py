"""``tunesmith next``: which rows to label next."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import Terminal, print_json, print_line
from tunesmith.errors import counted, quote

if TYPE_CHECKING:
    from tunesmith.api.proposing import Proposed

_SHOWN_ROWS = 20
_WIDTH = 60


@options.takes_common
def next_rows(
    bundle: Annotated[Path, typer.Argument(help="Model folder that train wrote.")],
    unlabelled: Annotated[
        list[str] | None,
        typer.Option(
            "--unlabelled",
            metavar="FILE",
            help="Rows to choose from, in any format that train reads; several times for several files; - for stdin.",
        ),
    ] = None,
    n: Annotated[int, typer.Option("-n", "--rows", min=1, help="Rows to propose.")] = 50,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="STRATEGY",
            help="uncertainty, diversity or both; default: both, diversity where the model answers numbers.",
        ),
    ] = None,
    labelled: Annotated[
        list[str] | None,
        typer.Option("--labelled", metavar="FILE", help="Rows labelled already, such as the training file."),
    ] = None,
    text: options.Text = None,
    pair: options.Pair = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="File to write, .csv or .jsonl; default: pool.next.csv by pool.csv."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file at OUT.")] = False,
    sql: options.Sql = None,
    db: options.Db = None,
    encoding: options.Encoding = None,
    skip_bad_rows: options.SkipBadRows = None,
    *,
    common: options.Common,
) -> None:
    """Choose the rows to label next; write them ready to fill in.

    Rows with their label filled in are not proposed, nor are empty texts or two that are nearly the same.
    """
    from tunesmith.api.proposing import Asked, propose_file
    from tunesmith.errors import ConfigError
    from tunesmith.select.propose import Wanted

    flags = {
        "data.sql": sql,
        "data.db": db,
        "data.text": options.columns_asked(text),
        "data.pair": pair,
        "data.encoding": encoding,
        "data.skip_bad_rows": skip_bad_rows,
    }
    recipe = common.recipe(flags)
    if not unlabelled and recipe.data.sql is None:
        raise ConfigError(
            "no-data",
            "no rows to choose from are given",
            advice=f"tunesmith next {bundle} --unlabelled FILE, or a query with --sql and --db",
        )
    asked = Asked(
        wanted=Wanted(n, by, recipe.run.seed),
        labelled=labelled or None,
        out=out,
        force=force,
        threads=recipe.run.threads,
    )
    with Terminal(quiet=common.quiet) as terminal:
        proposed = propose_file(bundle, unlabelled, recipe.data, asked=asked, narrator=terminal)
    if common.json:
        print_json(proposed.as_json())
    else:
        _print(proposed, labelled or ["LABELLED.csv"])


def _print(proposed: Proposed, labelled: list[str]) -> None:
    """Print the first rows, what was left out, and what to do now."""
    from tunesmith.api.answer import told_answer
    from tunesmith.types import as_one

    found = proposed.found
    for answer, text in list(zip(found.answers, proposed.texts, strict=True))[:_SHOWN_ROWS]:
        print_line(f"{answer['row']:>6}  {told_answer(answer)}  {as_one(text)[:_WIDTH]}")
    if len(found.rows) > _SHOWN_ROWS:
        print_line(f"        and {len(found.rows) - _SHOWN_ROWS} more")
    print_line()
    seen = f", features: {found.features}" if found.features else ""
    print_line(f"{counted(len(found.rows), 'row')} of {proposed.n_rows} to label, by {found.by}{seen}")
    if reasons := found.pool.reasons():
        print_line(f"left out: {'; '.join(reasons)}")
    print_line(f"written to {proposed.out}: fill in the column {quote(proposed.label)}, then")
    print_line()
    print_line(f"  tunesmith train {shlex.join([*labelled, str(proposed.out), *proposed.flags])}")
