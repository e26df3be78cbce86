"""Flags that several commands take, and those that all take; each is a named shortcut for one recipe key."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_type_hints

import typer

if TYPE_CHECKING:
    from tunesmith.config.recipe import Recipe

Labelled: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE...",
        help="Labelled rows: .csv or .tsv with a header, .jsonl, .parquet, each text also as .gz; several files "
        "with the same columns are one; - for stdin.",
    ),
]
Sql: TypeAlias = Annotated[
    str | None, typer.Option("--sql", metavar="QUERY", help="Rows of a query instead of a file's; with --db.")
]
Db: TypeAlias = Annotated[
    str | None,
    typer.Option("--db", metavar="URL", help="Database to ask: sqlite:///tickets.db, or as SQLAlchemy writes it."),
]
Encoding: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--encoding", help="Encoding of the file, such as windows-1252; default: UTF-8, or UTF-16 by its mark."
    ),
]
Text: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--text",
        metavar="COL",
        help="Column of the text; several, joined: subject,body; default: found by name and content.",
    ),
]
Pair: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--pair", metavar="COL", help="Column of the second text, where rows are pairs; default: by its name."
    ),
]
Label: TypeAlias = Annotated[
    str | None, typer.Option("--label", metavar="COL", help="Column of the label; default: found by name and content.")
]
SkipBadRows: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--skip-bad-rows",
        help="Leave out rows of another width and lines that are no JSON; default: an error.",
    ),
]
DropUnlabelled: TypeAlias = Annotated[
    bool | None,
    typer.Option("--drop-unlabelled", help="Leave out rows without a label; default: they are an error."),
]

Plot: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--plot", metavar="FILE", help="Draw what each step reached against what it cost; FILE ends in .svg or .png."
    ),
]
Cost: TypeAlias = Annotated[
    str | None,
    typer.Option("--cost", help="What the plot counts as cost: seconds, flops or energy (estimated); default seconds."),
]
Language: TypeAlias = Annotated[
    str | None, typer.Option("--language", help="Language of the plot: en or zh; default en.")
]


@dataclass(frozen=True)
class Common:
    """What was given for the flags that every command takes."""

    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Recipe as a TOML file; --set and flags overrule it.")
    ] = None
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="A.B=C",
            help="Set any recipe key, such as ladder.min_gain=0.5; may be given several times.",
        ),
    ] = None
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON to stdout.")] = False
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no remarks; results and errors stay.")
    ] = False
    seed: Annotated[int | None, typer.Option("--seed", help="Start of every random choice; default 0.")] = None
    offline: Annotated[
        bool | None,
        typer.Option("--offline", help="Never use the network; it only fetches a base model that is not here."),
    ] = None
    device: Annotated[
        str | None, typer.Option("--device", help="auto, cpu, cuda or mps; cuda and mps are untested.")
    ] = None
    threads: Annotated[
        int | None, typer.Option("--threads", help="Threads to compute with; default: measured at the start.")
    ] = None

    def recipe(self, flags: Mapping[str, Any] | None = None) -> Recipe:
        """Read the recipe: flag over ``--set`` over file over default.

        Args:
            flags: The command's own, dotted keys to values; None where not given.

        Returns:
            The recipe; a device that it names is there.
        """
        from tunesmith.config.recipe import load_recipe
        from tunesmith.machine.device import choose_device

        run = {f"run.{name}": getattr(self, name) for name in ("seed", "offline", "device", "threads")}
        recipe = load_recipe(self.config, self.sets or [], {**(flags or {}), **run}, member_problems=_member_problems)
        if recipe.run.device != "auto":
            choose_device(recipe.run.device)
        return recipe


def _member_problems(values: Mapping[str, Any]) -> list[str]:
    """Import what knows tasks and rungs only where something is wrong."""
    from tunesmith.ladder.resolve import member_problems

    return member_problems(values)


def takes_common(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the common flags: its last parameter, ``common``, becomes one option for each of them.

    Args:
        command: A function as typer takes it, with a parameter ``common: Common``.

    Returns:
        The same with one parameter for each flag, which is what typer looks at.
    """
    hints = get_type_hints(command, include_extras=True) | get_type_hints(Common, include_extras=True)
    own = [each for name, each in inspect.signature(command).parameters.items() if name != "common"]
    flags = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default) for each in fields(Common)
    ]

    @wraps(command)
    def run(**given: Any) -> None:
        common = Common(**{flag.name: given.pop(flag.name) for flag in flags})
        command(**given, common=common)

    parameters = [each.replace(annotation=hints[each.name]) for each in (*own, *flags)]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def columns_asked(text: str | None) -> tuple[str, ...] | None:
    """Give ``--text`` as the recipe has it; commas in it are looked at once the columns are known.

    Returns:
        The value of ``data.text``, None where the flag was not given.
    """
    return None if text is None else (text,)
