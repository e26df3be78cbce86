"""The embedded sample: customer messages of a made-up shop, written for this project, CC0."""

from __future__ import annotations

from pathlib import Path


def sample_file() -> Path:
    """Find the labelled messages.

    Returns:
        A CSV file with the columns ``text`` and ``label``, 24 intents.
    """
    return Path(__file__).parent / "messages.csv"


def out_of_scope_file() -> Path:
    """Find messages that belong to none of the intents.

    Returns:
        A CSV file with the columns ``text`` and ``label``; every label is ``out_of_scope``.
    """
    return Path(__file__).parent / "out_of_scope.csv"
