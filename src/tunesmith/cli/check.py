"""``tunesmith check``: what is wrong with a file, by row, before any training."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import Terminal, print_json, print_line
from tunesmith.errors import counted, plural
from tunesmith.types import JSON

_SEVERITIES = ("info", "warning", "error")


@options.takes_common
def check(
    data: options.Labelled = None,
    sql: options.Sql = None,
    db: options.Db = None,
    text: options.Text = None,
    pair: options.Pair = None,
    label: options.Label = None,
    encoding: options.Encoding = None,
    fail_on: Annotated[
        str, typer.Option("--fail-on", help="Exit 2 where a finding is at least this severe: info, warning or error.")
    ] = "error",
    skip_bad_rows: options.SkipBadRows = None,
    drop_unlabelled: options.DropUnlabelled = None,
    *,
    common: options.Common,
) -> None:
    """Say what is wrong with a labelled file, by line."""
    from tunesmith.api.measure import check_file
    from tunesmith.errors import ConfigError

    if fail_on not in _SEVERITIES:
        raise ConfigError("bad-flag", f"--fail-on {fail_on} is not known", allowed=", ".join(_SEVERITIES))
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
    with Terminal(quiet=common.quiet or common.json) as terminal:
        found = check_file(data, common.recipe(flags), told=terminal.say)
    if common.json:
        print_json(found)
    else:
        print_line(f"{counted(found['rows'], 'row')}, {counted(len(found['findings']), 'finding')}")
        for finding in found["findings"]:
            print_line(f"  {finding['severity']:<8} {finding['code']}: {finding['message']}{_where(finding)}")
    level = _SEVERITIES.index(fail_on)
    if any(_SEVERITIES.index(finding["severity"]) >= level for finding in found["findings"]):
        raise typer.Exit(2)


def _where(finding: dict[str, JSON]) -> str:
    """Name the rows of a finding: by their lines, and by their files where there are several."""
    numbers = [str(number) for number in finding["rows"]]
    if "files" in finding:
        numbers = [f"{file}:{number}" for file, number in zip(finding["files"], numbers, strict=True)]
        return f" ({', '.join(numbers)})"
    return f" ({plural(len(numbers), finding.get('unit', 'line'))} {', '.join(numbers)})" if numbers else ""
