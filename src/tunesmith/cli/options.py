"""Flags that every command takes; each is a named shortcut for one recipe key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

if TYPE_CHECKING:
    from tunesmith.config.recipe import Recipe

Config: TypeAlias = Annotated[
    str | None, typer.Option("--config", metavar="FILE", help="Recipe as a TOML file; --set and flags overrule it.")
]
Sets: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="A.B=C", help="Set any recipe key, such as ladder.min_gain=0.5; may be given several times."
    ),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON to stdout.")]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no remarks; results and errors stay.")
]
Seed: TypeAlias = Annotated[int | None, typer.Option("--seed", help="Start of every random choice; default 0.")]
Offline: TypeAlias = Annotated[
    bool | None, typer.Option("--offline", help="Never use the network; it only fetches a base model that is not here.")
]
Device: TypeAlias = Annotated[
    str | None, typer.Option("--device", help="auto, cpu, cuda or mps; this version computes on the CPU.")
]
Threads: TypeAlias = Annotated[
    int | None, typer.Option("--threads", help="Threads to compute with; default: measured at the start.")
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
Label: TypeAlias = Annotated[
    str | None, typer.Option("--label", metavar="COL", help="Column of the label; default: found by name and content.")
]


def recipe_of(config: str | None, sets: list[str] | None, **flags: Any) -> Recipe:
    """Read the recipe of a command that does not train: flag over ``--set`` over file over default.

    Args:
        config: A TOML recipe.
        sets: ``a.b=c`` each.
        **flags: ``text``, ``label`` and ``encoding`` of the data, the others of the run; None where not given.

    Returns:
        The recipe; a device that it names is there.
    """
    from tunesmith.config.recipe import load_recipe
    from tunesmith.machine.device import choose_device

    if flags.get("text") is not None:
        flags["text"] = (flags["text"],)
    sections = {name: "data" if name in ("text", "label", "encoding") else "run" for name in flags}
    recipe = load_recipe(config, sets or [], {f"{sections[name]}.{name}": value for name, value in flags.items()})
    if recipe.run.device != "auto":
        choose_device(recipe.run.device)
    return recipe
