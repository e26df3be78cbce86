"""One process a run, and no lock that outlives its owner."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tunesmith.errors import ResourceError
from tunesmith.run.lock import RunLock

HOLD = """
import sys, time
from pathlib import Path
from tunesmith.run.lock import RunLock
with RunLock(Path(sys.argv[1])):
    sys.stdout.write("held\\n"); sys.stdout.flush()
    time.sleep(30)
"""

RACE = """
import os, sys, time
from pathlib import Path
from tunesmith.errors import ResourceError
from tunesmith.run.lock import RunLock
path, marker, n_wanted = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
n_held = n_refused = 0
while n_held < n_wanted:
    try:
        with RunLock(path):
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            n_held += 1
            os.sched_yield()
            os.unlink(marker)
    except ResourceError as error:
        assert error.code == "already-running", error
        n_refused += 1
        os.sched_yield()
sys.stdout.write(f"{n_refused}")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A lock file in a folder that is not there yet."""
    return tmp_path / "tickets.model.work" / "lock"


def test_the_file_says_who_holds_it(path: Path) -> None:
    """Process, host, boot and start time stand in the file while it is held."""
    with RunLock(path) as lock:
        owner = json.loads(path.read_text("utf-8"))
        assert sorted(owner) == ["boot", "host", "pid", "started"]
        assert owner["pid"] == os.getpid()
        assert lock.held
        assert lock.previous is None
    assert not lock.held


def test_a_second_start_is_refused_and_told_who_is_first(path: Path) -> None:
    """Exit 4 with the number of the process at work; even within one process."""
    with RunLock(path):
        with pytest.raises(ResourceError, match="another process is at work") as caught, RunLock(path):
            pytest.fail("two hold the lock")
        assert caught.value.code == "already-running"
        assert f"process {os.getpid()} " in f"{caught.value.found}"
        assert f"kill {os.getpid()}" in f"{caught.value.advice}"
    with RunLock(path) as lock:
        assert lock.held


def test_a_clean_end_leaves_nothing(path: Path) -> None:
    """Neither the file nor the folder that was made for it; a folder with something in it stays."""
    with RunLock(path):
        pass
    assert not path.parent.exists()
    with RunLock(path):
        (path.parent / "log.jsonl").write_bytes(b"")
    assert [entry.name for entry in path.parent.iterdir()] == ["log.jsonl"]


def test_what_a_killed_owner_leaves_is_taken_over(path: Path) -> None:
    """A living owner in another process holds us off; once killed, the next start has the lock and knows of it."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ResourceError, match="another process") as caught, RunLock(path):
            pytest.fail("two hold the lock")
        assert f"process {process.pid} " in f"{caught.value.found}"
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=10)
    assert path.exists()
    with RunLock(path) as lock:
        assert lock.previous is not None
        assert lock.previous["pid"] == process.pid


@pytest.mark.parametrize("left", [b"", b"{", b"[1]", b"\0" * 20])
def test_a_held_file_with_nothing_sensible_in_it_still_holds_off(path: Path, left: bytes) -> None:
    """The owner may be between locking and writing; the lock counts, not the text."""
    path.parent.mkdir()
    path.write_bytes(left)
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(ResourceError, match="another process is at work") as caught, RunLock(path):
            pytest.fail("two hold the lock")
        assert "process unknown" in f"{caught.value.found}"
    with RunLock(path) as lock:
        assert lock.held


def test_racing_starts_never_run_together(path: Path) -> None:
    """Three processes each take and leave the lock 100 times; a marker made exclusively shows that none overlap."""
    command = [sys.executable, "-c", RACE, str(path), str(path.parents[1] / "marker"), "100"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ends = [process.communicate(timeout=30) for process in processes]
    assert [process.returncode for process in processes] == [0] * 3, ends
    assert sum(int(end[0]) for end in ends) > 0, "nobody was ever refused, so nobody raced"
    assert not path.parent.exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file in the place of the folder is a clear error."""
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(ResourceError, match="refuses the write") as caught, RunLock(tmp_path / "taken" / "lock"):
        pytest.fail("locked inside a file")
    assert caught.value.code == "write-failed"
