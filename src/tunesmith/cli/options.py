"""Flags that every command takes; each is a named shortcut for one recipe key."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Config: TypeAlias = Annotated[str | None, typer.Option("--config", metavar="FILE", help="A TOML recipe.")]
Sets: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=C", help="Set any recipe key; may be given several times.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remarks.")]
Seed: TypeAlias = Annotated[int | None, typer.Option("--seed", help="Start of every random choice.")]
Offline: TypeAlias = Annotated[bool | None, typer.Option("--offline", help="Never use the network.")]
Device: TypeAlias = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Threads: TypeAlias = Annotated[int | None, typer.Option("--threads", help="Threads to compute with.")]
Encoding: TypeAlias = Annotated[
    str | None,
    typer.Option("--encoding", help="Encoding of the file, where it is neither UTF-8 nor UTF-16 with a mark."),
]
Text: TypeAlias = Annotated[str | None, typer.Option("--text", metavar="COL", help="Column of the text.")]
Label: TypeAlias = Annotated[str | None, typer.Option("--label", metavar="COL", help="Column of the label.")]
