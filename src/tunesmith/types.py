"""Small value types shared by all levels, and the letters of the axes.

B batch, T tokens, S sequences, H hidden, N heads, D head size, C classes, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Text: TypeAlias = str | tuple[str, str]
"""What a row holds: a text, or a pair of them."""

JSON: TypeAlias = Any
"""A value that a JSON file can hold: None, bool, int, float, str, or lists and string-keyed dicts of these."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its uncertainty: point value and the ends of its interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Give the figure as machine output prints it.

        Returns:
            ``{"value", "low", "high"}``.

        Example:
            >>> Interval(0.9, 0.8, 0.95).as_dict()
            {'value': 0.9, 'low': 0.8, 'high': 0.95}
        """
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class PackedTokens:
    """Sequences laid end to end without padding, shortest first, so that equal lengths are neighbours.

    ``input_ids`` int32 ``[T]``; ``lengths`` int64 ``[S]``, ascending; ``token_type_ids`` uint8 ``[T]`` or None;
    ``hidden`` float32 ``[T, H]``, what the layers that do not learn make of the tokens, or None where nobody kept it.
    """

    input_ids: NDArray[np.int32]
    lengths: NDArray[np.int64]
    token_type_ids: NDArray[np.uint8] | None = None
    hidden: NDArray[np.float32] | None = None

    def firsts(self) -> NDArray[np.int64]:
        """Say where each sequence begins.

        Returns:
            Places in the flat array, ``[S]``.

        Example:
            >>> import numpy as np
            >>> PackedTokens(np.zeros(7, np.int32), np.array([2, 2, 3])).firsts().tolist()
            [0, 2, 4]
        """
        places: NDArray[np.int64] = self.lengths.cumsum() - self.lengths
        return places

    def groups(self) -> list[tuple[int, int, int]]:
        """Cut the flat array where the length changes.

        Returns:
            For each length ``(first token, number of sequences, length)``, in order.

        Example:
            >>> import numpy as np
            >>> PackedTokens(np.zeros(7, np.int32), np.array([2, 2, 3])).groups()
            [(0, 2, 2), (4, 1, 3)]
        """
        found: list[tuple[int, int, int]] = []
        start = 0
        for length in self.lengths.tolist():
            if found and found[-1][2] == length:
                first, count, _ = found[-1]
                found[-1] = (first, count + 1, length)
            else:
                found.append((start, 1, length))
            start += length
        return found


def as_one(text: Text) -> str:
    """Write a pair as one text, for what looks at texts without reading them.

    Args:
        text: Prepared.

    Returns:
        A text as it is; both of a pair with a space between.

    Example:
        >>> as_one(("Where is it?", "")), as_one("hi")
        ('Where is it?', 'hi')
    """
    return text if isinstance(text, str) else " ".join(filter(None, text))
