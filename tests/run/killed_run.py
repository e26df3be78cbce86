"""A small run, and a process that starts it again and again, each time as a process of its own, and kills it.

Orders come as JSON lines on the standard input: ``out``, ``follow`` (a plan or null), and how to kill: ``after_s``
(from outside, SIGKILL) or ``at_event`` (the run kills itself before that access to the file system), null for neither.
One line comes back for each: the exit status as ``os.waitpid`` gives it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tunesmith.errors import ConfigError
from tunesmith.files.atomic import write_json
from tunesmith.files.exchange import exchange_folders
from tunesmith.files.manifest import write_manifest
from tunesmith.run.checkpoint import Checkpoints
from tunesmith.run.journal import Journal
from tunesmith.run.lock import RunLock
from tunesmith.run.log import RunLog
from tunesmith.run.plan import Plan, PlanHeader
from tunesmith.run.workspace import Start, Workspace

HEADER = PlanHeader(recipe="a recipe", data="some data", base="some base", versions="1", cpu="any")
RUNGS = ("linear", "probe", "finetune")
EVENTS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree")


class Walk:
    """What the run trains: a random walk that every decision changes."""

    def __init__(self, workspace: Workspace, *, follow: Path | None) -> None:
        self.workspace = workspace
        self.plan = Plan.open(workspace.plan, HEADER, follow=follow)
        self.journal = Journal(workspace.journal)
        self.checkpoints = Checkpoints(workspace.checkpoints)
        self.weights = np.zeros(64)
        self.rung = self.step = self.n_steps = 0
        found = self.checkpoints.newest("walk")
        self.log = RunLog(workspace.log, keep_bytes=found.state["log_bytes"] if found else 0)
        if found:
            self.plan.seek(found.state["n_decisions"])
            self.rung, self.step, self.n_steps = found.state["at"]
            self.weights = found.tensors["weights"].numpy()
        self.journal.append("start", resumed=found is not None)

    def decide(self, key: str, choices: int) -> int:
        """Decide by chance, as a clock would, act on it, and tell what was acted on."""
        n = self.plan.n_decisions + 1
        value = int(self.plan.decide(key, lambda: int.from_bytes(os.urandom(2), "big") % choices))
        line = json.dumps({"n": n, "key": key, "value": value}) + "\n"
        with self.workspace.out.with_name("acted.jsonl").open("a", encoding="utf-8") as file:
            file.write(line)
        self.weights[value] += 1.0
        return value

    def climb(self) -> None:
        """Go through all rungs, with a decision and a checkpoint every three steps."""
        while self.rung < len(RUNGS):
            name = RUNGS[self.rung]
            if self.step == 0:
                self.n_steps = 6 + self.decide(f"{name}.steps", 6)
            noise = np.random.Generator(np.random.PCG64([self.rung, self.step])).normal(size=64)
            self.weights = 0.9 * self.weights + noise
            self.step += 1
            self.log.write(rung=name, step=self.step, loss=float(self.weights[0]))
            if self.step >= self.n_steps or (self.step % 3 == 0 and self.decide(f"{name}.stop", 12) == 0):
                self.rung, self.step = self.rung + 1, 0
            if self.step % 3 == 0:
                self.save()

    def save(self) -> None:
        """Write everything that what follows depends on."""
        at = [self.rung, self.step, self.n_steps]
        state = {"n_decisions": self.plan.n_decisions, "log_bytes": self.log.flush(), "at": at}
        self.checkpoints.save("walk", {"weights": self.weights}, state)
        self.journal.append("saved", at=at)

    def write_model(self) -> None:
        """Put the result in place as a bundle is."""
        shutil.rmtree(self.workspace.next, ignore_errors=True)
        self.workspace.next.mkdir()
        digest = hashlib.sha256(self.weights.tobytes()).hexdigest()
        write_json(self.workspace.next / "tunesmith.json", {"weights": digest, "first": float(self.weights[0])})
        write_manifest(self.workspace.next)
        exchange_folders(self.workspace.next, self.workspace.out)


def live(out: Path, follow: Path | None) -> None:
    """One life of the run: begin it or go on with it, up to its end."""
    workspace = Workspace(out)
    with RunLock(workspace.lock) as lock:
        if begin(workspace, lock) == "finished":
            return
        walk = Walk(workspace, follow=follow)
        walk.climb()
        walk.write_model()
        workspace.finish()


def begin(workspace: Workspace, lock: RunLock) -> Start:
    """Go on with the run, or begin it where it has not left anything."""
    with suppress(ConfigError):
        return workspace.prepare(lock, resume=True, force=False)
    return workspace.prepare(lock, resume=False, force=False)


def kill_at(event: int | None) -> list[str]:
    """Kill this process before its access number ``event`` to the file system; gives the accesses seen so far."""
    seen: list[str] = []

    def hook(name: str, _: object) -> None:
        if name in EVENTS:
            if len(seen) == event:
                os.kill(os.getpid(), signal.SIGKILL)
            seen.append(name)

    sys.addaudithook(hook)
    return seen


def start(order: dict[str, Any]) -> int:
    """Run one life in a process of its own, kill it as ordered, and give its exit status."""
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            seen = kill_at(order["at_event"])
            live(Path(order["out"]), Path(order["follow"]) if order["follow"] else None)
            Path(order["out"]).with_name("n_events.txt").write_text(str(len(seen)), "utf-8")
            status = 0
        finally:
            if status:
                sys.excepthook(*sys.exc_info())
            os._exit(status)
    if order["after_s"] is not None:
        time.sleep(order["after_s"])
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.fsync = lambda fd: None  # a killed process loses nothing that it handed to the system; only time
    for line in sys.stdin:
        sys.stdout.write(f"{start(json.loads(line))}\n")
        sys.stdout.flush()
