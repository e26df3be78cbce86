"""``tunesmith`` as it is, but for a SIGKILL at a moment that can be aimed at.

The first argument is the moment as JSON, all others go to ``tunesmith``: in which phase of the run beside ``out``, at
which access to its files within that phase, and how many seconds after that. Where the phase is over before, it is
killed at the next access.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

EVENTS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree")


def records(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file whose writer may be dead."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]] if path.exists() else []


def phase(work: Path) -> str:
    """What a run is at, by what it has written down: a rung, or ``publish`` from its landing to the next one's start.

    Before the first rung it is ``beginning``.
    """
    keys = [str(record.get("key")) for record in records(work / "plan.jsonl")]
    started = [key.removesuffix(".start") for key in keys if key.endswith(".start")]
    landed = [record["rung"] for record in records(work / "journal.jsonl") if record["event"] == "landed"]
    if not started:
        return "beginning"
    is_over = not (work / "journal.jsonl").exists()
    return "publish" if is_over or started[-1] in landed else started[-1]


class Killer:
    """Ends this process at its moment; told of every access to a file."""

    def __init__(self, out: str, aim: dict[str, Any]) -> None:
        self._out = out
        self._aim = aim
        self._n_seen = 0
        self._looks = False

    def __call__(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Look at one event of the interpreter."""
        if self._looks or name not in EVENTS or not str(arguments[0]).startswith(self._out):
            return
        self._looks = True  # looking opens files too
        now = phase(Path(f"{self._out}.work"))
        reached = now == self._aim["phase"]
        if self._n_seen == self._aim["access"] or (self._n_seen and not reached):
            self._kill()
        self._n_seen += reached
        self._looks = False

    def _kill(self) -> None:
        def now() -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        if self._aim["delay_s"]:
            threading.Timer(self._aim["delay_s"], now).start()
        else:
            now()


if __name__ == "__main__":
    moment = json.loads(sys.argv[1])
    sys.argv = ["tunesmith", *sys.argv[2:]]
    if moment:
        sys.addaudithook(Killer(moment["out"], moment))
    from tunesmith.cli import main

    main()
