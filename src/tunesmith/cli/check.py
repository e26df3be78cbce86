"""``tunesmith check``: what is wrong with a file, by row, before any training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import Terminal, print_json, print_line

_SEVERITIES = ("info", "warning", "error")


@options.takes_common
def check(
    data: Annotated[Path, typer.Argument(help="Labelled file: .csv or .tsv with a header, or .jsonl.")],
    text: options.Text = None,
    label: options.Label = None,
    encoding: options.Encoding = None,
    fail_on: Annotated[
        str, typer.Option("--fail-on", help="Exit 2 where a finding is at least this severe: info, warning or error.")
    ] = "error",
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
        "data.text": options.columns_asked(text),
        "data.label": label,
        "data.encoding": encoding,
        "data.drop_unlabelled": drop_unlabelled,
    }
    with Terminal(quiet=common.quiet or common.json) as terminal:
        found = check_file(data, common.recipe(flags).data, told=terminal.say)
    if common.json:
        print_json(found)
    else:
        print_line(f"{found['rows']} rows, {len(found['findings'])} findings")
        for finding in found["findings"]:
            lines = f" (lines {', '.join(map(str, finding['rows']))})" if finding["rows"] else ""
            print_line(f"  {finding['severity']:<8} {finding['code']}: {finding['message']}{lines}")
    level = _SEVERITIES.index(fail_on)
    if any(_SEVERITIES.index(finding["severity"]) >= level for finding in found["findings"]):
        raise typer.Exit(2)
