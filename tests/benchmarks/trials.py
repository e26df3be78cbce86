"""Trials of long benchmarks: half a minute each, so ``make test-benchmarks`` makes them all and ``make test`` a few."""

from __future__ import annotations

import os

import pytest

long_trial = pytest.mark.skipif(
    os.environ.get("TUNESMITH_TRIALS") != "all", reason="a trial of a long benchmark: make test-benchmarks"
)
"""On a trial that others of its kind stand for in ``make test``."""
