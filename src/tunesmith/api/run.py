"""How a command that makes something of a model runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """How it runs."""

    threads: int | None = None
    """To compute with; left out, measured."""
    seed: int = 0
    """Of the draw of rows held out."""
    told: Callable[[str], None] = lambda line: None
    """Told what is done."""
    force: bool = False
    """Replace what is at the place, where the same command wrote it."""
