"""The log of training gathers lines and writes them at evaluation points."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from tunesmith.errors import ResourceError
from tunesmith.run.log import RunLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log lies."""
    return tmp_path / "log.jsonl"


def test_lines_reach_the_file_with_a_flush_and_at_the_end(path: Path) -> None:
    """Nothing is written step by step; everything is there after the block, even one that failed."""
    with pytest.raises(RuntimeError, match="killed"), RunLog(path) as log:  # noqa: PT012, RUF100
        log.write(rung="finetune", step=1, loss=0.5)
        assert not path.exists()
        size = log.flush()
        assert size == path.stat().st_size
        log.write(rung="finetune", step=2, loss=float("inf"))
        raise RuntimeError("killed")
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [
        {"rung": "finetune", "step": 1, "loss": 0.5},
        {"rung": "finetune", "step": 2, "loss": None},
    ]


def test_no_step_stands_in_it_twice_after_a_resume(path: Path) -> None:
    """Opened with the size of the checkpoint, it loses the steps after it; without, it keeps all."""
    log = RunLog(path)
    log.write(step=1)
    kept = log.flush()
    log.write(step=2)
    log.flush()
    with RunLog(path) as again:
        again.write(step=3)
    assert [json.loads(line)["step"] for line in path.read_text("utf-8").splitlines()] == [1, 2, 3]
    with RunLog(path, keep_bytes=kept) as again:
        again.write(step=2)
    assert [json.loads(line)["step"] for line in path.read_text("utf-8").splitlines()] == [1, 2]


def test_a_torn_line_is_cut_off(path: Path) -> None:
    """At every byte, also where the checkpoint's size lies beyond the file, as after a power cut."""
    with RunLog(path) as log:
        log.write(step=1)
        log.write(step=2)
    whole = path.read_bytes()
    for length in range(len(whole) // 2, len(whole)):
        path.write_bytes(whole[:length])
        RunLog(path, keep_bytes=len(whole))
        assert path.read_bytes() == whole[: len(whole) // 2]


def test_a_full_disk_leaves_no_half_of_a_line(path: Path) -> None:
    """A write that the system cuts in the middle is taken back; the lines stay gathered for the next flush."""
    with RunLog(path) as log:
        log.write(step=1)
    log = RunLog(path)
    log.write(step=2)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, limits[1]))
    try:
        with pytest.raises(ResourceError, match="refuses the write"):
            log.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b'{"step": 1}\n'
    assert log.flush() == path.stat().st_size
    assert [json.loads(line)["step"] for line in path.read_text("utf-8").splitlines()] == [1, 2]
