"""Running an encoder over all rows of a token set with torch, in evaluation mode and in the order of the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.data.batch import length_batches, places_of
from tunesmith.data.tokenize import TokenSet
from tunesmith.files.mapped import new_array
from tunesmith.models.classifier import EncoderClassifier, text_means
from tunesmith.models.encoder import Encoder
from tunesmith.models.network import Network
from tunesmith.models.pooled import vectors_read
from tunesmith.models.poolings import Pooling, load_pooling
from tunesmith.runtimes.allocator import Trimming, keep_freed_memory
from tunesmith.types import PackedTokens

Progress = Callable[[int, int], None]
Floats = NDArray[np.float32]

BATCH_TOKENS = 2048
"""Of a forward pass: 4,096 are 1 % faster and hold 150 MiB more, 1,024 are 2 % slower and hold 80 MiB less."""


def encode(
    classifier: EncoderClassifier,
    tokens: TokenSet,
    *,
    batch_tokens: int = BATCH_TOKENS,
    progress: Progress | None = None,
) -> Floats:
    """Compute the features that the head of a classifier sees.

    Args:
        classifier: Encoder, pooling and head.
        tokens: The rows.
        batch_tokens: Real tokens of a forward pass.
        progress: Told tokens done and tokens in all, after each pass.

    Returns:
        float32 ``[rows, F]``.
    """
    found = np.empty((tokens.n_rows, classifier.head.weight.shape[1]), dtype=np.float32)
    with _evaluating(classifier):
        for rows, (vectors,) in _passes(
            classifier.encoder, [classifier.pool], tokens, batch_tokens=batch_tokens, progress=progress
        ):
            found[rows] = classifier.combined(vectors).cpu().numpy()
    return found


def logits(
    classifier: EncoderClassifier,
    tokens: TokenSet,
    *,
    batch_tokens: int = BATCH_TOKENS,
    progress: Progress | None = None,
) -> Floats:
    """Compute a classifier's answers.

    Args:
        classifier: Encoder, pooling and head.
        tokens: The rows.
        batch_tokens: Real tokens of a forward pass.
        progress: Told tokens done and tokens in all, after each pass.

    Returns:
        float32 ``[rows, C]``.
    """
    found = np.empty((tokens.n_rows, len(classifier.head.bias)), dtype=np.float32)
    with _evaluating(classifier):
        for rows, (vectors,) in _passes(
            classifier.encoder, [classifier.pool], tokens, batch_tokens=batch_tokens, progress=progress
        ):
            found[rows] = classifier.head(classifier.combined(vectors)).cpu().numpy()
    return found


def encode_poolings(
    encoder: Encoder,
    tokens: TokenSet,
    poolings: Sequence[str],
    *,
    batch_tokens: int = BATCH_TOKENS,
    progress: Progress | None = None,
) -> dict[str, Floats]:
    """Encode every text once and pool it in several ways.

    Args:
        encoder: Gives a vector a token.
        tokens: The rows.
        poolings: Names of poolings.
        batch_tokens: Real tokens of a forward pass.
        progress: Told tokens done and tokens in all, after each pass.

    Returns:
        For each pooling float32 ``[rows, H]``, or ``[rows, 2, H]`` of pairs; a text of several windows has their
        average.

    Raises:
        ConfigError: There is no such pooling.
    """
    pools = [load_pooling(name, encoder.hidden_size) for name in poolings]
    found = _vectors(encoder, pools, tokens, batch_tokens=batch_tokens, progress=progress)
    return dict(zip(poolings, found, strict=True))


def pooled(classifier: EncoderClassifier, tokens: TokenSet, *, progress: Progress | None = None) -> Floats:
    """Encode every text and pool it as a classifier does, before anything is scaled or combined.

    Args:
        classifier: Encoder and pooling.
        tokens: The rows.
        progress: Told tokens done and tokens in all, after each pass.

    Returns:
        float32 ``[texts, H]``, the two of a pair as neighbours; a text of several windows has their average.
    """
    (vectors,) = _vectors(classifier.encoder, [classifier.pool], tokens, batch_tokens=BATCH_TOKENS, progress=progress)
    return vectors.reshape(-1, vectors.shape[-1])


def _vectors(
    encoder: Network, pools: Sequence[Pooling], tokens: TokenSet, *, batch_tokens: int, progress: Progress | None
) -> list[Floats]:
    """Encode every text once; of each pooling ``[rows, H]``, or ``[rows, 2, H]`` of pairs."""
    sides = () if tokens.side is None else (tokens.n_sides,)
    shape = (tokens.n_rows, *sides, encoder.hidden_size)
    found = [np.empty(shape, dtype=np.float32) for _ in pools]
    with _evaluating(encoder):
        for rows, vectors in _passes(encoder, pools, tokens, batch_tokens=batch_tokens, progress=progress):
            for values, of_texts in zip(found, vectors, strict=True):
                values[rows] = of_texts.cpu().numpy().reshape(-1, *shape[1:])
    return found


def keep_below(encoder: Encoder, tokens: TokenSet, path: Path, *, batch_tokens: int = BATCH_TOKENS) -> TokenSet:
    """Run the layers that do not learn once over all rows, and keep what comes out on the disk.

    Args:
        encoder: Starts anywhere.
        tokens: The rows.
        path: File to write, float32 ``[total, H]``.
        batch_tokens: Real tokens of a forward pass.

    Returns:
        The same rows with what was kept, read from the disk as it is needed.

    Raises:
        ResourceError: ``disk-full``.
    """
    shape = (len(tokens.input_ids), encoder.hidden_size)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = new_array(path, shape)
    with _evaluating(encoder):
        for batch in length_batches(replace(tokens, hidden=None), batch_tokens=batch_tokens):
            at, done = places_of(tokens, batch.rows), 0
            for part in _parts(batch.tokens, 2 * batch_tokens):
                here = at[done : done + len(part.input_ids)]
                kept[here] = encoder.below(part).cpu().numpy()
                done += len(here)
    kept.flush()
    return replace(tokens, hidden=np.load(path, mmap_mode="r"))


def _passes(
    encoder: Network, pools: Sequence[Pooling], tokens: TokenSet, *, batch_tokens: int, progress: Progress | None
) -> Iterator[tuple[NDArray[np.int64], list[Tensor]]]:
    """Deal the rows out; for each batch its rows and, for each pooling, the vectors of their texts ``[texts, H]``."""
    done, total, trimming = 0, len(tokens.input_ids), Trimming()
    for batch in length_batches(tokens, batch_tokens=batch_tokens):
        pooled: list[list[Tensor]] = [[] for _ in pools]
        for part in _parts(batch.tokens, 2 * batch_tokens):
            hidden, read = vectors_read(encoder, pools, part)
            for found, pool in zip(pooled, pools, strict=True):
                found.append(pool(hidden, read))
        yield batch.rows, [text_means(torch.cat(found), batch.sequence_text, batch.n_texts) for found in pooled]
        done += batch.n_tokens
        if done < total:
            trimming.between_passes()
        if progress is not None:
            progress(done, total)


def _parts(tokens: PackedTokens, limit: int) -> Iterator[PackedTokens]:
    """Cut a batch that one very long text has made too large: memory must not grow with a text's length."""
    ends = tokens.lengths.cumsum()
    first = at = 0
    while first < len(ends):
        last = max(first + 1, int(np.searchsorted(ends, at + limit, side="right")))
        end = int(ends[last - 1])
        types, hidden = tokens.token_type_ids, tokens.hidden
        yield PackedTokens(
            tokens.input_ids[at:end],
            tokens.lengths[first:last],
            None if types is None else types[at:end],
            None if hidden is None else hidden[at:end],
        )
        first, at = last, end


@contextmanager
def _evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Switch dropout and gradients off, and dropout on again afterwards where it was on."""
    keep_freed_memory()
    was_training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        module.train(was_training)
