"""The examination is plain data that says what is there, how fast it is, and what is tested."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.machine import doctor
from tunesmith.machine.doctor import examine


def test_the_examination_is_plain_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every figure is there; a library that is not installed has no version; only the CPU counts as tested."""
    monkeypatch.setattr(doctor, "_LIBRARIES", ("numpy", "no-such-library"))
    monkeypatch.setattr(doctor, "available_cores", lambda: 2)
    monkeypatch.setattr(doctor, "matmul_rate", lambda *, threads: 75.04 * threads)
    found = examine(base_model="missing: not installed", bf16_speed=1.704, folder=tmp_path)
    assert json.loads(json.dumps(found)) == found
    assert found["matmul_gflops"] == {"1": 75.0, "2": 150.1}
    assert (found["bf16_speed"], found["precision"]) == (1.7, "bf16")
    assert found["base_model"] == "missing: not installed"
    assert found["libraries"]["numpy"]
    assert found["libraries"]["no-such-library"] is None
    assert {name: told["tested"] for name, told in found["devices"].items()} == {
        "cpu": True,
        "cuda": False,
        "mps": False,
    }
    assert found["devices"]["cpu"]["present"]
    assert found["memory_gb_s"] > 0.1
    assert found["disk_free_gib"] > 0.0
    assert 1 <= found["threads_chosen"] <= found["cores"]


@pytest.mark.parametrize(
    ("cores", "expected"),
    [(1, [1]), (2, [1, 2]), (4, [1, 2, 3, 4]), (6, [1, 2, 3, 4, 6]), (32, [1, 2, 3, 4, 8, 16, 32])],
)
def test_large_machines_are_measured_at_a_few_counts(cores: int, expected: list[int]) -> None:
    """64 cores must not take half a minute."""
    assert doctor._counts(cores) == expected
