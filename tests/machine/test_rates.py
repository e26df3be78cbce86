"""Rates are of the right size, leave torch's threads as they were, and are not spoilt by a neighbour who goes away."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import torch

from tunesmith.machine import rates
from tunesmith.machine.rates import matmul_rate, memory_bandwidth, sustained_rates


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still unless a call moves it: ``clock[0]`` is now."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def product_taking(clock: list[float], seconds: Callable[[int], float]) -> Callable[[str], Callable[[], object]]:
    """Stand in for the product: the n-th call moves the clock by ``seconds(n)``."""
    count = 0

    def call() -> None:
        nonlocal count
        clock[0] += seconds(count)
        count += 1

    return lambda device: call


def test_the_rate_is_that_of_an_undisturbed_run(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    """A neighbour during most of the measurement, and single stalls and lucky calls, must not move the rate."""
    flop = 2 * 512 * 384 * 1536

    def seconds(n: int) -> float:
        if n < 40:
            return 0.02  # beside a neighbour
        return {0: 0.0001, 10: 0.05}.get(n % 20, 0.004)

    monkeypatch.setattr(rates, "_product", product_taking(clock, seconds))
    assert matmul_rate(seconds=1.5) == pytest.approx(flop / 0.004 / 1e9)


def test_the_sustained_rate_counts_stalls(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    """Threads are chosen by what they really got done: here every tenth call stalls for as long as ten."""
    flop = 2 * 512 * 384 * 1536
    monkeypatch.setattr(rates, "_product", product_taking(clock, lambda n: 0.011 if n % 10 == 9 else 0.001))
    (rate,) = sustained_rates([1], seconds=0.4)
    assert rate == pytest.approx(flop / 0.002 / 1e9, rel=0.03)


def test_candidates_take_turns(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    """One candidate after the other, twice, each with its own number of threads."""
    used: list[int] = []

    def call() -> None:
        used.append(torch.get_num_threads())
        clock[0] += 1.0

    monkeypatch.setattr(rates, "_product", lambda device: call)
    before = torch.get_num_threads()
    sustained_rates([1, 2], seconds=4.0)
    assert used == [1, 2, 1, 2]
    assert torch.get_num_threads() == before


def test_real_rates_have_a_real_size() -> None:
    """Any machine of this century gives between 0.5 and 100,000 GFLOP/s and 0.2 to 10,000 GB/s."""
    before = torch.get_num_threads()
    assert 0.5 < matmul_rate(seconds=0.05, threads=1) < 1e5
    assert 0.5 < matmul_rate(seconds=0.05) < 1e5
    assert 0.2 < memory_bandwidth(seconds=0.05) < 1e4
    assert torch.get_num_threads() == before


def test_the_product_is_the_one_that_is_promised() -> None:
    """``[512, 384] x [384, 1536]`` in float32, with no memory taken for the result."""
    result = rates._product("cpu")()
    assert isinstance(result, torch.Tensor)
    assert result.shape == (512, 1536)
    assert result.dtype == torch.float32
    assert rates._FLOP == 603_979_776


def test_bfloat16_is_compared_by_the_same_rows(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    """A processor without instructions for it is found by few rows, and by the quickest of a few calls."""
    asked: list[tuple[int, torch.dtype]] = []

    def product(device: str, *, rows: int, dtype: torch.dtype) -> Callable[[], object]:
        asked.append((rows, dtype))
        takes = iter([0.9, 0.2, 0.3] if dtype == torch.float32 else [0.7, 0.8, 0.4])

        def call() -> None:
            clock[0] += next(takes)

        return call

    monkeypatch.setattr(rates, "_product", product)
    assert rates.bf16_speed() == pytest.approx(0.2 / 0.4)
    assert asked == [(64, torch.float32), (64, torch.bfloat16)]
