"""A network trained from scratch: a table of the words that its train rows have, and a body over their vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from tunesmith.config import Settings
from tunesmith.models.dropout import Coins
from tunesmith.models.encoder import refuse_unknown_tokens
from tunesmith.models.network import Network
from tunesmith.models.networks import NETWORKS
from tunesmith.types import PackedTokens

_FIRST_SPREAD = 0.3
"""Of the values of word vectors that are drawn."""

_MOST_TOKENS = 1_100_000
"""More than any tokenizer that is read has."""


class NetworkShape(Settings):
    """All that says which weights a network has, and of what shapes."""

    network: str
    """Its kind."""

    options: dict[str, Any]
    """Of the kind."""

    embedding_size: int = Field(ge=1, le=8192)
    """Width of the vectors that the body reads."""

    word_size: int = Field(ge=1, le=65_536)
    """Width of the rows of the table; where it is another, they are projected."""

    rows: int = Field(ge=1, le=_MOST_TOKENS)
    """Of the table; the first is of all tokens that no train row has."""

    vocab_size: int = Field(ge=1, le=_MOST_TOKENS)
    """Tokens that the tokenizer can give."""


class Words(nn.Module):
    """The table: a row for each token that train rows have, the first for all others.

    Args:
        shape: Its rows and widths.
    """

    row_of: Tensor
    """Row of each token, int32 ``[V]``; no weight, but saved with them."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(shape.rows, shape.word_size))
        same = shape.word_size == shape.embedding_size
        self.project = None if same else nn.Linear(shape.word_size, shape.embedding_size, bias=False)
        self.register_buffer("row_of", torch.zeros(shape.vocab_size, dtype=torch.int32))

    def forward(self, tokens: PackedTokens, coins: Coins | None, *, unread: float) -> Tensor:
        """Look each token up.

        Args:
            tokens: Sequences end to end.
            coins: Decisions of dropout; None in evaluation.
            unread: Share of the tokens that one training step takes for unknown ones.

        Returns:
            A vector a token, ``[T, E]``.
        """
        rows = self.row_of.index_select(0, torch.tensor(tokens.input_ids, device=self.row_of.device))
        if coins is not None and unread > 0.0:
            rows = rows * (coins.factors(len(rows), unread) > 0.0)
        vectors = nn.functional.embedding(rows, self.table)
        return vectors if self.project is None else self.project(vectors)


class WordNetwork(Network):
    """Words under a body.

    Args:
        shape: Which body, and how large all is.
        unread: Share of the tokens that one training step takes for unknown ones: else their row would never learn.

    Raises:
        ConfigError: There is no such kind of network, or it has no such options.
    """

    def __init__(self, shape: NetworkShape, *, unread: float = 0.0) -> None:
        member = NETWORKS.member(shape.network)
        body = member.build(NETWORKS.options(shape.network, shape.options), shape.embedding_size)
        super().__init__(body.hidden_size)
        self.shape = shape
        self.unread = unread
        self.words = Words(shape)
        self.body = body

    def forward(self, tokens: PackedTokens) -> Tensor:
        """Give each token its vector.

        Args:
            tokens: Sequences end to end, shortest first.

        Returns:
            A vector a token, ``[T, H]``, in the order of the tokens.

        Raises:
            ArtifactError: ``tokenizer-differs``.
        """
        refuse_unknown_tokens(tokens, self.shape.vocab_size)
        coins = Coins(self.words.table.device) if self.training else None
        hidden: Tensor = self.body(self.words(tokens, coins, unread=self.unread), tokens, coins)
        return hidden

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Sort the parameters by height.

        Returns:
            Those of the words, then those of the body.
        """
        return [list(self.words.parameters()), list(self.body.parameters())]

    def forward_flops(self, lengths: NDArray[np.int64]) -> float:
        """Count the operations of reading sequences once; looking words up has none.

        Args:
            lengths: Tokens of each sequence, ``[S]``.

        Returns:
            Operations of all matrix products.
        """
        projected = 0 if self.words.project is None else self.words.project.weight.numel()
        of_body: float = self.body.forward_flops(lengths)
        return of_body + 2.0 * float(lengths.sum()) * projected


def rows_of_tokens(seen: NDArray[np.int32], vocab_size: int) -> NDArray[np.int32]:
    """Give each token that is seen a row of its own, from 1 up; all others share row 0.

    Args:
        seen: Tokens of the train rows, in any order and as often as they come.
        vocab_size: Tokens that the tokenizer can give.

    Returns:
        Row of each token, ``[V]``.

    Example:
        >>> rows_of_tokens(np.array([4, 1, 4], np.int32), 6).tolist()
        [0, 1, 0, 0, 2, 0]
    """
    row_of = np.zeros(vocab_size, dtype=np.int32)
    tokens = np.unique(seen)
    row_of[tokens] = np.arange(1, len(tokens) + 1)
    return row_of


def fresh_network(
    shape: NetworkShape,
    row_of: NDArray[np.int32],
    generator: torch.Generator,
    *,
    unread: float,
    vectors: Tensor | None = None,
) -> WordNetwork:
    """Build a network to be trained.

    Args:
        shape: Which body, and how large all is.
        row_of: Row of each token, ``[V]``.
        generator: Draws the first weights.
        unread: Share of the tokens that one training step takes for unknown ones.
        vectors: What the rows of the table begin with, by token, ``[V, W]``; the first row with the mean of those
            tokens that have none. Left out, all are drawn.

    Returns:
        The network, every parameter trainable.

    Raises:
        ConfigError: There is no such kind of network, or it has no such options.
    """
    with torch.device("meta"):
        network = WordNetwork(shape, unread=unread)
    network.to_empty(device="cpu")
    words = network.words
    with torch.no_grad():
        words.row_of.copy_(torch.from_numpy(row_of))
        if vectors is None:
            words.table.normal_(std=_FIRST_SPREAD, generator=generator)
        else:
            known = torch.from_numpy(row_of > 0)
            words.table[words.row_of[known].long()] = vectors[known]
            words.table[0] = vectors[~known].mean(dim=0) if not known.all() else 0.0
        if words.project is not None:
            nn.init.xavier_uniform_(words.project.weight, generator=generator)
        network.body.start(generator)
    return network
