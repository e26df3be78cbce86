"""Stdout, stderr and the terminal: what goes where, and what happens when nobody listens."""

from __future__ import annotations

import errno
import io
import os
import pty
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest
from tests.cli.conftest import Model
from tests.cli.running import Ended, command, run, run_process

from tunesmith.cli import console, main
from tunesmith.cli.console import Terminal, print_line


class Screen(io.StringIO):
    """A terminal to write to."""

    def isatty(self) -> bool:
        """It says it is one."""
        return True


class Gone(Screen):
    """A terminal that was closed."""

    n_tries = 0

    def write(self, text: str) -> int:
        """Refuse as a pipe without a reader does."""
        self.n_tries += 1
        raise BrokenPipeError(text)


def test_a_terminal_gets_a_bar_that_vanishes() -> None:
    """It is drawn over itself, gives way to what is said, and leaves nothing at the end."""
    with redirect_stderr(Screen()) as screen, Terminal(quiet=False) as terminal:
        terminal.progress("probe", 0.5, 200.0)
        assert "probe" in screen.getvalue()
        assert " 50 %, about 3 min left" in screen.getvalue()
        terminal.say("probe: accuracy")
        terminal.progress("finetune", 0.25)
        terminal.count("predicting", 8192)
    assert "\r\x1b[2Kprobe: accuracy\n" in screen.getvalue()
    assert "\r\x1b[2Kpredicting: 8,192 rows" in screen.getvalue()
    assert screen.getvalue().endswith("rows\r\x1b[2K")


def test_the_bar_has_no_colours() -> None:
    """NO_COLOR or not: a bar needs none."""
    with redirect_stderr(Screen()) as screen, Terminal(quiet=False) as terminal:
        terminal.progress("probe", 0.5)
        terminal.say("done")
    assert "probe" in screen.getvalue()
    assert re.findall(r"\x1b\[[0-9;]*m", screen.getvalue()) == []


def test_elsewhere_there_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log file gets no bar: a line every ten seconds, without control characters."""
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    with redirect_stderr(io.StringIO()) as log, Terminal(quiet=False) as terminal:
        for second in range(25):
            now[0] = float(second)
            terminal.progress("finetune", second / 25, 25.0 - second)
            terminal.count("predicting", second)
        terminal.progress("finetune", 1.0)
    assert log.getvalue().splitlines() == [
        "finetune: 40 %, about 15 s left",
        "finetune: 80 %, about 5 s left",
    ]


def test_quiet_is_quiet() -> None:
    """Not a byte, even on a terminal."""
    with redirect_stderr(Screen()) as screen, Terminal(quiet=True) as terminal:
        terminal.say("x")
        terminal.progress("x", 0.5)
        terminal.count("x", 1)
    assert screen.getvalue() == ""


def test_a_run_goes_on_when_nobody_reads_its_progress() -> None:
    """``train 2>&1 | head`` must not end a training."""
    with redirect_stderr(Gone()) as gone, Terminal(quiet=False) as terminal:
        terminal.progress("probe", 0.5)
        terminal.say("probe: accuracy")
    assert gone.n_tries == 1


def test_a_line_of_a_result_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A label with a line end or an escape sequence in it stays within its line."""
    print_line("label \x1b[2J\nnext")
    assert capsys.readouterr().out == "label  [2J next\n"


def test_what_is_told_of_a_run_is_one_line() -> None:
    """A file name or label with an escape sequence in it can neither clear the screen nor make a line of its own."""
    for screen in (Screen(), io.StringIO()):
        with redirect_stderr(screen), Terminal(quiet=False) as terminal:
            terminal.say("label \x1b[2J\nnext")
        assert screen.getvalue() == "label  [2J next\n"


