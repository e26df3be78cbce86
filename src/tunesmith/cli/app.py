"""All commands."""

from __future__ import annotations

import typer

from tunesmith.cli.check import check
from tunesmith.cli.compare import compare
from tunesmith.cli.compress import compress
from tunesmith.cli.demo import demo
from tunesmith.cli.doctor import doctor
from tunesmith.cli.evaluate import evaluate
from tunesmith.cli.export import export
from tunesmith.cli.info import info
from tunesmith.cli.next import next_rows
from tunesmith.cli.predict import predict
from tunesmith.cli.train import train

app = typer.Typer(
    name="tunesmith",
    help="From a labelled file to the best model your machine can make in the time you have.",
    rich_markup_mode=None,  # plain help comes in half the time: typer's rich one imports a Markdown parser
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (demo, check, train, evaluate, compare, predict):
    app.command()(command)
app.command("next")(next_rows)  # the function's name would hide Python's own
for command in (info, export, compress, doctor):
    app.command()(command)
