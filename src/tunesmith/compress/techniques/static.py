"""``static``: averaged token vectors, distilled from the encoder: no layers, numpy alone.

Each token begins with the vector that the encoder gives it where it stands alone. Then the vectors of the tokens that
come in the texts learn, with the head, to say what the parent says of these texts and to see what its head sees; all
other tokens keep what they began with. Vectors of texts are told by fewer numbers than the encoder's are wide: by their
principal directions, along which the parent's own head still fits.

The order of words is lost, so this is a model for topics rather than for fine shades; the gate tells what it costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from tunesmith.bundle.static_model import StaticModel
from tunesmith.compress.distilling import features_of
from tunesmith.compress.source import Compressed, Floats, Parent, Rows, Work
from tunesmith.config import Settings
from tunesmith.data.tokenize import TokenSet, frame_of, lone_tokens
from tunesmith.errors import counted
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.likelihoods import load_likelihood
from tunesmith.models.static_table import rounded
from tunesmith.models.token_vectors import TokenVectors
from tunesmith.models.tokenizers import n_ids
from tunesmith.runtimes.torch import pooled
from tunesmith.train.objectives.distillation import Distillation
from tunesmith.train.parameter_groups import parameter_groups
from tunesmith.train.teaching import Course, teach

DOES = "averaged token vectors, by numpy: hundreds of times as fast, the order of words is lost"
LEARNS = True
LEAVES_ENCODER = False

_MOST_BATCH_TOKENS, _FEWEST_BATCH_TOKENS = 4096, 64
_STEPS_OF_A_PASS = 36
"""That fewer texts have too, by smaller steps."""
_SAMPLED = 4096
"""Texts that the principal directions are taken from."""


class Options(Settings):
    """How wide the vectors are, and how long they learn."""

    width: int = Field(192, ge=2, le=4096)
    """Numbers of a token's vector; no more than the encoder's has. Of pairs that are read apart always as many."""

    epochs: float = Field(12.0, ge=0.0, le=1000.0)
    """Passes over the texts, at most."""

    learning_rate: float = Field(0.02, gt=0.0, le=1.0)
    """How far a value moves in a step at first, in shares of the spread of the values."""

    batch_tokens: int | None = Field(None, ge=16)
    """Tokens of a step; left out, 4,096, or fewer where a pass would have less than 36 steps."""


def compress(parent: Parent, rows: Rows, *, options: Options, work: Work) -> Compressed:
    """Distil a model into token vectors.

    Args:
        parent: The model.
        rows: Those to fit on, and further texts, are learnt from.
        options: Width and duration.
        work: Time, start of random choices, who is told.

    Returns:
        The table with its head, of kind ``static``.
    """
    told = parent.model.classifier
    lesson = _lesson(parent, rows, work, width=options.width)
    table = _lone_vectors(parent, lesson, work)
    known = np.unique(lesson.tokens.input_ids)
    row_of = np.zeros(len(table), dtype=np.int64)
    row_of[known] = np.arange(len(known))
    vectors = TokenVectors(torch.from_numpy(table[known]), row_of)
    student = EncoderClassifier(
        vectors, StaticModel.pooling, lesson.head, unit_length=told.unit_length, pairing=told.pairing
    )
    n_steps = _teach(student, parent, lesson, options=options, work=work)
    table[known] = vectors.table.detach().numpy()
    whole_steps, scale = rounded(table)
    model = StaticModel(
        table=whole_steps,
        scale=scale,
        weight=lesson.head.weight.detach().numpy().copy(),
        bias=lesson.head.bias.detach().numpy().copy(),
        tokenizer=parent.model.tokenizer,
        max_seq_length=parent.model.max_seq_length,
        unit_length=told.unit_length,
        pair_by=told.pairing,
        joins=parent.model.joins,
    )
    note = (
        f"{counted(len(known), 'token')} of {len(table):,} learnt from {counted(lesson.tokens.n_rows, 'text')} in "
        f"{counted(n_steps, 'step')}; the others have the vector that the encoder gives them alone"
    )
    return Compressed("static", model, notes=(note,))


@dataclass(frozen=True)
class _Lesson:
    """What the student is taught."""

    tokens: TokenSet
    seen: Tensor
    """What the parent's head sees of each row, as the student is to see it, ``[rows, F]``."""
    said: Tensor
    """The parent's outputs, ``[rows, C]``."""
    head: LinearHead
    """The parent's, on features as the student sees them."""
    basis: Floats | None
    """Directions that vectors are told by, ``[H, D]``; None where they are as the encoder gives them."""


