"""The run's clock and the reading of budgets."""

from __future__ import annotations

import math
import subprocess
import sys
import time

import pytest

from tunesmith.errors import ConfigError
from tunesmith.run.clock import Clock, parse_budget


class FakeTime:
    """Seconds that a test moves by hand."""

    def __init__(self) -> None:
        self.seconds = 5000.0

    def __call__(self) -> float:
        return self.seconds


def test_clock_counts_this_life_from_its_start_and_all_earlier_lives() -> None:
    """Elapsed is earlier lives + what this process had lasted + what passed since."""
    now = FakeTime()
    clock = Clock(100.0, earlier_s=30.0, started_s=2.0, now=now)
    assert clock.elapsed() == pytest.approx(32.0)
    now.seconds += 18.0
    assert clock.elapsed() == pytest.approx(50.0)
    assert clock.left() == pytest.approx(50.0)


def test_an_overrun_budget_leaves_less_than_nothing() -> None:
    """The caller must see by how much the budget is overrun."""
    now = FakeTime()
    clock = Clock(10.0, started_s=0.0, now=now)
    now.seconds += 12.5
    assert clock.left() == pytest.approx(-2.5)


def test_without_a_budget_time_never_runs_out() -> None:
    """``none`` leaves infinite time."""
    now = FakeTime()
    clock = Clock(None, started_s=1.0, now=now)
    now.seconds += 1e9
    assert clock.left() == math.inf


def test_the_clock_of_the_wall_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall clock set ten years forward or back moves nothing."""
    clock = Clock(100.0)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0.0 < clock.elapsed() < 3600.0


def test_the_budget_begins_with_the_process_and_not_with_the_clock() -> None:
    """Loading libraries before the clock is made is paid from the budget."""
    code = "import sys, time; time.sleep(0.3); from tunesmith.run.clock import Clock; "
    code += "sys.stdout.write(str(Clock(None).elapsed()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0.3 <= float(done.stdout) < 20.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m", 600.0),
        ("90s", 90.0),
        ("1h30m", 5400.0),
        ("45", 45.0),
        ("0.5h", 1800.0),
        (" 1H 5m 10S ", 3910.0),
        ("2.5", 2.5),
        ("none", None),
        ("None", None),
    ],
)
def test_a_budget_is_read_as_people_write_it(text: str, seconds: float | None) -> None:
    """Every documented way of writing a budget gives its seconds."""
    assert parse_budget(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "-3",
        "0",
        "0m",
        "",
        " ",
        "m",
        "10x",
        "1h30",
        "m10",
        "30m1h",
        "1e3",
        "inf",
        "nan",
        "-1h",
        "1..5m",
        "٣m",
        "9" * 400,
    ],
)
def test_a_budget_that_is_none_is_refused_with_what_is_allowed(text: str) -> None:
    """Negative, zero, unclear and endless budgets are refused; the text found and an example are shown."""
    with pytest.raises(ConfigError, match="not a time above zero") as caught:
        parse_budget(text)
    error = caught.value
    assert error.code == "bad-budget"
    assert error.exit_code == 2
    assert error.found is not None
    assert error.found.startswith(f'"{text[:20]}')
    assert len(error.found) <= 82
    assert "10m" in f"{error.allowed}"
    assert error.advice == "--budget 10m"
