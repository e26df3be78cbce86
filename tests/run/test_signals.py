"""Stopping by signal: first a request, then at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tunesmith.run.signals import StopRequested


@pytest.fixture(autouse=True)
def _handlers_come_back() -> Iterator[None]:
    """Whatever a test does, the handlers after it are those before it, and no test leaves one."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
        signal.signal(number, handler)
    assert after == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_request(number: signal.Signals) -> None:
    """The flag is up, and nothing else happens."""
    with StopRequested() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_at_once(second: signal.Signals) -> None:
    """KeyboardInterrupt comes out of whatever is running, and the handlers are put back all the same."""
    with pytest.raises(KeyboardInterrupt), StopRequested() as stop:  # noqa: PT012, RUF100
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested
        os.kill(os.getpid(), second)
        pytest.fail("the second signal was swallowed")


def test_an_ignored_signal_stays_ignored() -> None:
    """Under nohup and in the background of a script SIGINT is ignored, and it is not for us to change that."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with StopRequested() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert not stop.requested
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_the_main_thread_nothing_happens() -> None:
    """In a server's worker thread the handlers are left alone."""
    seen: list[object] = []

    def work() -> None:
        with StopRequested() as stop:
            seen.extend([stop.requested, signal.getsignal(signal.SIGTERM)])

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False, before]


def test_a_real_process_is_asked_twice_from_outside() -> None:
    """Another process sends SIGTERM, sees it answered, sends SIGINT and sees the end."""
    code = """
import sys, time
from tunesmith.run.signals import StopRequested
with StopRequested() as stop:
    sys.stdout.write("ready\\n"); sys.stdout.flush()
    while not stop.requested:
        time.sleep(0.002)
    sys.stdout.write("asked\\n"); sys.stdout.flush()
    time.sleep(30)
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
