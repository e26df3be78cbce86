"""What concerns all tests: the real data, where it is there; and a process of its own for each that loads OpenVINO.

Once OpenVINO has compiled a model (2026.4, beside torch 2.13), a KeyboardInterrupt that a signal handler raises, as
tests of Ctrl-C do, ends the process by a segmentation fault.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

_CHILD = "TUNESMITH_TEST_IN_CHILD"
_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("TUNESMITH_DATA") or _ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the real data is not at {folder}; TUNESMITH_DATA can name it")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a test that is named after OpenVINO be run by a new process, whose outcome is its own."""
    if os.environ.get(_CHILD):
        return
    for item in items:
        if isinstance(item, pytest.Function) and "openvino" in item.nodeid:
            item.obj = partial(_in_a_child, item.nodeid)


def _in_a_child(nodeid: str, /, **_: object) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", nodeid]
    done = subprocess.run(command, env={**os.environ, _CHILD: "1"}, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
