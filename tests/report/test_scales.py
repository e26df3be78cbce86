"""Axes name round values that lie within them and have room."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tunesmith.report.scales import Scale, linear_ticks, time_ticks


def test_ends_fall_on_ends() -> None:
    """Both ends must land on the pixels given, whichever way the axis runs."""
    scale = Scale(0.8, 0.9, 300.0, 20.0)
    assert scale(0.8) == pytest.approx(300.0)
    assert scale(0.9) == pytest.approx(20.0)
    logarithmic = Scale(2.0, 200.0, 50.0, 650.0, logarithmic=True)
    assert [logarithmic(2.0), logarithmic(20.0), logarithmic(200.0)] == pytest.approx([50.0, 350.0, 650.0])


@pytest.mark.parametrize("seed", range(20))
def test_times_are_within_the_axis_and_do_not_crowd(seed: int) -> None:
    """Whatever the span, from a rung of a second to days, names must be apart and at least one must be there."""
    generator = np.random.default_rng(seed)
    low = float(10.0 ** generator.uniform(-1.5, 3.0))
    scale = Scale(low, low * float(10.0 ** generator.uniform(0.73, 3.0)), 48.0, 350.0, logarithmic=True)
    ticks = time_ticks(scale, least_gap=48.0)
    assert ticks
    assert all(scale.low <= tick <= scale.high for tick in ticks)
    pixels = [scale(tick) for tick in ticks]
    assert all(right - left >= 48.0 for left, right in pairwise(pixels))


@pytest.mark.parametrize("seed", range(20))
def test_linear_values_are_few_round_and_within(seed: int) -> None:
    """Between two and six values, evenly spaced, inside the ends."""
    generator = np.random.default_rng(seed)
    low = float(generator.uniform(0.0, 99.0))
    high = low + float(10.0 ** generator.uniform(-0.1, 2.0))
    ticks = linear_ticks(low, high)
    assert 2 <= len(ticks) <= 6
    assert low - 1e-6 <= ticks[0]
    assert ticks[-1] <= high + 1e-6
    np.testing.assert_allclose(np.diff(ticks), ticks[1] - ticks[0])


@pytest.mark.parametrize("last", [1, 2, 3, 11, 12, 18, 41, 640, 12_345])
def test_steps_are_whole(last: int) -> None:
    """Half a step is never taken; there are at least two names and at most five."""
    ticks = linear_ticks(0.0, 1.04 * last, most=5, whole=True)
    assert 2 <= len(ticks) <= 5
    assert all(tick == int(tick) for tick in ticks)
