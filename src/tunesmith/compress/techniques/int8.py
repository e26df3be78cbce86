"""``int8``: linear maps and tables in whole numbers of 8 bits; those that lose too much stay as they are.

The ranges of what the maps read come from the user's own rows. If the rounded model then answers too many of those rows
otherwise than its parent, each map is rounded alone to see how far it moves the answers, and the ones that move them
furthest are left as they are, one after the other, until the rest is near enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from tunesmith.compress.running import AUTO, chosen_runtime
from tunesmith.compress.source import Compressed, Floats, Parent, Rows, Work
from tunesmith.config import Settings
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import counted
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.likelihoods import load_likelihood
from tunesmith.models.quantized import ColumnRanges
from tunesmith.models.quantized_encoder import linear_maps, quantize_encoder
from tunesmith.runtimes.engines import refuse_missing
from tunesmith.runtimes.ranges import column_ranges
from tunesmith.runtimes.torch import logits
from tunesmith.types import Text

DOES = "weights and products in whole numbers of 8 bits: a quarter of the size"
LEARNS = False
LEAVES_ENCODER = False

_MOST_TOKENS = 16_384
"""Of the rows that ranges are seen on: a few seconds; twice as many move no answer of banking77."""
_MOST_CHANGED = 2.0
"""Answers that may change on the rows that were fitted on, in shares of what may be lost: most changes cancel out."""


class Options(Settings):
    """What runs the rounded model."""

    runtime: Literal["auto", "flat", "onnxruntime", "openvino"] = "auto"
    """What runs the model: flat, our own engine, or another that is installed; auto tries flat and onnxruntime for two
    seconds, and openvino runs it where it is asked for."""


def compress(parent: Parent, rows: Rows, *, options: Options, work: Work) -> Compressed:
    """Round a model.

    Args:
        parent: The model.
        rows: Those to fit on tell the ranges.
        options: What runs it.
        work: Points that may be lost.

    Returns:
        The rounded model, of kind ``runtime``.

    Raises:
        ConfigError: ``package-missing``: the runtime is not installed.
        GateError: ``runtime-differs``: it answers otherwise than our own engine.
    """
    if options.runtime != AUTO:
        refuse_missing(options.runtime)
    told, max_loss = work.narrator.say, work.max_loss
    texts = list(_some(rows.fitted, parent))
    tokens = parent.model.tokens(texts)
    told(f"seeing between which values {counted(len(linear_maps(parent.encoder)), 'linear map')} read")
    seen = column_ranges(parent.model.classifier, tokens)
    expected = logits(parent.model.classifier, tokens)
    kept: list[str] = []
    made = quantize_encoder(parent.encoder, seen)
    changed = _changed(parent, expected, _answered(parent, made, tokens))
    if changed > _MOST_CHANGED * max_loss / 100.0:
        told(f"{100 * changed:.1f} % of the answers have changed: looking for the maps that change them")
        for name in _most_sensitive(parent, seen, tokens, expected=expected):
            kept.append(name)
            made = quantize_encoder(parent.encoder, seen, in_full=kept)
            changed = _changed(parent, expected, _answered(parent, made, tokens))
            if changed <= _MOST_CHANGED * max_loss / 100.0:
                break
    notes = [f"ranges seen on {counted(len(texts), 'row')}, of which {100 * changed:.1f} % are answered otherwise now"]
    if kept:
        notes.append(f"left as they are, since rounding them changes too many answers: {', '.join(kept)}")
    rounded = replace(parent.model, classifier=parent.model.classifier.with_encoder(made).eval())
    model, found = chosen_runtime(parent, rounded, texts, asked=options.runtime, work=work)
    return Compressed("runtime", model, model.runtime, (*notes, *found))


def _some(texts: Sequence[Text], parent: Parent) -> Iterator[Text]:
    """Take the first rows, which are in a random order, up to a number of tokens; at least one."""
    n_tokens = 0
    for text in texts:
        yield text
        n_tokens += int(parent.model.tokens([text]).n_tokens.sum())
        if n_tokens >= _MOST_TOKENS:
            return


def _answered(parent: Parent, encoder: FlatEncoder, tokens: TokenSet) -> Floats:
    """Answer with another encoder under the same head."""
    return logits(parent.model.classifier.with_encoder(encoder), tokens)


def _changed(parent: Parent, expected: Floats, found: Floats) -> float:
    """Share of rows with another answer; of numbers, the root of the mean square by which they move, in spreads."""
    if not parent.coding.labels:
        return float(np.sqrt(np.mean(np.square(found - expected))))
    if expected.shape[1] == 1 or parent.task.likelihood != "softmax":
        return float(np.mean(((expected > 0) != (found > 0)).any(axis=1)))
    return float(np.mean(expected.argmax(axis=1) != found.argmax(axis=1)))


def _most_sensitive(
    parent: Parent, seen: Mapping[str, ColumnRanges], tokens: TokenSet, *, expected: Floats
) -> list[str]:
    """Order the linear maps by how far rounding each alone moves the answers, the furthest first."""
    names = list(linear_maps(parent.encoder))
    likelihood, ours = load_likelihood(parent.task.likelihood), torch.from_numpy(expected)
    moved = {}
    for name in names:
        alone = quantize_encoder(parent.encoder, seen, in_full=[other for other in names if other != name])
        found = torch.from_numpy(_answered(parent, alone, tokens))
        moved[name] = float(likelihood.divergence(ours, found).mean())
    return sorted(names, key=lambda name: -moved[name])
