"""The texts on which an export is tried: of every length, from one token to several windows, and rows held out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.tokenize import plain_pieces
from tunesmith.export.source import Model
from tunesmith.tasks import Targets
from tunesmith.types import Text, as_one

_MOST_ROWS = 440
_JOINED = 60
_WINDOWS = (0.5, 1.2, 0.9, 2.5, 0.7, 3.5)
"""Lengths of the texts that are put together, in windows."""
_ODD = ("", " \t", "?", "x\r\ny\x00z", "ﬁne ＡＢＣ e\u0301 Ünïcode", "漢字かな交じり文", "🙂🙃", "a" * 300, "1 " * 40)
_MOST_FITTED = 10_000
_MOST_HELD = 2_000


@dataclass(frozen=True)
class Given:
    """Rows of the user's file, or of the embedded sample."""

    name: str
    """In words, without a folder."""
    texts: Sequence[Text]
    targets: Targets | None = None
    """What the labels say, where the rows have some."""
    is_file: bool = True


@dataclass(frozen=True)
class Trial:
    """What an export is fitted on, where it is, and measured on."""

    given: Given
    texts: Sequence[Text]
    """Compared one by one: short, long and odd ones."""
    fitted: NDArray[np.int64]
    """Rows that may be fitted on."""
    held: NDArray[np.int64]
    """Rows to measure the loss on; none of them is fitted on."""
    max_loss: float
    """Points of accuracy, or of agreement where there are no labels."""
    seed: int = 0
    """Of whatever is drawn."""
    told: Callable[[str], None] = lambda line: None
    """Told what takes long."""

    def of(self, rows: NDArray[np.int64]) -> list[Text]:
        """Give the texts of some rows.

        Args:
            rows: Numbers of rows.

        Returns:
            Their texts.
        """
        return [self.given.texts[row] for row in rows]


def trial_of(given: Given, model: Model, *, max_loss: float, seed: int, told: Callable[[str], None]) -> Trial:
    """Deal the rows out and make texts of every length of them.

    Args:
        given: The rows, at least one.
        model: Says how long a window is.
        max_loss: In points.
        seed: Of the draw between rows to fit on and rows held out.
        told: Told what takes long.

    Returns:
        The trial; without a file of the user's nothing is fitted, so all rows are held out.
    """
    order = np.random.default_rng(seed).permutation(len(given.texts))
    n_held = min(_MOST_HELD, -(-len(order) // 2)) if given.is_file else len(order)
    return Trial(
        given=given,
        texts=varied_texts(given.texts, model),
        fitted=np.sort(order[n_held : n_held + _MOST_FITTED]),
        held=np.sort(order[:n_held]),
        max_loss=max_loss,
        seed=seed,
        told=told,
    )


def varied_texts(rows: Sequence[Text], model: Model) -> list[Text]:
    """Take rows from all over a file, join others to longer texts, and add odd ones.

    Args:
        rows: Texts or pairs, at least one.
        model: Says how long a window is.

    Returns:
        At least 500 texts, some of them of four windows; in the pairs a long text meets a short one and another.
    """
    if model.pairs is None:
        return list(_varied(cast("Sequence[str]", rows), model))
    pairs = _spread([pair for pair in rows if as_one(pair).strip()] or [("a", "a")])
    sides = [[pair[side] for pair in pairs if pair[side].strip()] or ["a"] for side in (0, 1)]
    n_joined = _JOINED + max(0, _MOST_ROWS - len(pairs))
    ones, others = (list(islice(_joined(side, _per_window(side, model)), n_joined + len(_ODD))) for side in sides)
    long = zip(ones, others[len(_WINDOWS) // 2 :], strict=False)  # so that lengths meet others
    odd = zip(_ODD, [*_ODD[1:], _ODD[0]], strict=True)
    return [*pairs, *islice(long, n_joined), *odd, *((each, sides[1][0]) for each in _ODD)]


def _varied(rows: Sequence[str], model: Model) -> list[str]:
    taken = [str(text) for text in _spread([text for text in rows if text.strip()] or ["a"])]
    n_joined = _JOINED + max(0, _MOST_ROWS - len(taken))
    return [*taken, *islice(_joined(taken, _per_window(taken, model)), n_joined), *_ODD]


def _spread(rows: Sequence[Text]) -> list[Text]:
    """Take distinct rows from all over the file."""
    distinct = list(dict.fromkeys(rows))
    return [distinct[at] for at in np.linspace(0, len(distinct) - 1, min(_MOST_ROWS, len(distinct))).astype(int)]


def _per_window(texts: Sequence[str], model: Model) -> float:
    """Characters of such texts that fill a window, about."""
    n_tokens = max(1, int(plain_pieces(texts, model.tokenizer)[1].sum()))
    return model.encoder.max_seq_length * max(1, sum(map(len, texts))) / n_tokens


def _joined(texts: Sequence[str], per_window: float) -> Iterator[str]:
    """Put texts one behind the other until they fill so many windows."""
    more = cycle(texts)
    for n_windows in cycle(_WINDOWS):
        parts = [next(more)]
        while sum(map(len, parts)) < n_windows * per_window:
            parts.append(next(more))
        yield " ".join(parts)
