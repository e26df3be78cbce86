"""``rnn``: plain cells that carry what they read on from word to word.

Source: Elman 1990, "Finding Structure in Time"; both directions after Schuster and Paliwal 1997.
"""

from __future__ import annotations

from torch import nn

from tunesmith.models.networks._recurrent import Recurrent, RecurrentOptions

Options = RecurrentOptions

POOLING = "max"
LEARNING_RATE = 1e-3
SHARE_OF_MATMUL_RATE = 0.1


def build(options: Options, embedding_size: int) -> Recurrent:
    """Build the cells.

    Args:
        options: Their number and dropout.
        embedding_size: Width of the word vectors.

    Returns:
        The body, its weights still to be drawn or loaded.
    """
    return Recurrent(nn.RNN, options, embedding_size)