def _lesson(parent: Parent, rows: Rows, work: Work, *, width: int) -> _Lesson:
    """Let the parent read all texts, and find the directions along which it tells them apart."""
    classifier = parent.model.classifier
    tokens = parent.model.tokens(rows.lesson)
    seen = features_of(parent, rows, work)
    head = LinearHead(seen.shape[1], len(classifier.head.bias))
    head.load_state_dict(classifier.head.state_dict())
    with torch.no_grad():
        said = head(torch.from_numpy(seen))
    basis = None
    if classifier.pair is None and width < seen.shape[1]:
        basis = _directions(seen, width)
        seen = seen @ basis
        weight, bias = classifier.head.weight.detach() @ torch.from_numpy(basis), classifier.head.bias.detach()
        head = LinearHead(width, len(bias))
        head.load_state_dict({"weight": weight, "bias": bias})
    return _Lesson(tokens, torch.from_numpy(seen), said, head, basis)


def _directions(vectors: Floats, width: int) -> Floats:
    """Find the directions in which vectors reach furthest from zero, ``[H, D]``."""
    sample = vectors[:: -(-len(vectors) // _SAMPLED)].astype(np.float64)
    values, directions = np.linalg.eigh(sample.T @ sample)
    chosen = directions[:, np.argsort(-values)[:width]]
    signs = np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(width)])  # either sign is a direction
    found: Floats = (chosen * signs).astype(np.float32)
    return found


def _lone_vectors(parent: Parent, lesson: _Lesson, work: Work) -> Floats:
    """Encode each token alone; what stands around every text tells none apart, and begins at zero."""
    tokenizer = parent.model.tokenizer
    frame = frame_of(tokenizer)
    tokens = np.arange(min(n_ids(tokenizer), parent.encoder.config.vocab_size), dtype=np.int32)
    lone = lone_tokens(tokens, tokenizer)
    found = np.zeros((n_ids(tokenizer), parent.encoder.hidden_size), dtype=np.float32)
    found[tokens] = pooled(parent.model.classifier, lone, progress=work.telling("static, encoding tokens"))
    found[[*frame.before, *frame.after]] = 0.0
    return found if lesson.basis is None else found @ lesson.basis


def _teach(student: EncoderClassifier, parent: Parent, lesson: _Lesson, *, options: Options, work: Work) -> int:
    """Let the vectors and the head learn; how many steps they took."""
    table, weight = student.encoder.layer_groups()[0][0], student.head.weight
    groups = parameter_groups(
        [[table]],
        student.head.parameters(),
        learning_rate=options.learning_rate * _spread(table),
        head_learning_rate=options.learning_rate * _spread(weight),
        layer_decay=1.0,
        weight_decay=0.0,
    )
    what = Distillation(student, load_likelihood(parent.task.likelihood), lesson.said, features=lesson.seen)
    of_a_pass = len(lesson.tokens.input_ids) // _STEPS_OF_A_PASS
    batch_tokens = options.batch_tokens or min(_MOST_BATCH_TOKENS, max(_FEWEST_BATCH_TOKENS, of_a_pass))
    course = Course(options.epochs, batch_tokens, work.budget_s)

    def progress(share: float, left_s: float) -> None:
        work.narrator.progress("static, learning", share, left_s)

    return teach(what, lesson.tokens, groups, course=course, seed=work.seed, progress=progress)


def _spread(values: Tensor) -> float:
    """The root of the mean square."""
    return float(values.detach().square().mean().sqrt())
