"""What every encoder is: a module from packed tokens to one vector a token."""

from __future__ import annotations

from torch import Tensor, nn

from tunesmith.errors import ArtifactError
from tunesmith.models.encoder_config import EncoderConfig
from tunesmith.models.places import Place
from tunesmith.types import PackedTokens


class Encoder(nn.Module):
    """A pretrained encoder; ``flat`` and ``grouped`` are the two ways to run one.

    Sequences come packed, without padding, and a token's vector depends on its own sequence alone.

    Args:
        hidden_size: Width of the token vectors.
    """

    config: EncoderConfig
    starts_anywhere = False
    """Whether it can begin with what its lower layers made of the tokens before."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.n_frozen = 0
        """Groups of parameters that do not learn, from the bottom; the embeddings are the first."""

    def forward(self, tokens: PackedTokens) -> Tensor:
        """Encode.

        Args:
            tokens: Sequences end to end, shortest first.

        Returns:
            A vector a token, ``[T, H]``, in the order of the tokens.
        """
        raise NotImplementedError

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Sort the parameters by height, for rates that differ by layer and for freezing from below.

        Returns:
            The embeddings, then each layer from the bottom up; every parameter is in exactly one group.
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
