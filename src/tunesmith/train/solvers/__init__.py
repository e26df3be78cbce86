"""Solvers of a linear head: ``build(options)`` gives ``solve(features, targets, n_classes, *, start=None)``."""

from __future__ import annotations

from tunesmith.config import Family

SOLVERS = Family("solver", __name__, __path__)
