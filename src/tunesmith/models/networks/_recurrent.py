"""What recurrent networks share: words are read one after the other, in both directions, sequences side by side."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from tunesmith.config import Settings
from tunesmith.models.body import Body
from tunesmith.models.dropout import Coins, drop, drop_alike
from tunesmith.types import PackedTokens


class RecurrentOptions(Settings):
    """Cells that read words one after the other."""

    hidden_size: int = Field(128, ge=1, le=4096)
    """Values that the cells of one direction hold."""

    num_hidden_layers: int = Field(1, ge=1, le=16)
    """Layers of cells, each over what the one below holds in both directions."""

    input_dropout: float = Field(0.2, ge=0.0, le=0.95)
    """Share of the values of the word vectors that one training step leaves out."""

    dropout: float = Field(0.5, ge=0.0, le=0.95)
    """Share of the features of a text that one training step leaves out."""


class Recurrent(Body):
    """Cells of torch's own over packed sequences, forwards and backwards; nothing is padded.

    Args:
        cells: Their kind.
        options: Their number and dropout.
        embedding_size: Width of the word vectors.
    """

    def __init__(self, cells: type[nn.RNN | nn.GRU | nn.LSTM], options: RecurrentOptions, embedding_size: int) -> None:
        super().__init__(2 * options.hidden_size)
        self.cells = cells(embedding_size, options.hidden_size, options.num_hidden_layers, bidirectional=True)
        self.input_dropout = options.input_dropout
        self.dropout = options.dropout

    def forward(self, vectors: Tensor, tokens: PackedTokens, coins: Coins | None) -> Tensor:
        """Read each sequence from both ends.

        Args:
            vectors: Of the words, ``[T, E]``.
            tokens: The sequences they belong to, shortest first.
            coins: Decisions of dropout; None in evaluation.

        Returns:
            What the cells of both directions hold at each word, ``[T, H]``.
        """
        by_time, back, n_reading = _by_time(tokens.lengths)
        dropped = drop(vectors, self.input_dropout, coins)
        steps = PackedSequence(dropped.index_select(0, by_time.to(vectors.device)), n_reading)
        read: PackedSequence = self.cells(steps)[0]
        hidden = read.data.index_select(0, back.to(vectors.device))
        return drop_alike(hidden, tokens.lengths, self.dropout, coins=coins)

    def start(self, generator: torch.Generator) -> None:
        """Draw the weights, biases zero but that of a forget gate.

        Args:
            generator: All that is drawn comes from it.

        Source: orthogonal matrices from one state to the next, Saxe et al. 2014; a forget gate that begins open,
        Jozefowicz et al. 2015.
        """
        size = self.cells.hidden_size
        for name, parameter in self.cells.named_parameters():
            for number, gate in enumerate(parameter.detach().chunk(len(parameter) // size)):
                if name.startswith("weight_hh"):
                    nn.init.orthogonal_(gate, generator=generator)
                elif name.startswith("weight_ih"):
                    nn.init.xavier_uniform_(gate, generator=generator)
                else:
                    forgets = isinstance(self.cells, nn.LSTM) and number == 1 and name.startswith("bias_ih")
                    nn.init.constant_(gate, 1.0 if forgets else 0.0)

    def forward_flops(self, lengths: NDArray[np.int64]) -> float:
        """Count the operations of all gates, in both directions.

        Args:
            lengths: Tokens of each sequence, ``[S]``.

        Returns:
            Operations of all matrix products.
        """
        n_weights = sum(parameter.numel() for parameter in self.cells.parameters() if parameter.ndim > 1)
        return 2.0 * float(lengths.sum()) * n_weights


def _by_time(lengths: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
    """Order the tokens by time.

    The first words of all sequences come first, those of the longest sequence before the others; then the second words
    of all that have one, and so on. Gives the tokens in this order ``[T]``, the way back ``[T]``, and how many
    sequences have a word at each time.
    """
    ends = lengths.cumsum()
    time = np.arange(int(lengths.sum())) - np.repeat(ends - lengths, lengths)
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((-sequence, time))
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return torch.from_numpy(order), torch.from_numpy(back), torch.from_numpy(np.bincount(time))
