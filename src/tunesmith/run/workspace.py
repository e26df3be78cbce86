"""The folder of a run beside its model folder: what lies in it, when a run may begin, and what stays at its end."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from tunesmith.errors import ConfigError, quote
from tunesmith.files.atomic import fsync_folder, remove_leftovers, write_bytes, write_error
from tunesmith.files.exchange import settle
from tunesmith.run.lock import RunLock

Start = Literal["fresh", "resumed", "finished"]
"""How a run begins: anew, where a killed one stopped, or not at all, because it had come to its end."""

_MODEL_FILE = "tunesmith.json"
_TO_REMOVE = ("checkpoints", "features", "next", "next.previous")
_TO_KEEP = ("plan.jsonl", "log.jsonl", "track")


class Workspace:
    """``OUT.work``, beside the model folder OUT; OUT itself is never touched here.

    The journal marks an unfinished run: it is there, if only empty, from the beginning of a run to its end.

    Args:
        out: The model folder that the run will write.

    Example:
        >>> Workspace(Path("tickets.model")).plan.as_posix()
        'tickets.model.work/plan.jsonl'
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        named = out.resolve() if out.name in ("", "..") else out
        self.folder = named.parent / f"{named.name}.work"
        self.plan = self.folder / "plan.jsonl"
        self.journal = self.folder / "journal.jsonl"
        self.log = self.folder / "log.jsonl"
        self.track = self.folder / "track"
        self.lock = self.folder / "lock"
        self.checkpoints = self.folder / "checkpoints"
        self.features = self.folder / "features"
        self.next = self.folder / "next"

    def prepare(self, lock: RunLock, *, resume: bool, force: bool, follow: Path | None = None) -> Start:
        """Decide whether a run may begin here, and make its folder ready.

        What a writer killed between two renames left of OUT is put right first. A forced start clears the folder of the
        run, not OUT, which stays until the new model takes its place.

        Args:
            lock: Held, at ``self.lock``: nobody else's run is cleared.
            resume: Go on with a killed run.
            force: Start anew, whatever is there.
            follow: Plan file that the run will follow, which a new start must not clear.

        Returns:
            ``"fresh"``, ``"resumed"``; ``"finished"`` where the run to go on with had come to its end.

        Raises:
            ConfigError: ``out-exists``, ``run-unfinished``, ``nothing-to-resume``, ``plan-in-the-way``;
                ``out-not-a-model``, something that is no model folder would be replaced; ``bad-flags``, both asked for.
            ResourceError: ``write-failed``, the folder cannot be written.
        """
        assert lock.held, "prepare a workspace only under its lock"
        assert lock.path == self.lock, f"{lock.path} locks another workspace than {self.folder}"
        if resume and force:
            raise ConfigError("bad-flags", "--resume goes on and --force starts anew", advice="give one of them")
        settle(self.out, self.next)
        self._refuse_foreign_out()
        unfinished = self.journal.exists()
        if resume:
            return self._resume(unfinished)
        if not force:
            self._refuse_existing(unfinished)
        self._start_anew(follow)
        return "fresh"

    def finish(self) -> None:
        """End the run: only plan, log and what trackers wrote stay (and the lock, while it is held).

        The journal goes first: from then on the run is finished, and what a kill leaves is cleared by the next start.

        Raises:
            ResourceError: ``write-failed``, the folder cannot be written.
        """
        self._remove(self.journal.name, *_TO_REMOVE)

    def _resume(self, unfinished: bool) -> Start:
        if unfinished:
            remove_leftovers(self.folder)
            return "resumed"
        if self.out.exists() and self.plan.exists():
            self.finish()
            return "finished"
        raise ConfigError(
            "nothing-to-resume",
            "there is no unfinished run here",
            where=str(self.folder),
            found=f"{self.out} is there, made elsewhere or by hand" if self.out.exists() else "nothing",
            advice="leave --resume out to start one, and check --out",
        )

    def _refuse_existing(self, unfinished: bool) -> None:
        """Refuse to begin where a run or a model is."""
        if unfinished:
            raise ConfigError(
                "run-unfinished",
                "an earlier run into this folder did not come to its end",
                where=str(self.out),
                found=f"its work in {self.folder}",
                advice="go on with it: --resume; throw it away and start anew: --force",
            )
        if self.out.exists():
            raise ConfigError(
                "out-exists",
                "the model folder is there already",
                where=str(self.out),
                advice="choose another with --out, replace it with --force, or go on with an unfinished run: --resume",
            )

    def _refuse_foreign_out(self) -> None:
        """Refuse what no run of ours can have written: replacing it would destroy somebody's files."""
        out = self.out
        if out.is_dir() and not (out / _MODEL_FILE).exists() and (some := next(out.iterdir(), None)):
            found = f"a folder with {quote(some.name)} and without {_MODEL_FILE}"
        elif out.exists() and not out.is_dir():
            found = "a file"
        else:
            return
        raise ConfigError(
            "out-not-a-model",
            "this is no model folder, so it is not replaced",
            where=str(out),
            found=found,
            allowed="a name that is free, an empty folder, or a model folder",
            advice="choose another with --out",
        )

    def _start_anew(self, follow: Path | None) -> None:
        """Clear the folder of what runs leave, and nothing else, and mark the beginning."""
        if follow is not None and follow.resolve().is_relative_to(self.folder.resolve()):
            raise ConfigError(
                "plan-in-the-way",
                "the plan to follow lies in the folder that a new start clears",
                where=str(follow),
                advice="copy it elsewhere, or choose another folder with --out",
            )
        self._remove(self.journal.name, *_TO_KEEP, *_TO_REMOVE)
        remove_leftovers(self.folder)
        write_bytes(self.journal, b"")
        fsync_folder(self.folder.parent)

    def _remove(self, *names: str) -> None:
        """Remove files, folders or links by name, in this order, durably."""
        try:
            for name in names:
                path = self.folder / name
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                elif path.is_symlink() or path.exists():
                    path.unlink()
        except OSError as error:
            raise write_error(self.folder, error) from error
        fsync_folder(self.folder)
