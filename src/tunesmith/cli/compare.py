"""``tunesmith compare``: models beside one another on the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import Terminal, print_json, print_line
from tunesmith.errors import counted
from tunesmith.types import JSON, Interval


@options.takes_common
def compare(
    given: Annotated[
        list[str],
        typer.Argument(
            metavar="BUNDLE BUNDLE... FILE",
            help="Model folders, at least two, then the labelled rows as evaluate takes them; with --sql models alone; "
            "with --plot one or more alone, to draw their climbs.",
        ),
    ],
    sql: options.Sql = None,
    db: options.Db = None,
    text: options.Text = None,
    pair: options.Pair = None,
    label: options.Label = None,
    reference: Annotated[
        str | None,
        typer.Option("--reference", metavar="BUNDLE", help="Model to hold the others against; default: the first."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="COL", help="Compare on the rows of each value of this column as well."),
    ] = None,
    encoding: options.Encoding = None,
    skip_bad_rows: options.SkipBadRows = None,
    drop_unlabelled: options.DropUnlabelled = None,
    plot: options.Plot = None,
    cost: options.Cost = None,
    language: options.Language = None,
    *,
    common: options.Common,
) -> None:
    """Compare models on the same rows; paired 95 % intervals."""
    from tunesmith.api.compare import compare_file
    from tunesmith.api.plot import plot as draw
    from tunesmith.api.plot import plot_asked

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
    wanted = plot_asked(plot, cost, language)
    if wanted is not None and recipe.data.sql is None and _is_model(given[-1]):
        _refuse_without_rows({"--reference": reference, "--by": by, "--text": text, "--pair": pair, "--label": label})
        _print_drawn(draw(given, wanted.path, cost=wanted.cost, language=wanted.language), json=common.json)
        return
    models, data = (given, None) if recipe.data.sql is not None else (given[:-1], given[-1])
    _refuse_model_as_file(data)
    with Terminal(quiet=common.quiet) as terminal:
        found = compare_file(
            models, data, recipe.data, by=by, reference=reference, threads=recipe.run.threads, narrator=terminal
        )
    if common.json:
        print_json(found)
    else:
        _print_models(found)
        _print_slices(found, by or "")
    if wanted is not None:
        drawn = draw(models, wanted.path, cost=wanted.cost, language=wanted.language, compared=found)
        with Terminal(quiet=common.quiet) as terminal:
            terminal.say(f"{drawn['headline']}: {wanted.path}")


def _is_model(given: str) -> bool:
    return (Path(given) / "tunesmith.json").is_file()


def _print_drawn(drawn: dict[str, JSON], *, json: bool) -> None:
    """Print what a picture of climbs says."""
    if json:
        print_json(drawn)
        return
    print_line(drawn["headline"])
    print_line(drawn["deck"])
    print_line(f"plot: {drawn['plot']}")


def _refuse_without_rows(given: dict[str, str | None]) -> None:
    """Refuse what is told of rows where models alone are drawn."""
    from tunesmith.errors import ConfigError

    named = [flag for flag, value in given.items() if value]
    if named:
        raise ConfigError(
            "no-data",
            "this is told of rows, and none are given",
            where=", ".join(named),
            advice="name a labelled file after the models, or leave the flag out",
        )


def _refuse_model_as_file(data: str | None) -> None:
    """Tell a forgotten file from one that cannot be read."""
    from tunesmith.errors import ConfigError

    if data is not None and _is_model(data):
        raise ConfigError(
            "no-data",
            "no rows are given: the last argument is a model folder too",
            where=data,
            allowed="model folders, then a labelled file",
            advice=f"tunesmith compare ... {data} held_out.csv",
        )


def _print_models(found: dict[str, JSON]) -> None:
    """Print the reference, then each other model with what it gains."""
    first, others = found["reference"], found["models"]
    print_line(f"{counted(found['rows'], 'row')}, 95 % intervals")
    print_line()
    print_line(f"{first['model']} (reference)")
    for name, figure in first["figures"].items():
        print_line(f"  {name:<15} {_plain(figure)}")
    for other in others:
        print_line()
        print_line(f"{other['model']}{_beside(other)}")
        for name, figure in other["figures"].items():
            print_line(f"  {name:<15} {_plain(figure)}  {_gain(other['gains'][name], adjusted=len(others) > 1)}")
    if len(others) > 1:
        print_line()
        print_line(
            f"{len(others)} models are held against one: the best of several looks better than it is. p (Holm) allows "
            "for it, of each figure; the intervals do not."
        )


def _beside(other: dict[str, JSON]) -> str:
    if other["agreement"] is None:
        return ""
    share = 100 * other["agreement"]["value"]
    return (
        f": answers {share:.1f} % of the rows alike; {other['only_right']} right only by it, "
        f"{other['only_reference_right']} only by the reference"
    )


def _plain(figure: dict[str, float]) -> str:
    return f"{figure['value']:.4f} ({figure['low']:.4f} to {figure['high']:.4f})"


def _gain(gain: dict[str, JSON], *, adjusted: bool) -> str:
    told = f"{gain['value']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})  p {_p(gain['p_value'])}"
    return f"{told}, {_p(gain['p_adjusted'])} (Holm)" if adjusted else f"{told}, {gain['test']}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _print_slices(found: dict[str, JSON], by: str) -> None:
    """Print what each model gains on the rows of each value, those of most rows first."""
    if "slices" not in found:
        return
    name = next(iter(found["reference"]["figures"]))
    print_line()
    print_line(f"{name} gained, by {by}; many looks at once, so that some intervals miss zero by chance alone")
    for each in found["slices"]:
        print_line(f"  {each['value'] or '(empty)'}: {counted(each['rows'], 'row')}")
        for other, figure in zip(found["models"], each["gains"], strict=True):
            gain = Interval(**figure)
            print_line(f"    {gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})  {other['model']}")
