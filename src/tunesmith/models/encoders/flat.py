"""The flat engine: BERT, RoBERTa, XLM-R, CamemBERT, ELECTRA and DistilBERT on one matrix of tokens.

How BERT works. Each token of a text becomes a vector: what word it is, plus where it stands, plus which of two texts
it belongs to (``Embeddings``). Then equal layers rework the vectors (``Layer``), and each layer does two things, whose
result is added to what was there and normalised. *Attention*: a token asks (query) all tokens of its text what they
offer (key), and gathers a mixture of what they hold (value), with several heads at once, each on its own slice of the
vector. *Feed-forward*: each token by itself goes through a wider layer and back.

Only attention looks at more than one token. So all texts of a batch lie end to end in one ``[T, H]`` matrix for
everything else, and attention runs on groups of texts of equal length. Nothing is padded and nothing is masked; the
outputs are those of the padded computation.

Source: Devlin et al. 2019 (BERT); the variants differ in names, position offset, token types and a projection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tunesmith.config import Settings
from tunesmith.errors import ShapeError
from tunesmith.models.added import merged_state
from tunesmith.models.checkpoint import refuse_missing, refuse_shape
from tunesmith.models.dropout import Coins, add_dropped, drop
from tunesmith.models.encoder import Encoder, refuse_unknown_tokens
from tunesmith.models.encoder_config import EncoderConfig
from tunesmith.models.encoders._attention import GroupedAttention
from tunesmith.models.encoders._hf_names import from_hf, hf_modules, to_hf
from tunesmith.models.encoders._roles import role_of
from tunesmith.models.places import Part, Place
from tunesmith.types import PackedTokens

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "gelu_new": partial(functional.gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(functional.gelu, approximate="tanh"),
    "relu": functional.relu,
    "silu": functional.silu,
}


class Options(Settings):
    """The flat engine has no options."""


class Embeddings(nn.Module):
    """Words, positions and token types as vectors.

    Args:
        config: The encoder's shape.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.offset = config.position_offset
        self.dropout = config.hidden_dropout_prob
        width = config.embedding_size
        self.word = _table(config.vocab_size, width)
        self.position = _table(config.max_position_embeddings, width)
        self.token_type = _table(config.type_vocab_size, width) if config.type_vocab_size else None
        self.norm = nn.LayerNorm(width, config.layer_norm_eps)
        self.project = nn.Linear(width, config.hidden_size) if width != config.hidden_size else None

    def forward(self, tokens: PackedTokens, coins: Coins | None) -> Tensor:
        """Look each token up.

        Args:
            tokens: Sequences end to end.
            coins: Decisions of dropout; None in evaluation.

        Returns:
            A vector a token, ``[T, H]``.

        Raises:
            ShapeError: A sequence is longer than the position table.
        """
        device = self.word.weight.device
        hidden: Tensor = self.word(torch.tensor(tokens.input_ids, device=device))
        hidden = hidden + self.position(torch.tensor(self._positions(tokens), device=device))
        if self.token_type is not None:
            types = tokens.token_type_ids if len(self.token_type.weight) > 1 else None  # one tells nothing apart
            first = self.token_type.weight[0]
            hidden = hidden + (
                first if types is None else self.token_type(torch.tensor(types, dtype=torch.int32, device=device))
            )
        hidden = drop(self.norm(hidden), self.dropout, coins)
        return hidden if self.project is None else self.project(hidden)

    def _positions(self, tokens: PackedTokens) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        lengths = tokens.lengths
        room = self.position.num_embeddings - self.offset
        if lengths.max() > room:
            raise ShapeError(f"a sequence of {lengths.max()} tokens, but only {room} positions")
        starts = np.repeat(tokens.firsts(), lengths)
        return np.arange(len(starts)) - starts + self.offset


