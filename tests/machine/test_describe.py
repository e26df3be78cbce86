"""The machine is described in plain values, the CPU by more than its maker's name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.machine import describe as module
from tunesmith.machine.describe import cpu_model, describe


def test_the_description_is_plain_data_with_the_promised_keys() -> None:
    """It goes into bundles and reports, so it must be JSON."""
    found = describe()
    assert list(found) == ["cpu", "cores", "threads", "memory_gib", "os", "python", "torch"]
    assert json.loads(json.dumps(found)) == found
    assert found["cpu"] == cpu_model() != ""
    assert 0.1 < found["memory_gib"] < 1e5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\nstepping\t: 1\n\n"
            "processor\t: 1\nmodel name\t: Other\n\n",
            "AMD EPYC (cpu family 25, model 1, stepping 1)",
        ),
        ("processor : 0\nmodel name : Rev 4: quick\n\n", "Rev 4: quick"),
        ("processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0c\n\n", "x86_64 implementer 0x41 part 0xd0c"),
        ("processor : 0\n\n", "fallback"),
        (None, "fallback"),
    ],
)
def test_the_cpu_is_named_from_what_the_system_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, expected: str
) -> None:
    """x86 tells a name and numbers, ARM an implementer and a part, others nothing."""
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(module, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("platform.processor", lambda: "fallback")
    assert cpu_model() == expected
