"""Optimisers: ``build(groups, options)`` gives a torch optimiser over parameter groups that carry their own rates."""

from __future__ import annotations

from tunesmith.config import Family

OPTIMISERS = Family("optimiser", __name__, __path__)