def test_an_error_cannot_write_to_the_terminal_but_text(tmp_path: Path) -> None:
    """A folder that somebody named, with an escape sequence in its name, is told without it."""
    ended = run("info", tmp_path / "a\x1b[2J\u202eb")
    assert ended.code == 3
    assert "a\\x1b[2J\\u202eb" in ended.err.replace("\n", "")
    assert all(char.isprintable() or char == "\n" for char in ended.err)


def ended_without_reader(arguments: list[str], *, both: bool = False) -> Ended:
    """Run a command whose stdout (and stderr) is a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            arguments, stdout=writing, stderr=writing if both else subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writing)
    return Ended(done.returncode, "", done.stderr or "")


@pytest.mark.parametrize("both", [False, True])
def test_a_closed_pipe_ends_a_command_silently(both: bool) -> None:
    """As ``| head -1`` does once it has its line: exit 0, no complaint."""
    assert ended_without_reader(command("--help"), both=both) == Ended(0, "", "")


def test_a_closed_pipe_ends_a_prediction_silently(climbed: Model, tickets: Path) -> None:
    """The same in the middle of answers."""
    assert ended_without_reader(command("predict", climbed.folder, tickets)) == Ended(0, "", "")


def test_a_process_without_stdout_and_stderr_keeps_its_exit_code() -> None:
    """``>&- 2>&-``: the streams do not exist at all."""
    line = f"{sys.executable} -m tunesmith info nothing >&- 2>&-"
    assert run_process(["sh", "-c", line]) == Ended(3, "", "")


def test_an_error_keeps_its_exit_code_where_stdout_is_gone() -> None:
    """What was printed before can reach nobody; Python would complain about that at its end, with a code of its own."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone, patch.object(sys, "argv", ["tunesmith", "info", "nothing"]):
        gone.write("so far, so good")
        with redirect_stdout(gone), redirect_stderr(io.StringIO()), pytest.raises(SystemExit) as ended:
            main()
        gone.write("nowhere")
        gone.flush()
    assert ended.value.code == 3


def test_a_full_disk_is_told(probed: Model) -> None:
    """Output that does not fit is lost, so exit 0 would be a lie."""

    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with redirect_stdout(Full()), redirect_stderr(io.StringIO()) as told, pytest.raises(SystemExit) as ended:
        with patch.object(sys, "argv", ["tunesmith", "info", str(probed.folder)]):
            main()
    assert ended.value.code == 4
    assert told.getvalue().startswith("error[system-refuses]: the operating system refuses: no space left on device")


def seen_on_a_terminal(arguments: list[str], **environment: str) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment = {**inherited, "TERM": "xterm-256color", **environment}
    with subprocess.Popen(arguments, stdout=theirs, stderr=theirs, stdin=theirs, env=environment) as process:
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 4096):
                seen += part
        except OSError:  # Linux tells the end of a terminal so
            pass
        assert process.wait() == 0
    os.close(ours)
    return seen.decode()


def test_help_is_plain_and_whole() -> None:
    """No colours that NO_COLOR would have to switch off, and each command's line ends as it was written."""
    printed = seen_on_a_terminal(command("--help"))
    assert "\x1b" not in printed
    lines = [line.split(maxsplit=1) for line in printed.partition("Commands:")[2].splitlines() if line.strip()]
    names = ["demo", "check", "train", "evaluate", "compare", "predict", "next", "info", "export", "compress", "doctor"]
    assert [name for name, _ in lines] == names
    assert all(told.rstrip().endswith(".") and not told.rstrip().endswith("...") for _, told in lines)


def test_help_tells_every_command_and_the_main_flags() -> None:
    """Without arguments too."""
    for arguments in ([], ["--help"], ["-h"]):
        ended = run(*arguments)
        assert ended.code == 0
        for name in (
            "demo",
            "check",
            "train",
            "evaluate",
            "compare",
            "predict",
            "next",
            "info",
            "export",
            "compress",
            "doctor",
        ):
            assert f" {name} " in ended.out
    assert "--rungs" in run("train", "--help").out
