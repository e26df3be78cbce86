"""Heads: ``build(hidden_size, n_outputs, options)`` gives a module from features ``[B, H]`` to outputs ``[B, C]``."""

from __future__ import annotations

from tunesmith.config import Family

HEADS = Family("head", __name__, __path__)
