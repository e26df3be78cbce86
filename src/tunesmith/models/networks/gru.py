"""``gru``: cells with two gates, one fewer than those of an LSTM.

Source: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder".
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
    return Recurrent(nn.GRU, options, embedding_size)
