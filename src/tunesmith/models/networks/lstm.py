"""``lstm``: cells with gates that say what to keep, to forget and to tell.

Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; read from both ends and pooled by the
largest value, after Conneau et al. 2017, section 3.2.
"""

from __future__ import annotations

from torch import nn

from tunesmith.models.networks._recurrent import Recurrent, RecurrentOptions

Options = RecurrentOptions

POOLING = "max"
LEARNING_RATE = 2e-3
SHARE_OF_MATMUL_RATE = 0.15


def build(options: Options, embedding_size: int) -> Recurrent:
    """Build the cells.

    Args:
        options: Their number and dropout.
        embedding_size: Width of the word vectors.

    Returns:
        The body, its weights still to be drawn or loaded.
    """
    return Recurrent(nn.LSTM, options, embedding_size)
