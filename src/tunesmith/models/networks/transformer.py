"""``transformer``: a small encoder of the kind that BERT is, its weights drawn at random.

The layers are those of the flat engine. Places are told by waves of many lengths instead of a table, which would learn
nothing of the places that only the longest texts reach.

Source: Vaswani et al. 2017, section 3.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

from tunesmith.config import Settings
from tunesmith.models.body import Body
from tunesmith.models.dropout import Coins, drop, drop_alike
from tunesmith.models.encoder_config import EncoderConfig
from tunesmith.models.encoders._attention import GroupedAttention
from tunesmith.models.encoders.flat import Layer
from tunesmith.models.flops import forward_flops
from tunesmith.types import PackedTokens

POOLING = "mean"
LEARNING_RATE = 1e-3
SHARE_OF_MATMUL_RATE = 0.25

_LONGEST_WAVE = 10_000.0


class Options(Settings):
    """Shape of a small encoder."""

    hidden_size: int = Field(128, ge=1, le=8192)
    """Width of the token vectors."""

    num_hidden_layers: int = Field(2, ge=1, le=48)
    """Layers of attention and feed-forward."""

    num_attention_heads: int = Field(4, ge=1, le=256)
    """Heads of each layer, which share the width evenly."""

    intermediate_size: int = Field(512, ge=1, le=65_536)
    """Width of the feed-forward part."""

    inner_dropout: float = Field(0.1, ge=0.0, le=0.95)
    """Share of the values inside the layers that one training step leaves out."""

    dropout: float = Field(0.5, ge=0.0, le=0.95)
    """Share of the features of a text that one training step leaves out."""

    @field_validator("num_attention_heads")
    @classmethod
    def _share_evenly(cls, heads: int, info: ValidationInfo) -> int:
        width = info.data.get("hidden_size", heads)
        if width % heads:
            raise ValueError(f"{heads} heads do not share a hidden_size of {width} evenly")
        return heads


class Transformer(Body):
    """Places, and layers of attention and feed-forward.

    Args:
        options: Width, layers, heads, dropout.
        embedding_size: Width of the word vectors.
    """

    def __init__(self, options: Options, embedding_size: int) -> None:
        super().__init__(options.hidden_size)
        self.config = EncoderConfig(
            model_type="bert",
            hidden_size=options.hidden_size,
            num_hidden_layers=options.num_hidden_layers,
            num_attention_heads=options.num_attention_heads,
            intermediate_size=options.intermediate_size,
            vocab_size=0,  # words and places are looked up elsewhere
            max_position_embeddings=0,
            hidden_dropout_prob=options.inner_dropout,
            attention_probs_dropout_prob=options.inner_dropout,
            embedding_size=embedding_size,
        )
        self.dropout = options.dropout
        self.project = None if embedding_size == self.hidden_size else nn.Linear(embedding_size, self.hidden_size)
        self.norm = nn.LayerNorm(self.hidden_size, self.config.layer_norm_eps)
        self.layers = nn.ModuleList(Layer(self.config) for _ in range(options.num_hidden_layers))

    def forward(self, vectors: Tensor, tokens: PackedTokens, coins: Coins | None) -> Tensor:
        """Let the words of each sequence look at one another.

        Args:
            vectors: Of the words, ``[T, E]``.
            tokens: The sequences they belong to, shortest first.
            coins: Decisions of dropout; None in evaluation.

        Returns:
            ``[T, H]``.
        """
        rate = self.config.hidden_dropout_prob
        words = vectors if self.project is None else self.project(vectors)
        hidden = drop(self.norm(words + _waves(tokens.lengths, words)), rate, coins)
        attend = GroupedAttention(tokens.groups(), self.config.num_attention_heads, rate=rate, coins=coins)
        for layer in self.layers:
            hidden = layer(hidden, attend, coins)
        return drop_alike(hidden, tokens.lengths, self.dropout, coins=coins)

    def start(self, generator: torch.Generator) -> None:
        """Draw the matrices; biases are zero, and norms change nothing.

        Args:
            generator: All that is drawn comes from it.

        Source: Glorot and Bengio 2010; queries, keys and values each by itself.
        """
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                for part in parameter.detach().chunk(3 if ".qkv." in name else 1):
                    nn.init.xavier_uniform_(part, generator=generator)
            else:
                nn.init.constant_(parameter, 1.0 if "norm.weight" in name else 0.0)

    def forward_flops(self, lengths: NDArray[np.int64]) -> float:
        """Count the operations of all layers.

        Args:
            lengths: Tokens of each sequence, ``[S]``.

        Returns:
            Operations of all matrix products.
        """
        projected = 0 if self.project is None else self.project.weight.numel()
        return forward_flops(self.config, lengths) + 2.0 * float(lengths.sum()) * projected


def build(options: Options, embedding_size: int) -> Transformer:
    """Build the layers.

    Args:
        options: Width, layers, heads, dropout.
        embedding_size: Width of the word vectors.

    Returns:
        The body, its weights still to be drawn or loaded.
    """
    return Transformer(options, embedding_size)


def _waves(lengths: NDArray[np.int64], like: Tensor) -> Tensor:
    """Tell each token its place in its sequence by waves, the longest 10,000 times the shortest, ``[T, H]``."""
    width = like.shape[1]
    places = np.arange(int(lengths.max(initial=0)))[:, None]
    rates = np.exp(np.arange(0, width, 2) * (-math.log(_LONGEST_WAVE) / width))
    waves = np.zeros((len(places), width), dtype=np.float32)
    waves[:, 0::2] = np.sin(places * rates)
    waves[:, 1::2] = np.cos(places * rates[: width // 2])
    at = np.arange(int(lengths.sum())) - np.repeat(lengths.cumsum() - lengths, lengths)
    return torch.from_numpy(waves).to(like.device).index_select(0, torch.from_numpy(at).to(like.device))
