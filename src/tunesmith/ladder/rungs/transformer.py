"""``transformer``: a small encoder, trained from scratch."""

from __future__ import annotations

from tunesmith.ladder.from_scratch import FromScratch, ScratchOptions
from tunesmith.models.networks import transformer

NEEDS: tuple[str, ...] = ()
"""Rungs whose landing it starts from."""

USES_BASE = True
"""Whether it needs the pretrained encoder: its tokenizer."""


class Options(ScratchOptions, transformer.Options):
    """Training from scratch, and a small encoder."""


def build(options: Options) -> FromScratch:
    """Build the rung.

    Args:
        options: How the network is trained, and its shape.

    Returns:
        The rung.
    """
    return FromScratch("transformer", options)
