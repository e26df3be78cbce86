"""What concerns all tests: the real data, where it is there; how workers share them; a process of its own for OpenVINO.

Of an export to ONNX, a fifth is spent on listing the operators that torch's exporter knows, anew for each graph.

Once OpenVINO has compiled a model (2026.4, beside torch 2.13), a KeyboardInterrupt that a signal handler raises, as
tests of Ctrl-C do, ends the process by a segmentation fault.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_CHILD = "TUNESMITH_TEST_IN_CHILD"
_APART = "openvino"
_LONG = "tests/ladder/test_resume.py"
_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("TUNESMITH_DATA") or _ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the real data is not at {folder}; TUNESMITH_DATA can name it")
    return folder


@pytest.fixture(autouse=True)
def _operators_listed_once(request: pytest.FixtureRequest) -> None:
    if "export" in request.node.nodeid:
        _list_operators_once()


@pytest.fixture(autouse=True)
def _short_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runtimes be tried for a moment; many files make models smaller, so no name tells which do."""
    from tunesmith.compress import running

    monkeypatch.setattr(running, "_PROBE_S", 0.1)


@pytest.fixture(autouse=True, scope="session")
def _no_traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is kept from run to run goes into a folder of the tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@cache
def _list_operators_once() -> None:
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    once = staticmethod(cache(ONNXRegistry.from_torchlib))
    setattr(ONNXRegistry, "from_torchlib", once)  # noqa: B010  # mypy lets nobody assign to a method


def pytest_configure() -> None:
    """Keep OpenVINO's process on one core: beside a busy neighbour its threads wait for each other (99 s, not 24)."""
    if os.environ.get(_CHILD) and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that are named after OpenVINO be run by one new process; each has the outcome that it had there."""
    if os.environ.get(_CHILD):
        return
    apart = [item for item in items if isinstance(item, pytest.Function) and _APART in item.nodeid]
    nodeids = tuple(item.nodeid for item in apart)
    for item in apart:
        item.obj = partial(_in_a_child, item.nodeid, nodeids)


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]  # its package has no types
    """Gives a worker whole files, whose fixtures are made once, and one of them all tests named after OpenVINO.

    Files of few tests come last, so one of few that take long would leave the other worker without work: it goes with
    those.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _APART if _APART in nodeid or nodeid.startswith(_LONG) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile | None:
    """Deal out tests where several workers run them; pytest 9.2 loses the groups of ``--dist loadgroup``."""
    return _ByFile(config, log) if config.getoption("dist") == "loadfile" else None


def _in_a_child(nodeid: str, nodeids: tuple[str, ...], /, **_: object) -> None:
    printed = _printed_by_a_child(nodeids)
    assert f"PASSED {nodeid}" in printed.splitlines(), printed[-8000:]


@cache
def _printed_by_a_child(nodeids: tuple[str, ...]) -> str:
    """Run tests once, when the first of them is asked for."""
    left_out = [part for name in ("randomly", "xdist", "cacheprovider") for part in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", "-q", "-rA", *left_out, *nodeids]
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"} | {_CHILD: "1"}
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True, cwd=_ROOT)
    return done.stdout + done.stderr
