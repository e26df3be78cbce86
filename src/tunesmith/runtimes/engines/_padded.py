"""What engines of a graph share: sequences dealt out with padding, one call a batch, windows averaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from tunesmith.data.padding import padded_batches, window_means
from tunesmith.data.spans import Ints
from tunesmith.data.tokenize import TokenSet
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder import refuse_unknown_tokens
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.runtimes.graph import encoder_graph, input_names
from tunesmith.runtimes.nodes import Dialect, Graph, Products
from tunesmith.types import PackedTokens

Floats: TypeAlias = NDArray[np.float32]
Call: TypeAlias = Callable[[Mapping[str, Ints]], Floats]
"""From padded inputs ``[B, T]`` to vectors ``[B, H]``."""
Compile: TypeAlias = Callable[[Graph, int], Call]
"""From a graph and a number of threads to what runs it."""


class PaddedEngine:
    """An encoder and its pooling as a graph that a runtime has compiled.

    Args:
        classifier: Its encoder is of the flat engine.
        reads_types: Whether sequences hold both texts of a pair.
        products: What is multiplied.
        compile_graph: The runtime's own part.
        dialect: What the runtime reads.
    """

    def __init__(
        self,
        classifier: EncoderClassifier,
        *,
        reads_types: bool,
        products: Products,
        compile_graph: Compile,
        dialect: Dialect,
    ) -> None:
        encoder = classifier.encoder
        assert isinstance(encoder, FlatEncoder), "others were refused"
        self._classifier, self._encoder = classifier, encoder
        self._reads_types, self._products = reads_types, products
        self._compile, self._dialect = compile_graph, dialect
        self._inputs = input_names(encoder, reads_types=reads_types)
        self._ready: tuple[int, Call] | None = None
        """For how many threads the graph was compiled, and what runs it."""
        self._lock = Lock()

    def __call__(
        self,
        tokens: TokenSet,
        *,
        progress: Callable[[int, int], None] | None = None,
        most_padding: float | None = None,
    ) -> Floats:
        """Encode every text: see ``Engine``; ``most_padding`` is that of ``padded_batches``."""
        lengths = tokens.lengths()
        refuse_unknown_tokens(PackedTokens(tokens.input_ids, lengths), self._encoder.config.vocab_size)
        call = self._compiled(torch.get_num_threads())
        found = np.empty((len(lengths), self._encoder.hidden_size), dtype=np.float32)
        done = 0
        for batch in padded_batches(tokens, self._inputs, pad_token_id=0, most_padding=most_padding):
            found[batch.sequences] = call(batch.inputs)
            done += int(lengths[batch.sequences].sum())
            if progress is not None:
                progress(done, len(tokens.input_ids))
        means, _ = window_means(found, tokens)
        return means

    def _compiled(self, n_threads: int) -> Call:
        """Compile the graph when it is first run, and again when another number of threads was set since."""
        with self._lock:
            if self._ready is None or self._ready[0] != n_threads:
                graph = encoder_graph(
                    self._classifier,
                    reads_types=self._reads_types,
                    products=self._products,
                    dialect=self._dialect,
                )
                self._ready = n_threads, self._compile(graph, n_threads)
            return self._ready[1]
