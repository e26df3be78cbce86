"""``pruned``: the feed-forward neurons that matter least and rare words are left out, and layers if asked; then taught.

As many neurons go in every layer, each layer's own least important, so what is left is a BERT as any library knows it.
Attention heads stay: such a BERT's heads share the width evenly, and no config says otherwise of fewer of them.

The words of the vocabulary that are left out are spelled by smaller pieces: see ``models.vocabulary``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from tokenizers import Tokenizer

from tunesmith.compress.distilling import Learning, Lesson, lesson_of, on_trial, some_of, taught, tokens_of_lesson
from tunesmith.compress.importance import largest, least_important_layer, neuron_importance
from tunesmith.compress.source import Compressed, Parent, Rows, Work
from tunesmith.errors import ConfigError, GateError, counted, plural, quote
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.smaller import keep_layers, keep_neurons, keep_words
from tunesmith.models.vocabulary import cut, misspelled, pieces_to_keep, unspelled

DOES = "the least important neurons and rare words left out, the rest taught again"
LEARNS = True
LEAVES_ENCODER = True

_NEURONS_AT_ONCE = 8
"""Their number stays a multiple of this, as products want it."""


class Options(Learning):
    """What is left, and how it learns."""

    neurons: float = Field(0.5, gt=0.0, le=1.0)
    """Share of the feed-forward neurons of each layer that is kept."""

    layers: int | None = Field(None, ge=1)
    """Layers that are kept; left out, all."""

    vocabulary: Literal["trim", "keep"] = "trim"
    """Whether word pieces that the texts do not use are left out."""

    pieces: int = Field(12_288, ge=1)
    """Word pieces that are kept at least: beside those that the texts use and all characters, the commonest."""


def compress(parent: Parent, rows: Rows, *, options: Options, work: Work) -> Compressed:
    """Leave out what matters least, and teach the rest.

    Args:
        parent: The model; it is the teacher too.
        rows: Those to fit on tell what matters and teach; no label is looked at.
        options: What is left, and how it learns.
        work: Seed, and the budget of the learning.

    Returns:
        The pruned model, of kind ``encoder``.

    Raises:
        ConfigError: ``bad-setting``: nothing is to be left out.
        GateError: ``vocabulary-unsafe``.
    """
    config, told = parent.encoder.config, work.narrator.say
    n_neurons = _neurons_kept(config.intermediate_size, options.neurons)
    n_layers = min(options.layers or config.num_hidden_layers, config.num_hidden_layers)
    is_cut = (n_neurons, n_layers) != (config.intermediate_size, config.num_hidden_layers)
    if not is_cut and options.vocabulary == "keep":
        raise ConfigError("bad-setting", "neurons, layers and vocabulary leave nothing out", allowed="less of one")
    lesson = lesson_of(parent, rows, work)
    notes: list[str] = []
    model, encoder = parent.model, parent.encoder
    if is_cut:
        some = some_of(lesson, seed=work.seed)
        told(f"measuring on {counted(some.tokens.n_rows, 'text')} what matters least")
        encoder = _without_layers(parent, encoder, some, n_layers=n_layers, notes=notes)
        encoder = _without_neurons(parent, encoder, some, n_neurons=n_neurons, notes=notes, seed=work.seed)
    if options.vocabulary == "trim":
        encoder, tokenizer, lesson = _without_words(
            parent, encoder, lesson, rows=rows, at_least=options.pieces, notes=notes
        )
        model = replace(model, tokenizer=tokenizer)
    if is_cut:
        learnt, note = taught(parent, on_trial(parent, encoder), lesson, learning=options, work=work, stage="pruned")
        notes.append(note)
        classifier = learnt.classifier
    else:
        classifier = parent.model.classifier.with_encoder(encoder).eval()
    told("; ".join(notes))
    return Compressed("encoder", replace(model, classifier=classifier), None, tuple(notes))


def _neurons_kept(there: int, share: float) -> int:
    """Round the number of neurons up."""
    return min(there, math.ceil(share * there / _NEURONS_AT_ONCE) * _NEURONS_AT_ONCE)


def _without_layers(
    parent: Parent, encoder: FlatEncoder, some: Lesson, *, n_layers: int, notes: list[str]
) -> FlatEncoder:
    """Leave out one layer after the other, each time the one that is missed least."""
    kept = list(range(encoder.config.num_hidden_layers))
    there = len(kept)
    while len(kept) > n_layers:
        kept.pop(least_important_layer(parent, encoder, some))
        encoder = keep_layers(parent.encoder, kept)
    if len(kept) < there:
        named = ", ".join(map(str, kept))
        notes.append(f"{plural(len(kept), 'layer')} {named} of {there} kept, counted from 0")
    return encoder


def _without_neurons(
    parent: Parent, encoder: FlatEncoder, some: Lesson, *, n_neurons: int, notes: list[str], seed: int
) -> FlatEncoder:
    """Keep each layer's most important neurons, in their order."""
    there = encoder.config.intermediate_size
    if n_neurons == there:
        return encoder
    importance = neuron_importance(parent, encoder, some, seed=seed)
    kept = [largest(part, n_neurons) for part in importance]
    notes.append(f"{n_neurons} of {there} feed-forward neurons of each layer kept")
    return keep_neurons(encoder, kept)


