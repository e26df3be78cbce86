"""The energy counters: of packages alone, through their end, and where there are none."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tunesmith.machine.energy import EnergyMeter


class _Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _counter(folder: Path, name: str, kind: str, microjoules: int) -> Path:
    counter = folder / name
    counter.mkdir(parents=True)
    (counter / "name").write_text(f"{kind}\n")
    (counter / "max_energy_range_uj").write_text("1000000000\n")
    _set(counter, microjoules)
    return counter


def _set(counter: Path, microjoules: int) -> None:
    (counter / "energy_uj").write_text(f"{microjoules}\n")


def test_packages_add_up_and_their_parts_do_not_count(tmp_path: Path) -> None:
    """Two packages; the cores of the first are counted in it."""
    first = _counter(tmp_path, "intel-rapl:0", "package-0", 0)
    second = _counter(tmp_path, "intel-rapl:1", "package-1", 5_000_000)
    cores = _counter(tmp_path, "intel-rapl:0:0", "core", 0)
    clock = _Clock()
    meter = EnergyMeter(tmp_path, clock=clock)
    _set(first, 100_000_000)
    _set(second, 55_000_000)
    _set(cores, 90_000_000)
    clock.now = 10.0
    assert meter.watts() == pytest.approx(15.0)


def test_a_counter_that_starts_anew_loses_nothing(tmp_path: Path) -> None:
    """It has been through the whole of its range."""
    counter = _counter(tmp_path, "intel-rapl:0", "package-0", 990_000_000)
    clock = _Clock()
    meter = EnergyMeter(tmp_path, clock=clock)
    _set(counter, 20_000_000)
    clock.now = 3.0
    assert meter.watts() == pytest.approx(10.0)
    _set(counter, 50_000_000)
    clock.now = 6.0
    assert meter.watts() == pytest.approx(10.0)


def test_it_reads_on_while_the_block_runs(tmp_path: Path) -> None:
    """A counter that starts anew twice between two looks of ours was read in between."""
    counter = _counter(tmp_path, "intel-rapl:0", "package-0", 0)
    clock = _Clock()
    with EnergyMeter(tmp_path, clock=clock, every_s=0.01) as meter:
        for microjoules in (900_000_000, 100_000_000, 800_000_000, 50_000_000):
            _set(counter, microjoules)
            time.sleep(0.1)
        clock.now = 100.0
    assert meter.watts() == pytest.approx(2050.0 / 100.0)


@pytest.mark.parametrize("hidden", ["no folder", "no counter", "not to be read"])
def test_where_the_system_does_not_tell_nothing_is_made_up(tmp_path: Path, hidden: str) -> None:
    """Most systems show the counters to root alone."""
    folder = tmp_path / "powercap"
    if hidden != "no folder":
        counter = _counter(folder, "intel-rapl:0", "package-0" if hidden == "not to be read" else "core", 1)
        (counter / "energy_uj").unlink()
    clock = _Clock()
    with EnergyMeter(folder, clock=clock) as meter:
        clock.now = 5.0
    assert meter.watts() is None
