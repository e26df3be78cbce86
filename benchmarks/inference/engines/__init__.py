"""What answers texts: one module an engine, each with ``make``, which writes what it loads, and ``load``.

What an engine needs to answer is imported at the top of its module, so that a process can tell what the libraries take
before a model is loaded; what it needs to make a model is imported there alone. The modules are run in more than one
environment, so none of them but ``ours`` imports tunesmith.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast


@dataclass(frozen=True)
class Batching:
    """How texts are put together."""

    size: int = 32
    """Most texts of a forward pass."""
    equal: bool = False
    """Whether only texts of equal length share one, so that nothing is padded."""


class Answerer(Protocol):
    """A loaded model."""

    batching: Batching
    """How texts are put together; may be set anew, and means nothing to those that do that by themselves."""

    def answers(self, texts: Sequence[str]) -> list[int]:
        """Answer texts, each with the number of its label.

        Args:
            texts: Any number.

        Returns:
            One number a text, in order.
        """


@dataclass(frozen=True)
class Sources:
    """What a model is made from."""

    checkpoint: Path
    """The encoder and its tokenizer as Hugging Face lays them out, ``head.safetensors`` and ``labels.json``."""
    train: Path
    """Labelled texts: to learn from, or to see which values occur."""
    threads: int


class Engine(Protocol):
    """A module of this package."""

    def make(self, variant: str, sources: Sources, out: Path) -> None:
        """Write what is loaded.

        Args:
            variant: Which form of the model.
            sources: What it is made from.
            out: An empty folder.
        """

    def load(self, variant: str, made: Path, *, sources: Sources, batching: Batching) -> Answerer:
        """Load a model.

        Args:
            variant: Which form of it.
            made: What ``make`` wrote.
            sources: What it was made from; the threads count here too.
            batching: How texts are put together.

        Returns:
            The loaded model.
        """


def engine(name: str) -> Engine:
    """Import an engine, and with it the libraries that it answers with.

    Args:
        name: Of its module.

    Returns:
        The module.
    """
    return cast("Engine", importlib.import_module(f"{__name__}.{name}"))


def loaded(name: str, variant: str, made: Path, **how: Any) -> Answerer:
    """Load a model of an engine.

    Args:
        name: Of its module.
        variant: Which form of the model.
        made: What its ``make`` wrote.
        **how: ``sources`` and ``batching``.

    Returns:
        The loaded model.
    """
    return engine(name).load(variant, made, **how)
