"""``static``: token vectors of the base encoder, each token read alone, averaged; a linear head solved on the averages.

The encoder reads its vocabulary once and no text at all, so that what a text costs is looking its tokens up. It is the
probe but for the order of words and for what words mean beside one another.

Source: Tulkens and van Dongen 2024, "Model2Vec: fast state-of-the-art static embeddings".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tunesmith.bundle.schema import Kind
from tunesmith.bundle.static_model import StaticModel
from tunesmith.config import Settings
from tunesmith.config.recipe import Names
from tunesmith.data.tokenize import TokenSet, lone_tokens
from tunesmith.files.tensors import load_arrays, save_tensors
from tunesmith.ladder.precision import Precision
from tunesmith.ladder.rungs import probe
from tunesmith.ladder.rungs.probe import Form, heeding
from tunesmith.ladder.site import Ground, Site
from tunesmith.models.flops import forward_flops
from tunesmith.models.static_table import rounded
from tunesmith.models.tokenizers import n_ids
from tunesmith.runtimes.numpy import static_vectors
from tunesmith.runtimes.torch import encode_poolings
from tunesmith.train.solvers.quasi_newton import HeadSolution

NEEDS: tuple[str, ...] = ()
USES_BASE = True

_TABLE = "static.safetensors"


class Options(Settings):
    """What the static rung may choose among."""

    pairings: Names = Field(("symmetric", "ordered"), min_length=1)
    """Pairings of two texts to try, where rows are pairs."""

    n_folds: int = Field(5, ge=2, le=20)
    """Folds of the out-of-fold figures."""


class Static(probe.Probe):
    """A linear head on averaged token vectors.

    Args:
        options: Pairings to try.
    """

    name = "static"
    kind: Kind = "static"

    def __init__(self, options: Options) -> None:
        super().__init__(
            probe.Options(
                poolings=(StaticModel.pooling,),
                pairings=options.pairings,
                n_folds=options.n_folds,
                features="fp32",  # no text passes through the encoder
            )
        )

    def flops(self, site: Ground, tokens: TokenSet) -> float:
        """Count the operations of reading the vocabulary; the rows take none.

        Args:
            site: The ground.
            tokens: The rows.

        Returns:
            Operations of all matrix products.
        """
        del tokens
        return forward_flops(site.encoded.config, vocabulary(site).lengths())

    def head_of(self, model: StaticModel) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Take the head out of a model.

        Args:
            model: From ``model_of``.

        Returns:
            Weight ``[C, F]`` and bias ``[C]``.
        """
        return model.weight, model.bias

    def model_of(self, site: Site, form: Form, *, solution: HeadSolution) -> StaticModel:
        """Put a solved head on the table.

        Args:
            site: The climb.
            form: How tokens became the features.
            solution: The head.

        Returns:
            The model.
        """
        table, scale = token_table(site)
        encoded = site.encoded
        return StaticModel(
            table=table,
            scale=scale,
            weight=np.ascontiguousarray(solution.weight),
            bias=np.ascontiguousarray(solution.bias),
            tokenizer=encoded.tokenizer,
            max_seq_length=encoded.max_seq_length,
            unit_length=True,
            pair_by=form.pairing,
            joins=encoded.joins,
        )

    def _features(
        self, site: Site, rows: NDArray[np.int64], *, precision: Precision, may_give_up: bool = False
    ) -> dict[str, NDArray[np.float32]]:
        del precision
        table, scale = token_table(site, may_give_up=may_give_up)
        tokens = site.encoded.tokens.select(rows)
        vectors = static_vectors(table, scale, tokens)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        shape = (len(rows), vectors.shape[1]) if tokens.side is None else (len(rows), 2, vectors.shape[1])
        return {StaticModel.pooling: vectors.reshape(shape)}


def vocabulary(ground: Ground) -> TokenSet:
    """Put each token that the encoder knows into a sequence of its own.

    Args:
        ground: Names the base model.

    Returns:
        One row a token.
    """
    encoded = ground.encoded
    n_tokens = min(n_ids(encoded.tokenizer), encoded.config.vocab_size)
    return lone_tokens(np.arange(n_tokens, dtype=np.int32), encoded.tokenizer)


def token_table(site: Site, *, may_give_up: bool = False) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Let the base encoder read each token alone, or take what it made of them earlier in the run.

    Args:
        site: The climb.
        may_give_up: Give the rung up once the budget is spent.

    Returns:
        Rounded vectors ``[V, H]``, and what a step of each is, ``[V]``; zeros for tokens that the encoder has no vector
        for.
    """
    path = site.features / _TABLE
    if path.is_file():
        kept = load_arrays(path)
        return kept["table"], kept["scale"]
    tokens = vocabulary(site)
    progress = heeding(site, Static.name, may_give_up=may_give_up)
    found = encode_poolings(site.encoded.encoder, tokens, (StaticModel.pooling,), progress=progress)
    vectors = np.zeros((n_ids(site.encoded.tokenizer), site.encoded.config.hidden_size), dtype=np.float32)
    vectors[: tokens.n_rows] = found[StaticModel.pooling]
    table, scale = rounded(vectors)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(path, {"table": table, "scale": scale})
    return table, scale


def build(options: Options) -> Static:
    """Build the rung.

    Args:
        options: Pairings to try.

    Returns:
        The rung.
    """
    return Static(options)
