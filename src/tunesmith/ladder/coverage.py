"""How much of the texts is read: all of it by probe, scores and prediction, and what of it by fine-tuning."""

from __future__ import annotations

from tunesmith.bundle.schema import TokenCounts
from tunesmith.data.tokenize import TokenSet
from tunesmith.ladder.site import Ground

_MOST_TOKENS_OF_A_TEXT = 2048
"""Of its windows in one optimiser step: about 0.4 MB each in an encoder 384 wide."""


def most_windows(ground: Ground, tokens: TokenSet) -> int:
    """Say how many windows of a row fine-tuning reads, so that a step stays in memory.

    Args:
        ground: Knows how long a window is.
        tokens: The rows.

    Returns:
        At least one of each text of a row.
    """
    return max(tokens.n_sides, _MOST_TOKENS_OF_A_TEXT // ground.encoded.max_seq_length)


def token_counts(ground: Ground) -> TokenCounts:
    """Count what the texts are for the encoder.

    Args:
        ground: Rows and base model.

    Returns:
        Tokens, the longest text, rows that are read in windows, and the share of the train rows' that training reads.
    """
    tokens = ground.encoded.tokens
    train = tokens.select(ground.data.split.train)
    read = train.at_most(most_windows(ground, train))
    return TokenCounts(
        total=int(tokens.n_tokens.sum()),
        longest=int(tokens.n_tokens.max(initial=0)),
        windowed=int((tokens.n_windows() > tokens.n_sides).sum()),
        trained_on=float(read.n_tokens.sum() / max(int(train.n_tokens.sum()), 1)),
    )
