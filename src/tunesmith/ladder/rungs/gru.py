"""``gru``: recurrent cells with two gates, trained from scratch."""

from __future__ import annotations

from tunesmith.ladder.from_scratch import FromScratch, ScratchOptions
from tunesmith.models.networks import gru

NEEDS: tuple[str, ...] = ()
"""Rungs whose landing it starts from."""

USES_BASE = True
"""Whether it needs the pretrained encoder: its tokenizer."""


class Options(ScratchOptions, gru.Options):
    """Training from scratch, and recurrent cells with two gates."""


def build(options: Options) -> FromScratch:
    """Build the rung.

    Args:
        options: How the network is trained, and its shape.

    Returns:
        The rung.
    """
    return FromScratch("gru", options)
