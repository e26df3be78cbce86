"""``tunesmith train``: climb the ladder on a labelled file."""

from __future__ import annotations

import json as json_format
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import Terminal, print_json, print_line

if TYPE_CHECKING:
    from tunesmith.api.training import Trained


@options.takes_common
def train(
    data: options.Labelled = None,
    sql: options.Sql = None,
    db: options.Db = None,
    text: options.Text = None,
    pair: options.Pair = None,
    label: options.Label = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group", metavar="COL", help="Column whose equal cells keep rows on one side when some are held out."
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option("--time", metavar="COL", help="Column that says when a row was made: the latest are held out."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            "--task",
            help="What is learnt: single_label, binary, multi_label, ordinal or score; default: told by the labels.",
        ),
    ] = None,
    separator: Annotated[
        str | None,
        typer.Option("--separator", help="What stands between the labels of a text that may have several, such as ;."),
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option("--positive", metavar="LABEL", help="Which of two labels counts as positive: yes or no."),
    ] = None,
    imbalance: Annotated[
        str | None,
        typer.Option("--imbalance", help="How rare labels are treated: auto, none, weights, focal or resample."),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option("--test", metavar="FILE", help="Labelled file measured once, at the end; it chooses nothing."),
    ] = None,
    test_share: Annotated[
        float | None, typer.Option("--test-share", help="Share of the rows put aside as test, 0 to 0.5; default 0.")
    ] = None,
    validation: Annotated[
        str | None,
        typer.Option(
            "--validation",
            metavar="FILE",
            help="Labelled file that chooses between rungs; default: a split column, else a tenth of the rows.",
        ),
    ] = None,
    unlabelled: Annotated[
        list[str] | None,
        typer.Option(
            "--unlabelled",
            metavar="FILE",
            help="File of further texts without labels, to learn from by self-training; several as a pattern.",
        ),
    ] = None,
    encoding: options.Encoding = None,
    skip_bad_rows: options.SkipBadRows = None,
    drop_unlabelled: options.DropUnlabelled = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="NAME|DIR",
            help="Pretrained encoder: a folder or a Hugging Face name; default all-MiniLM-L6-v2 (English).",
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option("--budget", help="Wall clock from process start to exit: 90s, 10m, 1h30m or none; default 10m."),
    ] = None,
    rungs: Annotated[
        str | None,
        typer.Option(
            "--rungs", help="Rungs to try, or all; default linear,probe,finetune,refine, others where rows are few."
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method", help="What fine-tuning trains: full, or a method that trains less, such as lora; default full."
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric", help="Figure that chooses, such as macro_f1, where rare labels count like frequent ones."
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="DIR", help="Model folder to write; default: the name of the data file with .model."
        ),
    ] = None,
    track: Annotated[
        str | None,
        typer.Option(
            "--track", metavar="NAMES", help="Record the run for tensorboard, wandb (offline) or mlflow as well."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with a run that was stopped or killed; the rest of the command as before."
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Start anew: replace the model and any unfinished run at OUT.")
    ] = False,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="Take the decisions of this plan.jsonl instead of the clock's."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, with each rung's least seconds; train nothing.")
    ] = False,
    plot: options.Plot = None,
    cost: options.Cost = None,
    language: options.Language = None,
    *,
    common: options.Common,
) -> None:
    """Climb the ladder on a labelled file; write model and report."""
    from tunesmith.api.plot import plot as draw
    from tunesmith.api.plot import plot_asked
    from tunesmith.api.training import Lives, dry_run_recipe, train_recipe

    flags = {
        "data.sql": sql,
        "data.db": db,
        "data.text": options.columns_asked(text),
        "data.pair": pair,
        "data.label": label,
        "data.group": group,
        "data.time": time,
        "data.imbalance": imbalance,
        "data.test": test,
        "data.test_share": test_share,
        "data.validation": validation,
        "data.unlabelled": _only(unlabelled),
        "data.encoding": encoding,
        "data.skip_bad_rows": skip_bad_rows,
        "data.drop_unlabelled": drop_unlabelled,
        "base.name": base,
        "ladder.budget": budget,
        "ladder.rungs": tuple(name.strip() for name in rungs.split(",")) if rungs else None,
        "rung.finetune.method": method,
        "ladder.metric": metric,
        "run.task": task,
        "task.multi_label.separator": separator,
        "task.binary.positive": positive,
        "run.out": out,
        "track.to": tuple(name.strip() for name in track.split(",")) if track else None,
    }
    recipe = common.recipe(flags)
    wanted = plot_asked(plot, cost, language)
    with Terminal(quiet=common.quiet) as terminal:
        if dry_run:
            _print_dry_run(dry_run_recipe(data, recipe), json=common.json)
            if wanted is not None:
                terminal.say(f"{wanted.path} is not drawn: nothing was trained")
            return
        trained = train_recipe(data, recipe, Lives(resume=resume, force=force, follow=plan), narrator=terminal)
    if common.json:
        print_json(trained.as_json())
    else:
        print_trained(trained)
    if wanted is not None:
        drawn = draw(trained.out, wanted.path, cost=wanted.cost, language=wanted.language)
        with Terminal(quiet=common.quiet) as terminal:
            terminal.say(f"{drawn['headline']}: {wanted.path}")


