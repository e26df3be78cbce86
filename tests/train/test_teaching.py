"""A student learns what it is taught, for as long as it may."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from tests.ladder.tiny_base import tiny_encoder

from tunesmith.data.batch import pack
from tunesmith.data.tokenize import TokenSet
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.likelihoods import load_likelihood
from tunesmith.runtimes.torch import encode, logits
from tunesmith.train import teaching
from tunesmith.train.objectives.distillation import Distillation
from tunesmith.train.parameter_groups import parameter_groups
from tunesmith.train.teaching import Course, teach

N_ROWS = 120
STEPS = 10
"""Of a pass, at 64 tokens each."""


@pytest.fixture
def tokens() -> TokenSet:
    """Rows of five tokens, so that every pass has as many steps."""
    random = np.random.default_rng(0)
    lengths = np.full(N_ROWS, 5)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    ids = random.integers(5, 60, offsets[-1]).astype(np.int32)
    return TokenSet(ids, offsets, np.arange(N_ROWS), None, lengths.astype(np.int32))


@pytest.fixture
def teacher() -> EncoderClassifier:
    """A tiny classifier of three classes."""
    torch.manual_seed(0)
    head = LinearHead(32, 3)
    torch.nn.init.normal_(head.weight, std=3.0)
    return EncoderClassifier(tiny_encoder(dropout=0.0), "mean", head, unit_length=True).eval()


def student_of(teacher: EncoderClassifier) -> EncoderClassifier:
    """Its like, its weights shaken."""
    student = copy.deepcopy(teacher)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for part in student.parameters():
            part.add_(0.1 * part.std(correction=0) * torch.randn(part.shape, generator=random))
    return student


def lesson(student: EncoderClassifier, teacher: EncoderClassifier, tokens: TokenSet, *, sees: bool) -> Distillation:
    """What the teacher says of the rows, and where asked for, what it sees of them."""
    seen = torch.from_numpy(encode(teacher, tokens)) if sees else None
    said = torch.from_numpy(logits(teacher, tokens))
    return Distillation(student, load_likelihood("softmax"), said, features=seen)


def taught(student: EncoderClassifier, what: Distillation, tokens: TokenSet, course: Course) -> int:
    """Teach it and count the steps."""
    groups = parameter_groups(
        student.encoder.layer_groups(),
        student.head.parameters(),
        learning_rate=2e-3,
        head_learning_rate=2e-3,
        layer_decay=1.0,
        weight_decay=0.0,
    )
    return teach(what, tokens, groups, course=course, seed=0)


@pytest.mark.parametrize("sees", [True, False])
def test_a_student_comes_to_say_what_its_teacher_says(
    teacher: EncoderClassifier, tokens: TokenSet, *, sees: bool
) -> None:
    """Its answers come ten times nearer; what it sees comes nearer where it is taught that, and further where not."""
    student = student_of(teacher)
    said, seen = torch.from_numpy(logits(teacher, tokens)), encode(teacher, tokens)
    likelihood = load_likelihood("softmax")

    def apart() -> tuple[float, float]:
        divergence = likelihood.divergence(said, torch.from_numpy(logits(student, tokens))).mean()
        return float(divergence), float(np.square(encode(student, tokens) - seen).mean())

    before = apart()
    assert taught(student, lesson(student, teacher, tokens, sees=sees), tokens, Course(20, 64)) == 20 * STEPS
    after = apart()
    assert after[0] < 0.1 * before[0]
    assert (after[1] < 0.3 * before[1]) is sees


def test_the_loss_of_the_teacher_itself_is_none(teacher: EncoderClassifier, tokens: TokenSet) -> None:
    """And of features twice as long as the teacher's it is one a row, whatever their length."""
    batch = pack(tokens, np.arange(7))
    assert float(lesson(teacher, teacher, tokens, sees=True).loss_sum(batch).detach()) == pytest.approx(0.0, abs=1e-4)
    seen, said = (torch.from_numpy(part(teacher, tokens)) for part in (encode, logits))
    far = Distillation(teacher, load_likelihood("softmax"), said, features=2.0 * seen)
    assert float(far.loss_sum(batch).detach()) == pytest.approx(7 * 0.25, rel=1e-3)


def test_the_budget_ends_it_sooner(
    teacher: EncoderClassifier, tokens: TokenSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock on which every step takes a second: of 100 steps as many as fit, the last at a rate near nothing."""
    seconds = iter(range(10_000))
    monkeypatch.setattr(teaching.time, "monotonic", lambda: float(next(seconds)))
    rates: list[float] = []
    scale = teaching.scale_rates
    monkeypatch.setattr(
        teaching, "scale_rates", lambda optimizer, factor: (rates.append(factor), scale(optimizer, factor))
    )
    student = student_of(teacher)
    what = lesson(student, teacher, tokens, sees=False)
    assert taught(student, what, tokens, Course(10, 64, budget_s=40.0)) == 38
    assert rates[-1] == pytest.approx(1 / 38)
    assert taught(student, what, tokens, Course(2, 64, budget_s=1e6)) == 2 * STEPS
    assert taught(student, what, tokens, Course(1.5, 64)) == STEPS + STEPS // 2
    assert taught(student, what, tokens, Course(0, 64)) == 0


def test_progress_is_told(teacher: EncoderClassifier, tokens: TokenSet) -> None:
    """From the first step to the last."""
    told: list[tuple[float, float]] = []
    student = student_of(teacher)
    groups = parameter_groups(
        student.encoder.layer_groups(), [], learning_rate=0.0, head_learning_rate=0.0, layer_decay=1.0, weight_decay=0.0
    )
    what = lesson(student, teacher, tokens, sees=False)
    teach(what, tokens, groups, course=Course(1, 64), seed=0, progress=lambda share, left: told.append((share, left)))
    assert [share for share, _ in told] == pytest.approx([number / STEPS for number in range(1, STEPS + 1)])
    assert told[-1][1] == 0.0
