"""An encoder, a pooling and a head: from packed tokens to one answer a row."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from tunesmith.machine.device import Precision
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.network import Network
from tunesmith.models.pairings import Pairing, load_pairing
from tunesmith.models.pooled import vectors_read
from tunesmith.models.poolings import Pooling, load_pooling
from tunesmith.types import PackedTokens


class EncoderClassifier(nn.Module):
    """Token vectors pooled to one a sequence, averaged over a text's windows, scaled to length 1 if asked, then scored.

    Of pairs, the vectors of both texts are combined before they are scored.

    Args:
        encoder: Gives a vector a token; pretrained, or trained from scratch.
        pooling: Name of the pooling.
        head: Scores the features.
        unit_length: Scale the vector of a text to length 1.
        pairing: Name of the pairing; None where a row is one text.

    Raises:
        ConfigError: There is no such pooling or pairing.
    """

    def __init__(
        self, encoder: Network, pooling: str, head: LinearHead, *, unit_length: bool, pairing: str | None = None
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling
        self.head = head
        self.unit_length = unit_length
        self.pairing = pairing
        self.pair: Pairing | None = None if pairing is None else load_pairing(pairing)
        self.pool: Pooling = load_pooling(pooling, encoder.hidden_size)
        self.trained_in: Precision = "fp32"
        """What the encoder multiplies in a training step; a model answers in float32 always."""
        self.to(encoder.device)  # a head was solved on the CPU, wherever the encoder computes

    def with_encoder(self, encoder: Network) -> EncoderClassifier:
        """Put another encoder under the same pooling and head.

        Args:
            encoder: Of the same width.

        Returns:
            The classifier; pooling and head are this one's own.
        """
        other = EncoderClassifier(encoder, self.pooling, self.head, unit_length=self.unit_length, pairing=self.pairing)
        other.pool = self.pool
        return other

    def top_parameters(self) -> list[nn.Parameter]:
        """List what lies above the encoder.

        Returns:
            The head's parameters, and the pooling's where it learns.
        """
        learnt = list(self.pool.parameters()) if isinstance(self.pool, nn.Module) else []
        return [*self.head.parameters(), *learnt]

    def features(self, tokens: PackedTokens, sequence_text: NDArray[np.int64], n_texts: int) -> Tensor:
        """Encode rows, in the precision of training where it is trained.

        Args:
            tokens: The rows' sequences, shortest first.
            sequence_text: Text of each sequence, ``[S]``.
            n_texts: One a row, or two of pairs.

        Returns:
            One vector a row, ``[B, F]``.
        """
        in_bf16 = self.training and self.trained_in == "bf16"
        with torch.autocast(self.encoder.device.type, torch.bfloat16, enabled=in_bf16):
            hidden, read = vectors_read(self.encoder, [self.pool], tokens)
        hidden = hidden.float() if in_bf16 else hidden
        return self.combined(text_means(self.pool(hidden, read), sequence_text, n_texts))

    def combined(self, vectors: Tensor) -> Tensor:
        """Make the features of rows out of the vectors of their texts.

        Args:
            vectors: ``[texts, H]``; the two of a pair are neighbours.

        Returns:
            ``[B, F]``.
        """
        scaled = functional.normalize(vectors, dim=1) if self.unit_length else vectors
        return scaled if self.pair is None else self.pair(scaled[::2], scaled[1::2])

    def forward(self, tokens: PackedTokens, sequence_text: NDArray[np.int64], n_texts: int) -> Tensor:
        """Answer rows.

        Args:
            tokens: The rows' sequences, shortest first.
            sequence_text: Text of each sequence, ``[S]``.
            n_texts: One a row, or two of pairs.

        Returns:
            Logits, ``[B, C]``.
        """
        logits: Tensor = self.head(self.features(tokens, sequence_text, n_texts))
        return logits


def text_means(vectors: Tensor, sequence_text: NDArray[np.int64], n_texts: int) -> Tensor:
    """Bring sequences into the order of their texts; a text of several windows gets their average.

    Args:
        vectors: One a sequence, ``[S, H]``.
        sequence_text: Text of each sequence; every text has at least one, ``[S]``.
        n_texts: Texts of all rows.

    Returns:
        One vector a text, ``[texts, H]``.

    Example:
        >>> text_means(torch.tensor([[2.0], [5.0], [4.0]]), np.array([1, 0, 1]), 2)
        tensor([[5.],
                [3.]])
    """
    if len(sequence_text) == n_texts:
        order = torch.from_numpy(np.argsort(sequence_text))
        return vectors.index_select(0, order.to(vectors.device))
    row = torch.tensor(sequence_text, device=vectors.device)
    n_windows = torch.tensor(np.bincount(sequence_text, minlength=n_texts), dtype=vectors.dtype, device=vectors.device)
    return vectors.new_zeros(n_texts, vectors.shape[1]).index_add(0, row, vectors) / n_windows.unsqueeze(1)
