"""Every tracker, enrolled by import, records what it is told, where it is told, and sends nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.style.sources import ROOT
from tests.track.readers import READERS, needs

from tunesmith.track import TRACKERS, Place, Tracker

PARAMETERS = {"run.seed": "0", "ladder.rungs": "('probe', 'finetune')", **{f"rung.x.n{n}": str(n) for n in range(150)}}

_ALONE = """
import sys
from pathlib import Path
from tunesmith.track import TRACKERS, Place
tracker = TRACKERS.member(sys.argv[1]).build(Place(Path(sys.argv[2]), "tickets", "one"))
tracker.parameters({"run.seed": "0"})
tracker.figures({"finetune/loss": 0.5}, 1)
tracker.close(complete=True)
"""


@pytest.fixture(params=TRACKERS.names())
def name(request: pytest.FixtureRequest) -> str:
    """Each tracker whose package is installed."""
    needs(request.param)
    return str(request.param)


def opened(name: str, folder: Path, run: str) -> Tracker:
    """Begin a run."""
    tracker: Tracker = TRACKERS.member(name).build(Place(folder, "tickets", run))
    return tracker


def test_readers_are_there_for_all() -> None:
    """Nobody is taken at his word."""
    assert set(READERS) == set(TRACKERS.names())


def test_what_is_told_is_recorded(name: str, tmp_path: Path) -> None:
    """Two parts whose steps begin anew, and two runs beside one another, one of them broken off."""
    for run, complete in (("first", True), ("second", False)):
        tracker = opened(name, tmp_path / name, run)
        tracker.parameters(PARAMETERS)
        for part in ("finetune", "refine"):
            for step in range(1, 301):
                tracker.figures({f"{part}/loss": 1 / step, f"{part}/grad_norm": 2.0 * step}, step)
        tracker.figures({"final/accuracy": 0.875}, 2)
        tracker.close(complete=complete)
        assert str(tmp_path / name) in tracker.look
    first, second = READERS[name](tmp_path / name, "tickets")
    assert (first.name, second.name) == ("first", "second")
    assert (first.complete, second.complete) in ((True, False), (None, None))
    for found in (first, second):
        assert found.parameters == PARAMETERS
        assert set(found.figures) == {
            *(f"{part}/{figure}" for part in ("finetune", "refine") for figure in ("loss", "grad_norm")),
            "final/accuracy",
        }
        for part in ("finetune", "refine"):
            assert [step for step, _ in found.figures[f"{part}/loss"]] == list(range(1, 301))
            assert [value for _, value in found.figures[f"{part}/loss"]] == pytest.approx(
                [1 / n for n in range(1, 301)]
            )
        assert found.figures["final/accuracy"] == [(2, 0.875)]


def test_what_is_asked_of_the_environment_stays(name: str, tmp_path: Path) -> None:
    """Nothing is left set for whatever else runs in the process."""
    before = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    opened(name, tmp_path, "one").close(complete=True)
    after = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    libraries = {
        key for key in after.keys() - before.keys() if key.startswith(("WANDB", "_WANDB", "MLFLOW", "_MLFLOW"))
    }
    assert not {"WANDB_ERROR_REPORTING", "MLFLOW_DISABLE_TELEMETRY"} & libraries
    assert "DO_NOT_TRACK" not in after.keys() - before.keys()


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """An address that every request is sent through, and what comes there."""
    server = socket.create_server(("127.0.0.1", 0))
    came: list[str] = []

    def listen() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2.0)
                came.append(connection.recv(200).decode("latin-1"))

    threading.Thread(target=listen, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", came
    server.close()


def through(address: str) -> dict[str, str]:
    """An environment whose requests go through a proxy, and that does not look like a test's."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in ("PYTEST_CURRENT_TEST", "CI", "NO_PROXY", "no_proxy")
    }
    proxies = {
        key: address for key in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    }
    asked = {"WANDB_MODE": "online", "WANDB_API_KEY": "0" * 40, "MLFLOW_TRACKING_URI": address}  # by somebody else
    return {**kept, **proxies, **asked, "PYTHONPATH": str(ROOT / "src")}


def test_nothing_is_sent(name: str, tmp_path: Path, proxy: tuple[str, list[str]]) -> None:
    """No figures, no reports of its own use or of its errors, and no word on the terminal."""
    address, came = proxy
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _ALONE, name, str(tmp_path / "runs")],
        env=through(address),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    assert len(READERS[name](tmp_path / "runs", "tickets")) == 1
    assert came == []
    assert done.stdout == ""
    assert done.stderr == ""


def test_what_is_sent_is_found(proxy: tuple[str, list[str]]) -> None:
    """A request of any program would come by."""
    address, came = proxy
    ask = "import urllib.request, contextlib\nwith contextlib.suppress(OSError): urllib.request.urlopen('http://a.example/')"
    subprocess.run([sys.executable, "-c", ask], env=through(address), check=True)
    assert len(came) == 1
    assert "a.example" in came[0]