def _table(rows: int, width: int) -> nn.Embedding:
    """A table of noise; on the meta device one without, where noise of torch's own costs 1.3 s of imports."""
    weight = torch.empty(rows, width)
    return nn.Embedding(rows, width, _weight=weight if weight.is_meta else weight.normal_())


class Layer(nn.Module):
    """One layer: attention, then feed-forward, each added to its input and normalised.

    Args:
        config: The encoder's shape.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width, inner, epsilon = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self._drops_gathered = config.model_type != "distilbert"  # its authors left it out
        self.set_dropout(config.hidden_dropout_prob)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.qkv = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, epsilon)
        self.grow = nn.Linear(width, inner)
        self.shrink = nn.Linear(inner, width)
        self.output_norm = nn.LayerNorm(width, epsilon)

    def set_dropout(self, rate: float) -> None:
        """Drop out by one rate.

        Args:
            rate: Share of what each half of the layer adds that is zeroed, 0..1.
        """
        self.dropout = rate
        self.attention_dropout = rate if self._drops_gathered else 0.0

    def forward(
        self, hidden: Tensor, attend: GroupedAttention, coins: Coins | None, *, only: Tensor | None = None
    ) -> Tensor:
        """Rework the vectors once.

        Args:
            hidden: A vector a token, ``[T, H]``.
            attend: Attention over this batch's sequences.
            coins: Decisions of dropout; None in evaluation.
            only: Places of those tokens that are read later, ``[S]``; None for all.

        Returns:
            ``[T, H]``, or ``[S, H]``.
        """
        mixed = attend(self.qkv(hidden))
        if only is not None:  # the others have been looked at, which is all that they were needed for
            mixed, hidden = mixed.index_select(0, only), hidden.index_select(0, only)
        gathered = self.attention_out(mixed)
        hidden = self.attention_norm(add_dropped(hidden, gathered, self.attention_dropout, coins=coins))
        thought = self.shrink(self.activation(self.grow(hidden)))
        normed: Tensor = self.output_norm(add_dropped(hidden, thought, self.dropout, coins=coins))
        return normed


class FlatEncoder(Encoder):
    """BERT and its nearest kin.

    Args:
        config: The encoder's shape.
    """

    starts_anywhere = True
    ends_at_firsts = True

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config.hidden_size)
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.attention_dropout = config.attention_probs_dropout_prob
        """Of the weights of attention."""
        self.pooler: dict[str, Tensor] = {}
        """BERT's pooler as the checkpoint had it; nothing here uses it, but whoever loads our files may."""

    def forward(self, tokens: PackedTokens) -> Tensor:
        """Encode.

        Args:
            tokens: Sequences end to end, shortest first.

        Returns:
            A vector a token, ``[T, H]``.
        """
        return self._encoded(tokens, only=None)

    def firsts(self, tokens: PackedTokens) -> Tensor:
        """Encode, in the last layer the first token of each sequence alone.

        Args:
            tokens: Sequences end to end, shortest first.

        Returns:
            ``[S, H]``.
        """
        return self._encoded(tokens, only=torch.from_numpy(tokens.firsts()).to(self.device))

    def _encoded(self, tokens: PackedTokens, *, only: Tensor | None) -> Tensor:
        config = self.config
        refuse_unknown_tokens(tokens, config.vocab_size)
        coins = Coins(self.device) if self.training else None
        n_below = self.n_layers_below
        if tokens.hidden is not None:
            hidden = torch.tensor(tokens.hidden, device=self.device)
        else:
            hidden = self.below(tokens) if n_below else self.embeddings(tokens, coins)
        attend = GroupedAttention(tokens.groups(), config.num_attention_heads, rate=self.attention_dropout, coins=coins)
        for layer in self.layers[n_below:-1]:
            hidden = layer(hidden, attend, coins)
        if n_below < len(self.layers):
            last: Tensor = self.layers[-1](hidden, attend, coins, only=only)
            return last
        return hidden if only is None else hidden.index_select(0, only)

    @property
    def n_layers_below(self) -> int:
        """Layers that do not learn."""
        return max(self.n_frozen - 1, 0)

    def below(self, tokens: PackedTokens) -> Tensor:
        """Run the layers that do not learn, which drop nothing out.

        Args:
            tokens: Sequences end to end, shortest first.

        Returns:
            What the layers above them begin with, ``[T, H]``, without a graph behind it.
        """
        refuse_unknown_tokens(tokens, self.config.vocab_size)
        with torch.no_grad():
            attend = GroupedAttention(tokens.groups(), self.config.num_attention_heads, rate=0.0, coins=None)
            hidden: Tensor = self.embeddings(tokens, None)
            for layer in self.layers[: self.n_layers_below]:
                hidden = layer(hidden, attend, None)
        return hidden

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Sort the parameters by height.

        Returns:
            The embeddings, then each layer from the bottom up.
        """
        return [list(part.parameters()) for part in (self.embeddings, *self.layers)]

    def set_dropout(self, rate: float) -> None:
        """Drop out by one rate: in the embeddings, after each half of a layer, and in attention.

        Args:
            rate: Share of the values that are zeroed, 0..1; DistilBERT's authors left the first half of a layer out.
        """
        self.attention_dropout = self.embeddings.dropout = rate
        for layer in self.layers:
            assert isinstance(layer, Layer), "a flat encoder is made of layers"
            layer.set_dropout(rate)

    def word_vectors(self) -> Tensor:
        """Give the table of word vectors.

        Returns:
            One row a token of the vocabulary, detached, ``[V, E]``.
        """
        return self.embeddings.word.weight.detach()

    def hf_state(self) -> dict[str, Tensor]:
        """Give the weights as transformers' ``AutoModel`` names and shapes them.

        Returns:
            Name to tensor, detached; the pooler of the checkpoint among them, where it had one.
        """
        return to_hf(merged_state(self), self.config) | self.pooler

    def hf_names(self, name: str) -> tuple[str, ...]:
        """Name a weight as transformers does.

        Args:
            name: Of a parameter that came with the checkpoint.

        Returns:
            One name, or those of queries, keys and values.
        """
        module, _, kind = name.rpartition(".")
        return tuple(f"{theirs}.{kind}" for theirs in hf_modules(self.config)[module])

    def places(self) -> list[Place]:
        """List the linear maps and norms of the layers by what they are for.

        Returns:
            Six modules a layer, from the bottom up.
        """
        names = hf_modules(self.config)
        found = []
        for number, layer in enumerate(self.layers):
            for attribute, module in layer.named_children():
                theirs = names[f"layers.{number}.{attribute}"]
                n_outputs = next(module.parameters()).shape[0] // len(theirs)
                roles = [(name, role_of(name, self.config.model_type)) for name in theirs]
                parts = tuple(Part(name, role, n_outputs) for name, role in roles if role)
                found.append(Place(layer, attribute, parts))
        return found


def build(config: EncoderConfig, weights: Mapping[str, Tensor], options: Options) -> FlatEncoder:
    """Build the encoder around a checkpoint's weights.

    Args:
        config: The encoder's shape.
        weights: Under Hugging Face's names for the bare encoder, float32.
        options: None to set.

    Returns:
        The encoder, every parameter trainable.

    Raises:
        ArtifactError: ``weights-missing`` or ``weights-shape``.
    """
    del options
    with torch.device("meta"):  # shapes only: the memory is the checkpoint's, however large a config claims to be
        encoder = FlatEncoder(config)
    expected = encoder.hf_state()
    refuse_missing([name for name in expected if name not in weights], model_type=config.model_type)
    for name, tensor in expected.items():
        refuse_shape(name, weights[name].shape, tensor.shape)
    encoder.load_state_dict(from_hf(weights, encoder.state_dict(), config), assign=True)
    encoder.pooler = {name: tensor for name, tensor in weights.items() if name.startswith("pooler.")}
    return encoder
