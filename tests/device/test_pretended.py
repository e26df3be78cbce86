"""What goes to another device: all of a climb, checked on one that is pretended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.running import run
from tests.cli.small_world import write_base, write_rows
from tests.device.climbs import climb

from tunesmith.models.methods import METHODS

_IN_BF16 = "run.precision=bf16"
_THERE = (
    *("full", "lora", "adalora", "adapter", "bitfit", "dora", "topk", "cnn", "transformer"),
    *(f"full+{_IN_BF16}", f"dora+{_IN_BF16}"),
    *("dropping out", "stopped", "contrast", f"contrast+{_IN_BF16}", "rounded features"),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file and a base model."""
    folder = tmp_path_factory.mktemp("device")
    write_rows(folder / "tickets.csv")
    write_base(folder / "base")
    return folder


@pytest.fixture(scope="module")
def there(world: Path) -> dict[str, Any]:
    """What each climb on the device logged."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.device.climbs", str(world), *_THERE],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ["full", "lora", "adalora", "adapter", "bitfit", "dora", "topk", "cnn", "transformer"])
def test_a_climb_goes_there_as_it_goes_here(name: str, world: Path, there: dict[str, Any]) -> None:
    """Where nothing is left to chance, each step has the same loss, to rounding."""
    here = climb(world, "cpu", name)
    assert len(here["losses"]) > 3
    assert there[name]["passes"] >= len(here["losses"]), "it was computed elsewhere"
    assert there[name]["in_bf16"] == 0
    np.testing.assert_allclose(there[name]["losses"], here["losses"], rtol=2e-3)
    np.testing.assert_allclose(there[name]["objectives"], here["objectives"], atol=0.1)
    assert here["losses"][-1] != pytest.approx(here["losses"][0], rel=2e-3), "nothing was learnt"


def test_every_method_goes_there() -> None:
    """None is left out of the list."""
    assert set(METHODS.names()) <= set(_THERE)


def test_the_user_is_told_that_it_is_untested(there: dict[str, Any]) -> None:
    """No figure of ours comes from a card."""
    assert "are computed on pretended, in fp32; this path is untested" in there["full"]["told"]


def test_contrast_goes_there(there: dict[str, Any]) -> None:
    """It solves a head on the CPU between passes on the device."""
    assert "contrast: accuracy" in there["contrast"]["told"]
    assert there["contrast"]["in_bf16"] == 0
    assert there[f"contrast+{_IN_BF16}"]["in_bf16"] > 0


def test_whole_numbers_stay_on_the_cpu(there: dict[str, Any]) -> None:
    """An encoder of them runs nowhere else, so features are those of float32."""
    told = there["rounded features"]["told"]
    assert "probe: features in fp32; pretended does not run in whole numbers of 8 bits" in told


def test_a_card_that_is_there_is_told(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its path is untested, so the user is to ask for it."""
    monkeypatch.setattr("tunesmith.ladder.camp.is_present", lambda name: name == "cuda")
    how = ["--base", world / "base", "--rungs", "linear", "--budget", "none", "--threads", "1", "--offline"]
    for device, is_told in (("auto", True), ("cpu", False)):
        ended = run("train", world / "tickets.csv", *how, "--device", device, "--out", world / f"{device}.model")
        assert ended.code == 0, ended.err
        assert ("cuda is there; its path is untested" in ended.err) is is_told


def test_a_stopped_run_goes_on_there_as_if_it_had_not_been_stopped(there: dict[str, Any]) -> None:
    """With dropout: each pass seeds its generator from that of the CPU, which is all that a checkpoint holds."""
    first, again = there["dropping out"], there["stopped"]
    assert "goes on after step 3" in again["told"]
    assert len(first["losses"]) > 3
    assert first["losses"] == again["losses"]
    assert first["passes"] >= len(first["losses"])
    assert first["losses"] != there["full"]["losses"]


@pytest.mark.parametrize("method", ["full", "dora"])
def test_steps_in_bf16_there_come_near_those_in_fp32(method: str, there: dict[str, Any]) -> None:
    """They differ, since fewer digits are multiplied, and little."""
    assert_near(there[f"{method}+{_IN_BF16}"]["losses"], there[method]["losses"])
    assert "in bf16" in there[f"{method}+{_IN_BF16}"]["told"]


@pytest.mark.parametrize("name", ["full", "lora", "dora", "transformer"])
def test_steps_in_bf16_on_a_cpu_come_near_those_in_fp32(name: str, world: Path) -> None:
    """So that a processor that has such products can be used."""
    exact = climb(world, "cpu", name, "--threads", "1")["losses"]
    assert_near(climb(world, "cpu", name, "--set", _IN_BF16)["losses"], exact)


def test_dropout_on_a_cpu_goes_with_bf16(world: Path) -> None:
    """It makes the rows of a step harder; its draws are others than those of float32."""
    dropping = climb(world, "cpu", "dropping out", "--set", _IN_BF16)["losses"]
    steady = climb(world, "cpu", "full", "--set", _IN_BF16, "--seed", "0")["losses"]
    assert np.isfinite(dropping).all()
    assert np.mean(dropping) > 1.1 * np.mean(steady)


def assert_near(found: list[float], exact: list[float]) -> None:
    """The first loss is the same but for digits; small differences grow from step to step, as they do of any kind."""
    assert found != exact
    assert found[0] == pytest.approx(exact[0], rel=0.02)
    assert np.abs(np.subtract(found, exact)).mean() < 0.06