def _without_words(
    parent: Parent, encoder: FlatEncoder, lesson: Lesson, *, rows: Rows, at_least: int, notes: list[str]
) -> tuple[FlatEncoder, Tokenizer, Lesson]:
    """Keep the pieces that are used and the commonest, where every word can be spelled without the others."""
    tokenizer = parent.model.tokenizer
    reason = _why_words_stay(tokenizer, encoder)
    if reason is not None:
        notes.append(f"the vocabulary stays as it is: {reason}")
        return encoder, tokenizer, lesson
    used = {encoder.config.pad_token_id, *np.unique(lesson.tokens.input_ids).tolist()}
    kept = pieces_to_keep(tokenizer, used, at_least=at_least)
    if len(kept) == tokenizer.get_vocab_size():
        notes.append("the vocabulary stays as it is: its pieces are used, or common, or single characters")
        return encoder, tokenizer, lesson
    smaller = cut(tokenizer, kept)
    numbers = np.searchsorted(kept, lesson.tokens.input_ids).astype(np.int32)
    _refuse_unsafe(parent, smaller, rows, expected=numbers)
    notes.append(f"{len(kept):,} of {tokenizer.get_vocab_size():,} word pieces kept")
    return keep_words(encoder, kept), smaller, replace(lesson, tokens=replace(lesson.tokens, input_ids=numbers))


def _why_words_stay(tokenizer: Tokenizer, encoder: FlatEncoder) -> str | None:
    """Say why a vocabulary cannot be cut; None where it can."""
    fragile = unspelled(tokenizer)
    if fragile is None:
        return "it is no WordPiece"
    if fragile:
        return f"not every character of {quote(fragile[0])} has a piece of its own, so words could not be spelled"
    if encoder.config.position_offset:
        return "the positions of this architecture are counted from the number of its padding token"
    if tokenizer.get_vocab_size() > encoder.config.vocab_size:
        return "the tokenizer knows tokens that the encoder has no vector for"
    return None


def _refuse_unsafe(parent: Parent, smaller: Tokenizer, rows: Rows, *, expected: NDArray[np.int32]) -> None:
    """Hold a smaller vocabulary to the one before: the rows are the same tokens, and no word becomes unknown."""
    words = misspelled(parent.model.tokenizer, smaller)
    tokens = tokens_of_lesson(replace(parent.model, tokenizer=smaller), rows)
    if words or not np.array_equal(tokens.input_ids, expected):
        raise GateError(
            "vocabulary-unsafe",
            "with fewer word pieces some texts would be read otherwise; nothing was written",
            found=f"{counted(len(words), 'word')} unknown now, {quote(words[0])} first" if words else "other tokens",
            allowed="the same tokens for all texts that were fitted on, and no word that becomes unknown",
            advice="keep the vocabulary: --set technique.pruned.vocabulary=keep",
        )
