"""A model that no stock class computes teaches one that a stock class does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.export.tiny_models import tiny_model

from tunesmith.export import distil
from tunesmith.export.distil import distilled
from tunesmith.export.parity import Said, divergence, expected_of
from tunesmith.export.source import Model

WORDS = ("the", "cat", "sat", "on", "mat", "dog", "ran", "after", "where", "is", "my", "card", "lost", "it", "twice")


@pytest.fixture(scope="module", params=["single_label", "multi_label", "score"])
def teacher(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """It takes the largest value of each feature, which no class of transformers does."""
    folder = tmp_path_factory.mktemp("teacher")
    return tiny_model(folder, pooling="max", num_hidden_layers=1, task=request.param)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """600 texts of random words."""
    random = np.random.default_rng(0)
    return [" ".join(random.choice(WORDS, size=random.integers(2, 9))) for _ in range(600)]


def said(model: Model, texts: list[str]) -> Said:
    """What a model says of texts."""
    return expected_of(model, texts).said


def taught(teacher: Model, texts: list[str], epochs: int, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A student of so many passes over all texts but the last hundred."""
    monkeypatch.setattr(distil, "_EPOCHS", epochs)
    monkeypatch.setattr(distil, "_RATE", 2e-3)  # an encoder 32 wide learns slowly at the rate of one 384 wide
    monkeypatch.setattr(distil, "_BATCH_TOKENS", 64)  # and there are few rows
    rows = texts[:-100]
    return distilled(teacher, rows, teacher.standard(said(teacher, rows).logits), seed=0)


def test_a_student_comes_nearer_to_its_teacher(
    teacher: Model, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On texts that it was not taught: nearer than a head fitted to the encoder as it was."""
    expected = said(teacher, texts[-100:])
    began, ended = (
        divergence(teacher, expected, said(taught(teacher, texts, epochs, monkeypatch), texts[-100:]))
        for epochs in (0, 6)
    )
    assert ended < 0.9 * began


def test_the_teacher_stays_as_it_was(teacher: Model, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """And its student is of mean pooling, with a calibration that is in its head."""
    before = {name: tensor.clone() for name, tensor in teacher.encoder.classifier.state_dict().items()}
    student = taught(teacher, texts, 1, monkeypatch)
    for name, tensor in teacher.encoder.classifier.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)
    assert teacher.encoder.pooling == "max"
    assert (student.encoder.pooling, student.encoder.unit_length) == ("mean", True)
    assert student.calibration == replace(teacher.calibration, temperature=1.0)


def test_the_same_seed_teaches_the_same(teacher: Model, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights are equal, byte for byte."""
    one, two = (taught(teacher, texts, 1, monkeypatch).encoder.classifier.state_dict() for _ in range(2))
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, two[name], rtol=0, atol=0)
