"""The journal keeps what happened and how long the run has been going."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.errors import ArtifactError
from tunesmith.run.clock import Clock
from tunesmith.run.journal import Journal


class FakeTime:
    """Seconds that a test moves by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal lies."""
    return tmp_path / "journal.jsonl"


def test_events_are_kept_with_the_time_they_happened(path: Path) -> None:
    """Each line has event, elapsed and its fields, on the disk at once."""
    now = FakeTime()
    journal = Journal(path, started_s=2.0, now=now)
    assert journal.elapsed_s() == 0.0
    now.seconds += 3.0
    journal.append("rung_done", rung="probe", seconds=1.5, log_loss=float("nan"))
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [
        {"event": "rung_done", "elapsed": 5.0, "rung": "probe", "seconds": 1.5, "log_loss": None}
    ]
    journal.append("kept", rung="probe")
    assert [event["event"] for event in journal.events()] == ["rung_done", "kept"]
    assert journal.events("kept") == [{"event": "kept", "elapsed": 5.0, "rung": "probe"}]
    assert journal.events("other") == []


def test_a_resumed_run_goes_on_with_the_time_already_spent(path: Path) -> None:
    """Elapsed over three lives is the sum of them, in the journal and in the clock made from it."""
    for life in range(3):
        now = FakeTime()
        journal = Journal(path, started_s=1.0, now=now)
        clock = Clock(60.0, earlier_s=journal.elapsed_s(), started_s=1.0, now=now)
        assert journal.elapsed_s() == pytest.approx(5.0 * life)
        now.seconds += 4.0
        assert clock.left() == pytest.approx(60.0 - 5.0 * (life + 1))
        journal.append("alive")
    assert [event["elapsed"] for event in Journal(path).events()] == [5.0, 10.0, 15.0]


def test_torn_at_every_byte_of_the_last_line(path: Path) -> None:
    """Events before it survive, and the next one begins a line of its own."""
    journal = Journal(path)
    journal.append("start", cpu="EPYC™")
    journal.append("rung_done", rung="probe")
    whole = path.read_bytes()
    begin = whole.rfind(b"\n", 0, -1) + 1
    for length in range(begin, len(whole)):
        path.write_bytes(whole[:length])
        again = Journal(path)
        assert [event["event"] for event in again.events()] == ["start"]
        again.append("resumed")
        assert [event["event"] for event in Journal(path).events()] == ["start", "resumed"]


def test_an_empty_file_is_an_empty_journal(path: Path) -> None:
    """As the workspace leaves it at the beginning of a run."""
    path.write_bytes(b"")
    assert Journal(path).events() == []


def test_a_damaged_earlier_line_is_refused(path: Path) -> None:
    """Damage that no kill can make is told by line."""
    Journal(path).append("start")
    Journal(path).append("stop")
    path.write_bytes(path.read_bytes().replace(b'{"event": "start"', b'{"event": start"'))
    with pytest.raises(ArtifactError, match=r"journal\.jsonl:1"):
        Journal(path)


def test_what_was_given_out_cannot_change_the_journal(path: Path) -> None:
    """The events are copies."""
    journal = Journal(path)
    journal.append("start")
    journal.events()[0]["event"] = "changed"
    assert journal.events("start")
