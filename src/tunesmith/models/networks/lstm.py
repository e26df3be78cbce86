"""``lstm``: cells with gates that say what to keep, to forget and to tell.

Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; read from both ends and pooled by the
largest value, after Conneau et al. 2017, section 3.2.
"""

from __future__ import annotations

from pydantic import Field
from torch import nn

from tunesmith.config import Settings
from tunesmith.models.networks._recurrent import Recurrent

POOLING = "max"
LEARNING_RATE = 2e-3
SHARE_OF_MATMUL_RATE = 0.15


class Options(Settings):
    """Cells that read words one after the other."""

    hidden_size: int = Field(128, ge=1, le=4096)
    """Values that the cells of one direction hold."""

    num_hidden_layers: int = Field(1, ge=1, le=16)
    """Layers of cells, each over what the one below holds in both directions."""

    input_dropout: float = Field(0.2, ge=0.0, le=0.95)
    """Share of the values of the word vectors that one training step leaves out."""

    dropout: float = Field(0.5, ge=0.0, le=0.95)
    """Share of the features of a text that one training step leaves out."""


def build(options: Options, embedding_size: int) -> Recurrent:
    """Build the cells.

    Args:
        options: Their number and dropout.
        embedding_size: Width of the word vectors.

    Returns:
        The body, its weights still to be drawn or loaded.
    """
    cells = nn.LSTM(embedding_size, options.hidden_size, options.num_hidden_layers, bidirectional=True)
    return Recurrent(cells, input_dropout=options.input_dropout, dropout=options.dropout)
