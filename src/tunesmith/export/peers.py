"""A graph as its users run it: padded batches in, and windows of a long text averaged before the head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.padding import padded_batches, window_means
from tunesmith.data.tokenize import TokenSet
from tunesmith.export.reading import Reader
from tunesmith.export.targets import Answers
from tunesmith.types import Text

Floats: TypeAlias = NDArray[np.float32]
Graph: TypeAlias = Callable[[Mapping[str, NDArray[np.generic]]], dict[str, Floats]]
"""From inputs to outputs, each by its name."""


class GraphPeer:
    """The two graphs of an export and how a text is read for them.

    Args:
        runtime: Name and version of what runs them.
        reader: From the folder of the export.
        model: Runs the first: tokens of windows to vectors and, of single texts, to answers.
        head: Runs the second: vectors of whole texts to answers.
    """

    def __init__(self, runtime: str, reader: Reader, *, model: Graph, head: Graph) -> None:
        self.runtime = runtime
        self._reader = reader
        self._model = model
        self._head = head

    def answers(self, texts: Sequence[Text]) -> Answers:
        """Answer rows: a text of one window by the model alone, all else by the head on averages of vectors.

        Args:
            texts: As the user wrote them, of any length; pairs where the model reads those.

        Returns:
            Logits and probabilities, or numbers in the place of logits, one row a text or pair, in order.
        """
        tokens = self._reader.tokens(texts)
        windows = self._windows(tokens)
        vectors, n_windows = window_means(windows.pop("vectors"), tokens)
        if tokens.side is not None:
            found = self._head({"vectors": vectors[::2], "other_vectors": vectors[1::2]})
        else:
            found = {name: values[tokens.first_sequence[:-1]] for name, values in windows.items()}
            long = np.flatnonzero(n_windows > 1)
            if len(long):
                for name, values in self._head({"vectors": vectors[long]}).items():
                    found[name][long] = values
        logits = found["logits"] if "logits" in found else found["values"]
        return Answers(labels=self._reader.labels, logits=logits, probabilities=found.get("probabilities"))

    def _windows(self, tokens: TokenSet) -> dict[str, Floats]:
        """Run the model over every window, in the order of the windows."""
        names, padding = self._reader.reading["inputs"], self._reader.reading["pad_token_id"]
        sequences, parts = [], []
        for batch in padded_batches(tokens, names, pad_token_id=padding, most_padding=1.0):
            sequences.append(batch.sequences)
            parts.append(self._model(batch.inputs))
        back = np.argsort(np.concatenate(sequences))
        return {name: np.concatenate([part[name] for part in parts])[back] for name in parts[0]}
