"""Measured rates of this machine: matrix products and memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

_ROWS, _INNER, _COLUMNS = 512, 384, 1536  # one optimiser step of tokens times the widest layer of the default base
_FLOP = 2 * _ROWS * _INNER * _COLUMNS
_RUNS = 5
_FEW_ROWS, _FEW_RUNS = 64, 3
_COPY_BYTES = 64 * 1024 * 1024  # well above the last cache of most machines


def matmul_rate(*, seconds: float = 0.3, threads: int | None = None, device: str = "cpu") -> float:
    """Measure what the machine can do: the rate of an fp32 product ``[512, 384] x [384, 1536]``.

    The median within a run leaves out single stalls and lucky calls, the best of five runs a neighbour who came and
    went; it is the rate that shares are told of, so it must not shrink because somebody else was busy.

    Args:
        seconds: How long to measure in all.
        threads: With how many threads; left out, as many as torch is set to.
        device: What multiplies.

    Returns:
        GFLOP/s.
    """
    with _threads(threads), torch.inference_mode():
        product = _product(device)
        return _FLOP / min(_medians(product, seconds)) / 1e9


def sustained_rates(threads: Sequence[int], *, seconds: float) -> list[float]:
    """Measure what the machine gives now: the same product, stalls and neighbours included.

    Args:
        threads: Numbers of threads to try, in turn and twice, so that a neighbour who comes or goes meets them all.
        seconds: How long to measure in all.

    Returns:
        GFLOP/s for each number of threads.
    """
    calls, elapsed = [0] * len(threads), [0.0] * len(threads)
    with torch.inference_mode():
        product = _product("cpu")
        for place, n in [*enumerate(threads)] * 2:
            with _threads(n):
                start = time.perf_counter()
                while time.perf_counter() - start < seconds / len(threads) / 2:
                    product()
                    calls[place] += 1
                elapsed[place] += time.perf_counter() - start
    return [count * _FLOP / spent / 1e9 for count, spent in zip(calls, elapsed, strict=True)]


def memory_bandwidth(*, seconds: float = 0.3) -> float:
    """Measure how fast memory is copied; takes 128 MiB while it runs.

    Args:
        seconds: How long to measure in all.

    Returns:
        GB/s, bytes read and bytes written both counted, best median of five runs, with torch's threads.
    """
    source = torch.ones(_COPY_BYTES // 4)
    target = torch.empty_like(source)
    with torch.inference_mode():
        return 2 * _COPY_BYTES / min(_medians(lambda: target.copy_(source), seconds)) / 1e9


def bf16_speed() -> float:
    """Measure how much faster the CPU multiplies numbers of bfloat16 than of float32, by torch's threads.

    A processor without instructions for them is a hundred times slower, so few rows must do: a fifth of a second there.

    Returns:
        Rate of the one in rates of the other.
    """
    with torch.inference_mode():
        seconds = []
        for dtype in (torch.float32, torch.bfloat16):
            product = _product("cpu", rows=_FEW_ROWS, dtype=dtype)
            seconds.append(min(_seconds(product) for _ in range(_FEW_RUNS)))
        return seconds[0] / seconds[1]


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _product(device: str, *, rows: int = _ROWS, dtype: torch.dtype = torch.float32) -> Callable[[], object]:
    """Build the product that is timed, and run it once so that threads and buffers are there."""
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(rows, _INNER, generator=generator).to(device, dtype)
    right = torch.randn(_INNER, _COLUMNS, generator=generator).to(device, dtype)
    out = torch.empty(rows, _COLUMNS, device=device, dtype=dtype)

    def multiply() -> torch.Tensor:
        torch.mm(left, right, out=out)
        if device != "cpu":
            torch.get_device_module(device).synchronize()
        return out

    multiply()
    return multiply


def _medians(call: Callable[[], object], seconds: float) -> list[float]:
    """Time a call again and again, in runs; give the median seconds of each run."""
    medians = []
    for _ in range(_RUNS):
        times: list[float] = []
        while len(times) < 3 or sum(times) < seconds / _RUNS:
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        medians.append(statistics.median(times))
    return medians


@contextmanager
def _threads(n: int | None) -> Iterator[None]:
    """Compute with ``n`` threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(before if n is None else n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
