"""``tunesmith check``: what is wrong with a file, by row, before any training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import print_json, print_line

_SEVERITIES = ("info", "warning", "error")


def check(
    data: Annotated[Path, typer.Argument(help="A labelled file.")],
    text: options.Text = None,
    label: options.Label = None,
    encoding: options.Encoding = None,
    fail_on: Annotated[
        str, typer.Option("--fail-on", help="Exit 2 from this severity: info, warning, error.")
    ] = "error",
    config: options.Config = None,
    sets: options.Sets = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    seed: options.Seed = None,
    offline: options.Offline = None,
    device: options.Device = None,
    threads: options.Threads = None,
) -> None:
    """Say what is wrong with a labelled file, by row, before any training."""
    from tunesmith.api.measure import check_file
    from tunesmith.errors import ConfigError

    if fail_on not in _SEVERITIES:
        raise ConfigError("bad-flag", f"--fail-on {fail_on} is not known", allowed=", ".join(_SEVERITIES))
    given = {"text": text, "label": label, "encoding": encoding, "seed": seed, "offline": offline}
    asked = options.recipe_of(config, sets, **given, device=device, threads=threads).data
    found = check_file(data, text=",".join(asked.text) or None, label=asked.label, encoding=asked.encoding)
    if json:
        print_json(found)
    else:
        print_line(f"{found['rows']} rows, {len(found['findings'])} findings")
        for finding in found["findings"]:
            lines = f" (lines {', '.join(map(str, finding['rows']))})" if finding["rows"] else ""
            print_line(f"  {finding['severity']:<8} {finding['code']}: {finding['message']}{lines}")
    level = _SEVERITIES.index(fail_on)
    if any(_SEVERITIES.index(finding["severity"]) >= level for finding in found["findings"]):
        raise typer.Exit(2)
