"""What the climb tells while it runs; the command line prints it, Python may stay silent."""

from __future__ import annotations

from typing import Protocol


class Narrator(Protocol):
    """Receives the story of a run."""

    def say(self, line: str) -> None:
        """Tell one finished fact.

        Args:
            line: A sentence.
        """
        ...

    def progress(self, stage: str, share: float, left_s: float | None = None) -> None:
        """Tell how far a stage has come.

        Args:
            stage: What is being done.
            share: 0..1; 1 ends the stage.
            left_s: Seconds the stage will still take, where known.
        """
        ...


class Silent:
    """A narrator that says nothing."""

    def say(self, line: str) -> None:
        """Drop the line.

        Args:
            line: A sentence.
        """

    def progress(self, stage: str, share: float, left_s: float | None = None) -> None:
        """Drop the figure.

        Args:
            stage: What is being done.
            share: 0..1.
            left_s: Seconds left.
        """
