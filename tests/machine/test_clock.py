"""The clock starts with the process and not with the import."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tunesmith.machine import clock
from tunesmith.machine.clock import process_age_s


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system does not tell when a process started")
def test_the_age_counts_from_the_start_of_the_process() -> None:
    """A process that waits 0.2 s before it imports us is older than that, and not older than we saw it live."""
    code = "import time; time.sleep(0.2)\nfrom tunesmith.machine.clock import process_age_s; print(process_age_s())"
    start = time.monotonic()
    age = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert 0.2 <= age <= time.monotonic() - start + 0.02


def test_the_age_grows_with_time() -> None:
    """Two readings differ by what passed between them."""
    first = process_age_s()
    time.sleep(0.05)
    assert 0.04 <= process_age_s() - first < 5.0


@pytest.mark.parametrize("content", [None, "", "1 (x) S 2 3", "1 (x) " + "x " * 50])
def test_without_the_system_the_import_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    """No file, or one that tells something else, falls back without an error."""
    if content is not None:
        (tmp_path / "stat").write_text(content)
    monkeypatch.setattr(clock, "_STAT", tmp_path / "stat")
    monkeypatch.setattr(clock, "_IMPORTED", time.monotonic() - 3.0)
    assert process_age_s() == pytest.approx(3.0, abs=0.5)


def test_a_name_with_spaces_and_brackets_is_no_hindrance(tmp_path: Path) -> None:
    """The name of a program is its own choice and stands in the line unescaped."""
    fields = " ".join(["S", *(str(number) for number in range(4, 22)), "4200", "99"])
    (tmp_path / "stat").write_text(f"7 (a) b (c) {fields}\n")
    assert clock._started_s(tmp_path / "stat") == pytest.approx(4200 / clock.os.sysconf("SC_CLK_TCK"))
