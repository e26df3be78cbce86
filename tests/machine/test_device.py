"""The device is what was asked for, or a clear error; ``auto`` never fails."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from tunesmith.errors import ConfigError, ResourceError
from tunesmith.machine import device
from tunesmith.machine.device import choose_device, choose_precision


def devices(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    """Let torch see these devices."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "tested", "expected"),
    [(False, ("cpu", "cuda"), "cpu"), (True, ("cpu", "cuda"), "cuda"), (True, ("cpu",), "cpu")],
)
def test_auto_takes_no_untested_device(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, tested: tuple[str, ...], expected: str
) -> None:
    """It must be asked for by its name."""
    devices(monkeypatch, cuda=cuda, mps=True)
    monkeypatch.setattr(device, "TESTED", tested)
    assert choose_device("auto") == expected


@pytest.mark.parametrize(
    ("asked", "on", "speed", "expected"),
    [
        ("auto", "cpu", 1.0, "fp32"),
        ("auto", "cpu", 1.6, "bf16"),
        ("bf16", "cpu", 0.01, "bf16"),
        ("fp32", "cpu", 9.0, "fp32"),
        ("auto", "mps", 9.0, "fp32"),
        ("auto", "cuda", 0.01, "bf16"),
    ],
)
def test_bf16_is_taken_where_it_is_faster_or_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: str, on: str, speed: float, expected: str
) -> None:
    """The CPU's speed says nothing of a card."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert choose_precision(asked, on, lambda: speed) == expected


def test_a_device_that_is_there_is_taken_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are taken at their word."""
    devices(monkeypatch, cuda=True, mps=True)
    assert [choose_device(name) for name in ("cpu", "cuda", "mps")] == ["cpu", "cuda", "mps"]


def test_a_missing_device_is_told_with_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silently computing on the CPU would hide a broken driver for hours."""
    devices(monkeypatch, cuda=False, mps=True)
    with pytest.raises(ResourceError, match=r"error\[device-missing\]: this machine has no cuda(.|\n)*found +cpu, mps"):
        choose_device("cuda")


@pytest.mark.parametrize("name", ["gpu", "CUDA", "", "cuda:1", "x" * 1000])
def test_an_unknown_name_is_told_with_the_known_ones(name: str) -> None:
    """The error shows at most 80 characters of what was typed."""
    with pytest.raises(ConfigError, match=r"error\[unknown-device\](.|\n)*auto, cpu, cuda, mps") as caught:
        choose_device(name)
    assert len(caught.value.message) < 120


def test_the_cpu_is_chosen_without_importing_torch() -> None:
    """A model of words needs no torch."""
    code = "import sys; from tunesmith.machine.device import choose_device; choose_device('cpu')"
    subprocess.run([sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"], check=True)
