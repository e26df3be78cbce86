"""Errors cross from one process to another as they are."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import pytest

from tunesmith.api.estimator import NotFittedYet
from tunesmith.errors import ShapeError, TunesmithError


def classes(of: type[TunesmithError] = TunesmithError) -> Iterator[type[TunesmithError]]:
    """All classes of the tree."""
    yield of
    for kind in of.__subclasses__():
        yield from classes(kind)


@pytest.mark.parametrize("kind", sorted({*classes(), NotFittedYet}, key=lambda kind: kind.__name__))
def test_an_error_is_pickled_with_all_its_parts(kind: type[TunesmithError]) -> None:
    """Else a pool of processes breaks, and nobody learns why."""
    parts = {"where": "a.csv:2", "found": "b", "allowed": "c", "advice": "d"}
    error = ShapeError("3 rows") if kind is ShapeError else kind("some-code", "it is wrong", **parts)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert vars(again) == vars(error)
        assert (str(again), again.args) == (str(error), error.args)
