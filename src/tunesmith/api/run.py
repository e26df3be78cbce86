"""How a command that makes something of a model runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from tunesmith.ladder.narrate import Narrator, Silent


@dataclass(frozen=True, slots=True)
class Run:
    """How it runs."""

    threads: int | None = None
    """To compute with; left out, measured."""
    seed: int = 0
    """Of the draw of rows held out."""
    narrator: Narrator = field(default_factory=Silent)
    """Told what is done, and how far it is."""
    force: bool = False
    """Replace what is at the place, where the same command wrote it."""
