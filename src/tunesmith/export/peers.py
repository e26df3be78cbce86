"""A graph as its users run it: padded batches in, and windows of a long text averaged before the head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tunesmith.export.padded import padded_batches
from tunesmith.export.reading import Reader
from tunesmith.export.targets import Answers

Floats: TypeAlias = NDArray[np.float32]
Inputs: TypeAlias = Mapping[str, NDArray[np.int64]]


class GraphPeer:
    """The two graphs of an export and how a text is read for them.

    Args:
        runtime: Name and version of what runs them.
        reader: From the folder of the export.
        windows: Runs the model: inputs ``[B, T]`` to logits, probabilities and vectors.
        head: Runs the head: vectors ``[B, H]`` to logits and probabilities.
    """

    def __init__(
        self,
        runtime: str,
        reader: Reader,
        *,
        windows: Callable[[Inputs], tuple[Floats, Floats, Floats]],
        head: Callable[[Floats], tuple[Floats, Floats]],
    ) -> None:
        self.runtime = runtime
        self._reader = reader
        self._windows = windows
        self._head = head

    def answers(self, texts: Sequence[str]) -> Answers:
        """Answer texts: of one window by the model alone, of several by the head on the average of their vectors.

        Args:
            texts: As the user wrote them, of any length.

        Returns:
            Logits and probabilities, one row a text, in order.
        """
        tokens = self._reader.tokens(texts)
        names, padding = self._reader.reading["inputs"], self._reader.reading["pad_token_id"]
        sequences, parts = [], []
        for batch in padded_batches(tokens, names, pad_token_id=padding):
            sequences.append(batch.sequences)
            parts.append(self._windows(batch.inputs))
        back = np.argsort(np.concatenate(sequences))
        logits, probabilities, vectors = (np.concatenate(each)[back] for each in zip(*parts, strict=True))
        first = tokens.first_sequence[:-1]
        found, shares = logits[first], probabilities[first]
        long = np.flatnonzero(tokens.n_windows() > 1)
        if len(long):
            sums = np.add.reduceat(vectors, first, axis=0)[long]
            found[long], shares[long] = self._head((sums / tokens.n_windows()[long, None]).astype(np.float32))
        return Answers(labels=self._reader.labels, logits=found, probabilities=shares)
