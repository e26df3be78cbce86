"""Texts that come again are not computed again: what a model said of the last few thousand is remembered.

Messages repeat: "thanks", "ok", a form letter, a headline that many papers print. The memory is bounded by texts and by
their characters, and forgets first what was not asked for longest.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tunesmith.bundle.kinds import Outputs, Predictor
from tunesmith.types import Text

MOST_TEXTS = 4096
MOST_CHARACTERS = 2_000_000


@dataclass(frozen=True, slots=True)
class _Said:
    """What a model said of one text."""

    logits: NDArray[np.float32]
    n_tokens: int | None
    n_windows: int | None


class Remembering:
    """A model that answers a text it has answered before from memory; may be asked by several threads.

    Args:
        predictor: The model.
        most_texts: Texts that are remembered at most.
        most_characters: Characters of these texts at most.
    """

    def __init__(
        self, predictor: Predictor, *, most_texts: int = MOST_TEXTS, most_characters: int = MOST_CHARACTERS
    ) -> None:
        self._predictor = predictor
        self._most_texts, self._most_characters = most_texts, most_characters
        self._known: OrderedDict[Text, _Said] = OrderedDict()
        self._n_characters = 0
        self._lock = Lock()

    def outputs(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Outputs:
        """Answer prepared texts, each different one at most once.

        Args:
            texts: Prepared as the bundle says; pairs where it reads those.
            progress: Told tokens done and tokens in all, of those that are computed.

        Returns:
            One row a text, in order; what comes again has the same bits.
        """
        with self._lock:
            said = {text: self._known[text] for text in dict.fromkeys(texts) if text in self._known}
        new = [text for text in dict.fromkeys(texts) if text not in said]
        if not said and len(new) == len(texts):  # the usual case: nothing is put together anew
            found = self._predictor.outputs(texts, progress=progress)
            self._remember(dict(zip(texts, _rows(found), strict=True)))
            return found
        if new:
            said |= zip(new, _rows(self._predictor.outputs(new, progress=progress)), strict=True)
        self._remember(said)
        return _together([said[text] for text in texts])

    def forget(self) -> None:
        """Forget all texts, so that each is computed when it comes again: whoever measures wants that."""
        with self._lock:
            self._known.clear()
            self._n_characters = 0

    def _remember(self, said: dict[Text, _Said]) -> None:
        """Move texts to the end, and forget from the front."""
        with self._lock:
            for text, row in said.items():
                if text not in self._known:
                    self._n_characters += _length(text)
                self._known[text] = row
                self._known.move_to_end(text)
            while len(self._known) > self._most_texts or self._n_characters > self._most_characters:
                text, _ = self._known.popitem(last=False)
                self._n_characters -= _length(text)


def _length(text: Text) -> int:
    return len(text) if isinstance(text, str) else sum(map(len, text))


def _rows(found: Outputs) -> list[_Said]:
    """What was said of each text; copies, so that no row keeps all others in memory."""
    tokens, windows = found.n_tokens, found.n_windows
    return [
        _Said(
            logits.copy(),
            None if tokens is None else int(tokens[row]),
            None if windows is None else int(windows[row]),
        )
        for row, logits in enumerate(found.logits)
    ]


def _together(said: Sequence[_Said]) -> Outputs:
    tokens, windows = [each.n_tokens for each in said], [each.n_windows for each in said]
    return Outputs(
        logits=np.stack([each.logits for each in said]),
        n_tokens=None if None in tokens else np.array(tokens),
        n_windows=None if None in windows else np.array(windows),
    )
