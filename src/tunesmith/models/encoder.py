"""What every pretrained encoder is: a network that came with weights, of which some may be left as they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.errors import ArtifactError
from tunesmith.models.encoder_config import EncoderConfig
from tunesmith.models.flops import forward_flops
from tunesmith.models.network import Network
from tunesmith.models.places import Place
from tunesmith.types import PackedTokens


class Encoder(Network):
    """A pretrained encoder; ``flat`` and ``grouped`` are the two ways to run one.

    Args:
        hidden_size: Width of the token vectors.
    """

    config: EncoderConfig
    starts_anywhere = False
    """Whether it can begin with what its lower layers made of the tokens before."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__(hidden_size)
        self.n_frozen = 0
        """Groups of parameters that do not learn, from the bottom; the embeddings are the first."""

    def forward_flops(self, lengths: NDArray[np.int64]) -> float:
        """Count the operations of encoding sequences once.

        Args:
            lengths: Tokens of each sequence, ``[S]``.

        Returns:
            Operations of all matrix products.
        """
        return forward_flops(self.config, lengths)

    def word_vectors(self) -> Tensor:
        """Give the table of word vectors.

        Returns:
            One row a token of the vocabulary, detached, ``[V, E]``.
        """
        raise NotImplementedError

    def can_learn(self, name: str) -> bool:
        """Say whether a weight can be trained at all.

        Args:
            name: Of a parameter.

        Returns:
            False of a pooler that nothing uses.
        """
        del name
        return True

    def places(self) -> list[Place]:
        """List the linear maps and norms of the layers by what they are for.

        Returns:
            Places where a method can put something in, from the bottom up.
        """
        raise NotImplementedError

    def hf_state(self) -> dict[str, Tensor]:
        """Give the weights as transformers' ``AutoModel`` names and shapes them.

        Returns:
            Name to tensor, detached; a pooler that came with the checkpoint goes out as it came in. What a method has
            put in is worked into the weights where that can be done, and else left out.
        """
        raise NotImplementedError

    def hf_names(self, name: str) -> tuple[str, ...]:
        """Name a weight as transformers does.

        Args:
            name: Of a parameter that came with the checkpoint.

        Returns:
            One name; several where it is several of theirs, one after the other.
        """
        raise NotImplementedError

    def freeze(self, n_groups: int) -> None:
        """Stop training the lowest groups of parameters; what is above then needs no gradient of its input either.

        Args:
            n_groups: 1 for the embeddings alone, each more for a layer; layers that do not learn drop nothing out.
        """
        self.n_frozen = n_groups
        for group in self.layer_groups()[:n_groups]:
            for parameter in group:
                parameter.requires_grad_(False)

    def set_dropout(self, rate: float) -> None:
        """Drop out by one rate wherever this architecture drops anything out while it is trained.

        Args:
            rate: Share of the values that are zeroed, in hidden vectors and in attention, 0..1.
        """
        raise NotImplementedError

    def below(self, tokens: PackedTokens) -> Tensor:
        """Run the layers that do not learn.

        Args:
            tokens: Sequences end to end, shortest first.

        Returns:
            What the layers above them begin with, ``[T, H]``.
        """
        raise NotImplementedError


def pretrained(network: Network) -> Encoder:
    """Take a network for the encoder that it is.

    Args:
        network: Of a model that was made from a base model.

    Returns:
        The same.
    """
    assert isinstance(network, Encoder), "only encoders come with weights of their own"
    return network


def refuse_unknown_tokens(tokens: PackedTokens, vocab_size: int) -> None:
    """Refuse tokens that the encoder has no vector for; a tokenizer of another model, or one that was added to, has.

    Args:
        tokens: About to be looked up.
        vocab_size: Rows of the encoder's table.

    Raises:
        ArtifactError: ``tokenizer-differs``.
    """
    highest = int(tokens.input_ids.max(initial=0))
    if highest >= vocab_size:
        raise ArtifactError(
            "tokenizer-differs",
            "the tokenizer knows tokens that the encoder has no vector for",
            found=f"token {highest}",
            allowed=f"0 to {vocab_size - 1}",
            advice="take tokenizer.json and the weights from the same place",
        )
