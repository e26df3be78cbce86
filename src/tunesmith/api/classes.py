"""The classes of a scikit-learn target: from values of any type to the labels that are trained on, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tunesmith.api.texts import plain_values, refuse_lengths
from tunesmith.data.frames import as_text, is_missing
from tunesmith.data.prepare import prepare_label
from tunesmith.errors import DataError, counted, quote
from tunesmith.types import JSON

_SHOWN = 5
_FORMS = {"one": "one class a row", "several": "a list of classes a row", "indicator": "an indicator"}


@dataclass(frozen=True)
class Classes:
    """What may be answered, in the type and the form in which it was given."""

    values: NDArray[Any]
    """Sorted, ``[C]``; of an indicator its columns, in their order."""
    form: Literal["one", "several", "indicator"]
    """Of a row: one class; a list of classes; or a 1 for each that it has."""

    @property
    def numbers(self) -> dict[str, int]:
        """Place of each class by its label."""
        return {_label(value): place for place, value in enumerate(self.values.tolist())}

    def columns(self, labels: Sequence[str]) -> list[int]:
        """Tell which class each output of a model stands for.

        Args:
            labels: The model's, in the order of its outputs.

        Returns:
            Places among ``values``; those that no row to train on had are not among them.
        """
        return [self.numbers[label] for label in labels]

    def decoded(self, answers: Sequence[Mapping[str, JSON]]) -> NDArray[Any]:
        """Turn answers into the form that the classes were given in.

        Args:
            answers: As ``predict --json`` prints them.

        Returns:
            ``[B]`` classes; ``[B]`` tuples of classes; or the indicator ``[B, C]``.
        """
        numbers = self.numbers
        if self.form == "one":
            found: NDArray[Any] = self.values[[numbers[answer["label"]] for answer in answers]]
            return found
        held = [sorted(numbers[each["label"]] for each in answer["labels"]) for answer in answers]
        if self.form == "indicator":
            return indicator(held, len(self.values))
        several = np.empty(len(held), dtype=object)
        several[:] = [tuple(self.values[places].tolist()) for places in held]
        return several

    def right(self, y: Any, answered: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell which rows are answered with exactly their classes.

        Args:
            y: The target, in the form that the classes were given in; classes that no row to train on had are wrong.
            answered: As ``decoded``.

        Returns:
            ``[B]``.

        Raises:
            DataError: ``classes-mixed``, the target is of another form; ``lengths-differ``; and what
                ``classes_and_cells`` raises.
        """
        given, cells = classes_and_cells(y)
        refuse_lengths(answered, y=cells)
        if given.form != self.form or (self.form == "indicator" and len(given.values) != len(self.values)):
            raise DataError(
                "classes-mixed",
                "y is of another form than in fit",
                where="y",
                found=f"{_FORMS[given.form]}; {counted(len(given.values), 'class', 'classes')}",
                allowed=f"{_FORMS[self.form]}; {counted(len(self.values), 'class', 'classes')}",
            )
        if self.form == "one":
            return np.array([_label(cell) == _label(told) for cell, told in zip(cells, answered.tolist(), strict=True)])
        held = [{given.numbers[label] for label in cell} for cell in cells]
        if self.form == "indicator":
            told = [set(np.flatnonzero(row).tolist()) for row in answered]
        else:
            told = [{given.numbers.get(_label(value), -1) for value in row} for row in answered]
        return np.array([one == other for one, other in zip(held, told, strict=True)])


def indicator(held: Sequence[Sequence[int]], n_classes: int) -> NDArray[np.int64]:
    """Mark the classes of each row.

    Args:
        held: Places of the classes of each row.
        n_classes: C.

    Returns:
        1 for a class that the row has, ``[B, C]``.

    Example:
        >>> indicator([[0, 2], []], 3).tolist()
        [[1, 0, 1], [0, 0, 0]]
    """
    marked = np.zeros((len(held), n_classes), dtype=np.int64)
    for row, places in enumerate(held):
        marked[row, list(places)] = 1
    return marked


def classes_and_cells(y: Any) -> tuple[Classes, list[Any]]:
    """Find the classes of a target.

    Args:
        y: One class a row, of any type; a list of classes a row; or an indicator ``[B, C]``, an array, a sparse matrix
            or a frame, whose columns are then the classes.

    Returns:
        The classes, and what each row has: a class, or a list of labels.

    Raises:
        DataError: ``label-missing``, ``classes-mixed``, ``classes-alike``, or ``not-classes``: y holds fractions, or
            columns of something else than 0 and 1.

    Example:
        >>> classes, cells = classes_and_cells([3, 1, 3])
        >>> classes.values, cells
        (array([1, 3]), [3, 1, 3])
    """
    marked = _indicator_given(y)
    if marked is not None:
        values, rows = marked
        return Classes(values, "indicator"), [[_label(values[place]) for place in np.flatnonzero(row)] for row in rows]
    cells = _flat(y)
    if cells and all(isinstance(cell, list | tuple | set | frozenset) for cell in cells):
        lists = [list(cell) for cell in cells]
        values = _sorted_classes([value for cell in lists for value in cell])
        return Classes(values, "several"), [[_label(value) for value in cell] for cell in lists]
    missing = [row for row, cell in enumerate(cells, start=1) if is_missing(cell) or not _label(cell)]
    if missing:
        raise DataError(
            "label-missing",
            "the class is missing",
            where=f"y, row {missing[0]}",
            found=f"{len(missing)} of {counted(len(cells), 'row')} without a class",
            advice="leave these rows out",
        )
    values = _sorted_classes(cells)
    return Classes(values.astype(_dtype_of(y, values)), "one"), cells


