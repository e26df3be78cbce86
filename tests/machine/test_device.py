"""The device is what was asked for, or a clear error; ``auto`` never fails."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from tunesmith.errors import ConfigError, ResourceError
from tunesmith.machine.device import choose_device


def devices(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    """Let torch see these devices."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(False, False, "cpu"), (True, False, "cuda"), (False, True, "cpu")]
)
def test_auto_is_cuda_where_it_is_there_and_else_the_cpu(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str
) -> None:
    """mps is slower than it looks and untested: it must be asked for by name."""
    devices(monkeypatch, cuda=cuda, mps=mps)
    assert choose_device("auto") == expected


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
