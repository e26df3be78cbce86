"""A head that was written down answers as the classifier does, for every pairing and every likelihood.

Tolerance: float32 adds up a few hundred values in another order there, of size 10: 1e-4.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.export.tiny_models import CODINGS, tiny_model

from tunesmith.export.head import MEANS, PAIRINGS, head_graph
from tunesmith.models import pairings
from tunesmith.models.likelihoods import LIKELIHOODS
from tunesmith.tasks import load_task

N_ROWS = 5


def test_every_pairing_and_every_likelihood_can_be_written_down() -> None:
    """But for the one whose answers are the outputs themselves."""
    assert sorted(PAIRINGS) == sorted(pairings.PAIRINGS.names())
    assert sorted([*MEANS, "squared_error"]) == sorted(LIKELIHOODS.names())
    assert {load_task(task).likelihood for task in CODINGS} == set(LIKELIHOODS.names())


@pytest.mark.parametrize("unit_length", [True, False])
@pytest.mark.parametrize("pairing", [None, *pairings.PAIRINGS.names()])
@pytest.mark.parametrize("task", CODINGS)
def test_it_answers_as_the_classifier_does(task: str, pairing: str | None, unit_length: bool, tmp_path: Path) -> None:
    """Of vectors of any length, one of them without any."""
    import onnxruntime

    model = tiny_model(tmp_path, num_hidden_layers=1, task=task, pairing=pairing, unit_length=unit_length)
    rng = np.random.default_rng(0)
    sides = [rng.normal(0.0, 3.0, (N_ROWS, model.config.hidden_size)).astype(np.float32) for _ in (0, 1)]
    sides = sides if pairing else sides[:1]
    sides[0][0] = 0.0
    session = onnxruntime.InferenceSession(head_graph(model).model, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    assert names == (["vectors", "other_vectors"] if pairing else ["vectors"])
    logits, *shares = session.run(None, dict(zip(names, sides, strict=True)))
    scaled = [
        torch.nn.functional.normalize(torch.from_numpy(side)) if unit_length else torch.from_numpy(side)
        for side in sides
    ]
    pair = model.encoder.classifier.pair
    with torch.no_grad():
        raw = model.encoder.classifier.head(scaled[0] if pair is None else pair(*scaled))
    expected = raw / model.calibration.temperature
    if not model.labels:
        expected = expected * model.coding.spread + model.coding.mean
    np.testing.assert_allclose(logits, expected.numpy(), rtol=1e-5, atol=1e-4)
    assert len(shares) == bool(model.labels)
    for share in shares:
        np.testing.assert_allclose(share, model.likelihood.means(expected).numpy(), rtol=0, atol=1e-5)