def _only(unlabelled: list[str] | None) -> str | None:
    """Refuse a second file rather than to forget the first."""
    from tunesmith.errors import ConfigError

    if unlabelled and len(unlabelled) > 1:
        raise ConfigError(
            "several-values",
            "--unlabelled is given more than once",
            found=", ".join(unlabelled[:5]),
            allowed="one file, or a pattern for several",
            advice="name them by a pattern in quotes: --unlabelled 'pool-*.csv'",
        )
    return unlabelled[0] if unlabelled else None


def print_trained(trained: Trained) -> None:
    """Print what came out and the three commands that use it.

    Args:
        trained: What a run brought.
    """
    from tunesmith.bundle.card import measured
    from tunesmith.evaluate.figures import style_of
    from tunesmith.types import Interval

    facts, out = trained.facts, trained.out
    print_line()
    name = facts.headline
    style = style_of(name)
    for row in trained.rungs:
        figure = Interval(**row["validation"][name])
        mark = "kept" if row["kept"] else ""
        print_line(
            f"  {row['name']:<10} {style.words} {style.told(figure.value):>6} ({style.span(figure)})  "
            f"{row['seconds']:7.1f} s  {row['peak_mib']:6.0f} MiB  {mark}"
        )
    found = measured(facts)
    figure = Interval(**found.metrics[name])
    print_line()
    print_line(
        f"{facts.rung}: {style.words} {style.told(figure.value)} ({style.span(figure)}, 95 %) on {found.where} "
        f"({found.choice}); {trained.seconds:.0f} s in all"
    )
    print_line(f"model, card and report: {out}")
    print_line()
    asked = '("...", "...")' if facts.reads_pairs else '"..."'
    pair = ' --pair "..."' if facts.reads_pairs else ""
    print_line(f'  tunesmith predict {shlex.quote(str(out))} --text "..."{pair}')
    print_line(f"  tunesmith evaluate {shlex.quote(str(out))} FILE.csv")
    code = (
        f"import tunesmith; print(tunesmith.load({json_format.dumps(str(out), ensure_ascii=False)}).predict([{asked}]))"
    )
    print_line(f"  python -c {shlex.quote(code)}")


def _print_dry_run(found: dict[str, object], *, json: bool) -> None:
    if json:
        print_json(found)
        return
    for name, value in found.items():
        told = value["told"] if isinstance(value, dict) else value
        lines = told if isinstance(told, list) else [] if told is None else [told]
        for number, line in enumerate(lines):
            print_line(f"{name if number == 0 else '':<12} {line}")
