"""Where a fit is scored, and what a pass costs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.ladder.tiny_base import tiny_encoder
from tests.ladder.tiny_climb import Home

from tunesmith.data.batch import MicroBatch, pack
from tunesmith.data.tokenize import TokenSet
from tunesmith.ladder.fit import scoring_points, seconds_per_token
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.flops import forward_flops, training_flops
from tunesmith.models.heads.linear import LinearHead
from tunesmith.train.losses import LOSSES
from tunesmith.train.objectives.supervised import Supervised


@pytest.mark.parametrize("steps", [1, 7, 100, 5000])
@pytest.mark.parametrize("scored_tokens", [10, 100_000, 10_000_000])
def test_scoring_ends_with_the_last_step_and_stays_cheap(steps: int, scored_tokens: int) -> None:
    """The last step is always scored; all others together cost at most a twentieth of the training."""
    points = scoring_points(steps, steps_per_epoch=steps / 3, training_tokens=512 * steps, scored_tokens=scored_tokens)
    assert points[-1] == steps
    assert list(points) == sorted(set(points))
    assert all(1 <= point <= steps for point in points)
    assert len(points) <= 8
    assert len(points) == 1 or len(points) * scored_tokens / 3 <= 0.05 * 512 * steps


def test_flops_are_those_of_the_published_shapes() -> None:
    """12 layers of 768 at 128 tokens: 174.6 million a token forward, three times that in training."""
    base = SimpleNamespace(num_hidden_layers=12, hidden_size=768, intermediate_size=3072)
    lengths = np.full(10, 128)
    assert forward_flops(base, lengths) / lengths.sum() / 1e6 == pytest.approx(174.6, abs=0.05)
    assert training_flops(base, lengths) == 3 * forward_flops(base, lengths)


def test_draws_are_timed_in_passes_of_the_size_that_will_be_trained_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for small passes to save memory must not meet a large one; weights and dropout stay as they were."""
    tokens = TokenSet(
        np.arange(60, dtype=np.int32) % 50, np.arange(0, 61, 6), np.arange(10), None, np.full(10, 6, dtype=np.int32)
    )
    classifier = EncoderClassifier(tiny_encoder(dropout=0.1), "mean", LinearHead(32, 2), unit_length=True)
    loss = LOSSES.member("cross_entropy").build(LOSSES.options("cross_entropy"))
    objective = Supervised(classifier, loss, torch.zeros(10, dtype=torch.int64))
    sound, sizes = objective.loss_sum, []
    monkeypatch.setattr(objective, "loss_sum", lambda batch: sizes.append(len(batch)) or sound(batch))
    before, state = {n: p.detach().clone() for n, p in classifier.named_parameters()}, torch.get_rng_state()
    batches = [pack(tokens, rows) for rows in (np.arange(5), np.arange(5, 10))]
    assert seconds_per_token(objective, batches, MicroBatch(2)) > 0.0
    assert sizes == [2, 2, 1, 2, 2, 1]
    assert all(torch.equal(parameter, before[name]) for name, parameter in classifier.named_parameters())
    assert all(parameter.grad is None for parameter in classifier.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_steps_of_an_epoch_are_counted_by_its_draws(home: Home) -> None:
    """Rows longer than half a step make fewer and longer ones: two passes must not become four."""
    with home.site(rung__finetune__batch_tokens=16, rung__finetune__epochs=2.0) as (site, (probe, finetune)):
        site.landings["probe"] = probe.climb(site)
        landing = finetune.climb(site)
    assert landing.facts["epochs"] == pytest.approx(2.0, abs=0.03)