def _label(value: Any) -> str:
    return prepare_label(as_text(value))


def _dtype_of(y: Any, values: NDArray[Any]) -> np.dtype[Any]:
    """The type that predictions come back in: that of an array where it has one of its own."""
    dtype = getattr(y, "dtype", None)
    return dtype if isinstance(dtype, np.dtype) and dtype.kind in "biufU" else values.dtype


def _flat(y: Any) -> list[Any]:
    """List a target of one axis; a single column counts as one."""
    names = getattr(y, "columns", None)
    if names is not None:
        return plain_values(y[names[0]])
    y = y.ravel() if getattr(y, "ndim", None) == 2 and y.shape[1] == 1 else y
    return plain_values(y)


def _indicator_given(y: Any) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Give classes and rows of an indicator; None where it is none."""
    if hasattr(y, "toarray"):
        y = y.toarray()
    names = getattr(y, "columns", None)
    given = np.asarray(y) if names is not None or isinstance(y, np.ndarray) else _as_square(y)
    if given is None or given.ndim != 2 or given.shape[1] < 2:
        return None
    if given.dtype.kind not in "biuf" or not np.isin(given, (0, 1)).all():
        raise DataError(
            "not-classes",
            "several columns of y mark the classes that each row has",
            where="y",
            found=f"{given.dtype} of shape {list(given.shape)} with other values than 0 and 1",
            allowed="one class a row, a list of classes a row, or an indicator of 0 and 1",
        )
    values = np.arange(given.shape[1]) if names is None else _array(list(names))
    if len(_distinct(values.tolist())) < len(values):
        raise DataError("classes-alike", "two columns of y have the same name", where="y", found=repr(values.tolist()))
    return values, given


def _as_square(y: Any) -> NDArray[Any] | None:
    """Take rows of 0 and 1, all of one length, for an indicator, as scikit-learn does; None for anything else."""
    rows = list(y) if isinstance(y, list | tuple) else []
    if not rows or not all(isinstance(row, list | tuple | np.ndarray) for row in rows):
        return None
    if len({len(row) for row in rows}) != 1 or any(not _is_bit(value) for row in rows for value in row):
        return None
    return np.array([list(row) for row in rows])


def _is_bit(value: Any) -> bool:
    return not isinstance(value, str) and as_text(value) in ("0", "1", "0.0", "1.0", "true", "false")


def _distinct(values: Sequence[Any]) -> list[Any]:
    """List the distinct classes; refuse what would read alike once it is a label."""
    by_label: dict[str, Any] = {}
    for value in values:
        first = by_label.setdefault(_label(value), value)
        if not _label(value) or type(first) is not type(value) or first != value:
            raise DataError(
                "classes-alike",
                "two classes read the same" if _label(value) else "a class is empty",
                where="y",
                found=f"{first!r} and {value!r}" if _label(value) else repr(value),
                allowed="classes that differ by more than their type and the space around them",
                advice="write them alike" if _label(value) else "leave it out",
            )
    return list(by_label.values())


def _sorted_classes(values: Sequence[Any]) -> NDArray[Any]:
    """Sort the distinct classes; refuse several types, and fractions."""
    classes = _distinct(values)
    kinds = sorted({type(value).__name__ for value in classes})
    if len(kinds) > 1:
        raise DataError(
            "classes-mixed",
            "the classes are of several types",
            where="y",
            found=f"{', '.join(kinds)}: {', '.join(quote(str(value)) for value in classes[:_SHOWN])}",
            allowed="classes of one type",
            advice="write them as text: [str(value) for value in y]",
        )
    fraction = next((value for value in classes if isinstance(value, float) and not value.is_integer()), None)
    if fraction is not None:
        raise DataError(
            "not-classes",
            "y holds fractions, which are no classes",
            where="y",
            found=f"{counted(len(classes), 'number', 'different numbers')}, {fraction!r} among them",
            allowed="whole numbers, texts, truth values",
            advice="learn numbers with TextRegressor, or write levels as text: str(y)",
        )
    try:
        return _array(sorted(classes))
    except TypeError:  # of a type without an order
        return _array(sorted(classes, key=_label))


def _array(classes: list[Any]) -> NDArray[Any]:
    """Make an array of one axis, of objects where numpy has no type for them."""
    if all(isinstance(value, bool | int | float | str) for value in classes):
        return np.array(classes)
    made = np.empty(len(classes), dtype=object)
    made[:] = classes
    return made
