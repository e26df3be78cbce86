"""``tunesmith predict``: answer texts from a file, from stdin or from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import Terminal, print_json, print_line

if TYPE_CHECKING:
    from tunesmith.api.answer import Style
    from tunesmith.types import Text


@options.takes_common
def predict(
    bundle: Annotated[Path, typer.Argument(help="Model folder that train wrote.")],
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE...", help="Texts: .csv or .tsv with a header, .jsonl, .parquet, also as .gz; - for stdin."
        ),
    ] = None,
    text: Annotated[list[str] | None, typer.Option("--text", help="One text; may be given several times.")] = None,
    column: Annotated[
        str | None,
        typer.Option(
            "--column", metavar="COL", help="Column of the text; default: that of the training file, else found."
        ),
    ] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(
            "--pair",
            metavar="TEXT|COL",
            help="Second text of each --text, where the model reads pairs; with a file, their column.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Give every label's probability.")] = False,
    keep: Annotated[
        str | None,
        typer.Option(
            "--keep", metavar="COLS", help="Input columns to hand on: id,date; default: all, with --json none."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="File to write, .csv or .jsonl; default: stdout.")
    ] = None,
    sql: options.Sql = None,
    db: options.Db = None,
    encoding: options.Encoding = None,
    skip_bad_rows: options.SkipBadRows = None,
    *,
    common: options.Common,
) -> None:
    """Answer the texts of a file, of stdin or of --text.

    On a terminal as a table, else as CSV with all input columns kept; with --json one object a line.
    """
    from tunesmith.api.answer import Asked, answer_file, answer_texts
    from tunesmith.data.bad_rows import BadRows
    from tunesmith.data.frames import table_of
    from tunesmith.data.source import source_given
    from tunesmith.errors import ConfigError

    # bytes of the command line that are no UTF-8 come as halves of surrogate pairs, which nothing can print
    texts, seconds = (
        [each.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for each in given or ()]
        for given in (text, pair)
    )
    flags = {
        "data.sql": sql,
        "data.db": db,
        "data.text": options.columns_asked(column),
        "data.encoding": encoding,
        "data.skip_bad_rows": skip_bad_rows,
    }
    recipe = common.recipe(flags)
    if bool(texts) == (bool(data) or recipe.data.sql is not None):
        raise ConfigError(
            "two-inputs" if texts else "nothing-to-predict",
            "give either a file (or - for stdin), a query (--sql and --db) or --text",
            advice=f'tunesmith predict {bundle} --text "..."',
        )
    if texts and seconds and len(texts) != len(seconds):
        raise ConfigError(
            "pairs-differ", "every --text needs its --pair", found=f"{len(texts)} --text, {len(seconds)} --pair"
        )
    threads = recipe.run.threads
    given: list[Text] = list(zip(texts, seconds, strict=True)) if texts and seconds else list(texts)
    if texts and out is None and keep is None and (common.json or sys.stdout.isatty()):
        answers = answer_texts(bundle, given, everything=everything, threads=threads)
        _print_answers(answers, given, json=common.json)
        return
    target: Path | Style = out or ("jsonl" if common.json else "table" if sys.stdout.isatty() else "csv")
    bad_rows = BadRows() if recipe.data.skip_bad_rows else None
    typed = {"text": texts, **({"pair": seconds} if seconds else {})}
    asked = Asked(
        column=recipe.data.text or None,
        pair=None if not seconds else "pair" if texts else seconds[0],
        everything=everything,
        encoding=recipe.data.encoding,
        threads=threads,
        keep=[name for name in keep.split(",") if name.strip()] if keep is not None else None,
        bad_rows=bad_rows,
    )
    with Terminal(quiet=common.quiet or target == "table") as terminal:
        answer_file(
            bundle,
            table_of(typed) if texts else source_given(data, recipe.data),
            asked,
            target=target,
            told=lambda n_rows: terminal.count("predicting", n_rows),
        )
    with Terminal(quiet=common.quiet) as terminal:
        for note in bad_rows.notes() if bad_rows else ():
            terminal.say(note)


def _print_answers(answers: list[dict[str, object]], texts: list[Text], *, json: bool) -> None:
    from tunesmith.api.answer import told_answer
    from tunesmith.types import as_one

    for answer, text in zip(answers, texts, strict=True):
        if json:
            print_json(answer)
        else:
            told = "  ".join(part.strip() for part in told_answer(answer).rsplit("  ", 1))
            print_line(f"{told}  {as_one(text)[:60]}")
            for label, share in dict(answer.get("probabilities", {})).items():  # type: ignore[call-overload]
                print_line(f"    {share:.3f}  {label}")
