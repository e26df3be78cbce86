"""What was found out about the machine is found out once, and anew where that no longer holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.run import known_machine
from tunesmith.run.known_machine import cache_folder, known_bf16_speed


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[float]:
    """Each time that the machine was measured; a folder for what is kept."""
    times: list[float] = []

    def measure() -> float:
        times.append(0.25)
        return 0.25 + len(times)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(known_machine, "bf16_speed", measure)
    return times


def test_it_is_measured_once(measured: list[float]) -> None:
    """The second run reads what the first kept."""
    assert [known_bf16_speed(), known_bf16_speed()] == [1.25, 1.25]
    assert len(measured) == 1


@pytest.mark.parametrize("kept", ["", "[1]", '{"machine": "another", "bf16_speed": 9.0}', '{"bf16_speed": "fast"}'])
def test_what_does_not_hold_here_is_measured_anew(kept: str, measured: list[float]) -> None:
    """A file of another machine, or none that can be read."""
    cache_folder().mkdir(parents=True)
    (cache_folder() / "machine.json").write_text(kept, "utf-8")
    assert known_bf16_speed() == 1.25
    assert json.loads((cache_folder() / "machine.json").read_text("utf-8"))["bf16_speed"] == 1.25
    assert len(measured) == 1


def test_a_figure_that_is_none_is_measured_anew(measured: list[float]) -> None:
    """Whoever wrote into the file."""
    known_bf16_speed()
    path = cache_folder() / "machine.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "bf16_speed": "fast"}), "utf-8")
    assert known_bf16_speed() == 2.25
    assert len(measured) == 2


def test_a_place_that_cannot_be_written_to_is_no_error(measured: list[float], tmp_path: Path) -> None:
    """Then each run measures."""
    (tmp_path / "cache").write_text("a file, no folder", "utf-8")
    assert [known_bf16_speed(), known_bf16_speed()] == [1.25, 2.25]


def test_without_a_name_it_lies_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the desktop's own programs do it."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "tunesmith"
