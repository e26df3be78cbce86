"""Where a fit is scored, and what a pass costs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tunesmith.ladder.fit import scoring_points
from tunesmith.ladder.flops import forward_flops, training_flops


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
