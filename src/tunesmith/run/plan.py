"""The plan: every decision taken from a clock or a measurement, written down before it is acted on.

A killed run that goes on takes the decisions of its plan again instead of asking the clock, and so does a run told to
follow the plan of another; only where the plan ends are new decisions made. So a run that was killed and resumed gives
the same bytes as an uninterrupted one that follows its plan.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tunesmith.errors import ArtifactError, ConfigError, counted, quote
from tunesmith.files.atomic import write_text
from tunesmith.run.lines import add_line, open_lines, read_lines, render
from tunesmith.types import JSON

_FORMAT = 1
_FIRST_LINE = 2
_MUST_AGREE = ("recipe", "data", "base")
_SHOULD_AGREE = ("versions", "cpu")


@dataclass(frozen=True, slots=True)
class PlanHeader:
    """What a plan was made for: digests of recipe, data, base model and library versions, and the CPU model.

    With another recipe, base model or other data a plan means nothing; with other versions or another CPU it can be
    followed, but the bytes may differ. ``base`` is empty where no base model is used.
    """

    recipe: str
    data: str
    base: str
    versions: str
    cpu: str


@dataclass(frozen=True, slots=True)
class _Decision:
    """One line of a plan."""

    key: str
    value: JSON


class Plan:
    """The decisions of one run, in the order in which they are taken; made by ``Plan.open``.

    Args:
        path: The run's own plan file, header written.
        own: Decisions in that file.
        followed: Decisions of another plan to go on with where ``own`` ends.
        followed_path: The file of ``followed``.
        notes: What the user should know.
    """

    def __init__(
        self,
        path: Path,
        own: list[_Decision],
        *,
        followed: list[_Decision],
        followed_path: Path | None,
        notes: tuple[str, ...],
    ) -> None:
        self.notes = notes
        """Sentences for the user: where the plan was made with other versions or on another CPU."""
        self._path = path
        self._followed_path = followed_path
        self._n_written = len(own)
        self._recorded = own + followed[len(own) :]
        self._n_taken = 0

    @classmethod
    def open(cls, path: Path, header: PlanHeader, *, follow: Path | None = None) -> Plan:
        """Open the run's plan, new or left by an earlier life of the same run.

        Args:
            path: The run's own plan file; made where it is missing. A torn last line is cut off.
            header: What this run is.
            follow: Plan file of another run whose decisions to take; it is only read.

        Returns:
            The plan, before its first decision.

        Raises:
            ConfigError: ``plan-differs``, a plan was made for another recipe or other data, or the own plan has
                already left the followed one; ``plan-missing``, ``follow`` is not there.
            ArtifactError: A line of a plan is damaged, or a newer tunesmith wrote it.
        """
        records = open_lines(path)
        if not records:
            write_text(path, render({"plan": _FORMAT, **asdict(header)}) + "\n")
        own, notes = _checked(path, records, header) if records else ([], [])
        followed: list[_Decision] = []
        if follow is not None:
            if not follow.exists():
                raise ConfigError("plan-missing", "there is no such plan to follow", where=str(follow))
            followed, other_notes = _checked(follow, read_lines(follow).records, header)
            notes += other_notes
            _check_prefix(path, own, follow=follow, followed=followed)
        return cls(path, own, followed=followed, followed_path=follow, notes=tuple(dict.fromkeys(notes)))

    @property
    def following(self) -> bool:
        """Whether the next decision is already written down."""
        return self._n_taken < len(self._recorded)

    def announces(self, key: str) -> bool:
        """Tell whether the next decision is written down already and is this one.

        Args:
            key: What is decided.

        Returns:
            False where the plan has ended, too.
        """
        return self.following and self._recorded[self._n_taken].key == key

    @property
    def n_decisions(self) -> int:
        """How many decisions this life of the run has taken or passed over; a checkpoint keeps it for ``seek``."""
        return self._n_taken

    def decide(self, key: str, propose: Callable[[], JSON]) -> JSON:
        """Take the next decision: the one written down, or else a new one, which is on the disk before it is given.

        Args:
            key: What is decided, such as ``"finetune.steps"``; the same at the same place in every life of the run.
            propose: Makes the decision from clocks and measurements; called only where the plan has ended.

        Returns:
            The decision as JSON gives it back (a tuple comes as a list), equal in every life of the run.

        Raises:
            ConfigError: ``plan-differs``, the plan has another decision here; line, expected and found are named.
            ResourceError: The decision could not be written down.
        """
        is_new = not self.following
        if is_new:
            decision = _Decision(key, json.loads(json.dumps(propose(), allow_nan=False)))
        else:
            decision = self._recorded[self._n_taken]
        if decision.key != key:
            raise self._unexpected(decision.key, key)
        if self._n_taken == self._n_written:
            add_line(self._path, {"n": self._n_taken + 1, "key": decision.key, "value": decision.value})
            self._n_written += 1
        if is_new:
            self._recorded.append(decision)
        self._n_taken += 1
        return decision.value

    def seek(self, n_decisions: int) -> None:
        """Go to where a checkpoint was made, so that the decisions before it are not asked for again.

        Args:
            n_decisions: What ``n_decisions`` was at that moment.

        Raises:
            ArtifactError: ``plan-damaged``, the plan on the disk has fewer decisions.
        """
        if n_decisions > self._n_written:
            raise ArtifactError(
                "plan-damaged",
                "the plan has lost decisions that were acted on",
                where=str(self._path),
                found=counted(self._n_written, "decision"),
                allowed=f"at least the {n_decisions} taken before the last checkpoint",
                advice="start the run anew with --force",
            )
        self._n_taken = n_decisions

    def _unexpected(self, recorded: str, key: str) -> ConfigError:
        in_own = self._n_taken < self._n_written
        path = self._path if in_own or self._followed_path is None else self._followed_path
        return ConfigError(
            "plan-differs",
            "the run has come to another decision than its plan",
            where=f"{path}:{self._n_taken + _FIRST_LINE}",
            found=f"the plan decides {quote(recorded)}",
            allowed=f"a decision on {quote(key)}",
            advice="follow a plan only with the version of tunesmith that made it, or leave --plan out"
            if not in_own
            else "go on with the version of tunesmith that began the run, or start anew with --force",
        )


def _checked(path: Path, records: list[dict[str, Any]], header: PlanHeader) -> tuple[list[_Decision], list[str]]:
    """Check a plan's lines and that it is for this run; give its decisions and notes."""
    recorded = records[0] if records else {}
    number = recorded.get("plan")
    if type(number) is int and number > _FORMAT:
        raise ArtifactError(
            "newer-format",
            "a newer tunesmith wrote this plan",
            where=f"{path}:1",
            found=f"format {number}",
            allowed=f"up to format {_FORMAT}",
            advice="install a newer tunesmith",
        )
    names = ["plan", *_MUST_AGREE, *_SHOULD_AGREE]
    if number != _FORMAT or sorted(recorded) != sorted(names) or not _all_text(recorded, names[1:]):
        raise _damaged(path, 1, f"the first line is not an object of {', '.join(names)}")
    wanted = asdict(header)
    differing = [name for name in _MUST_AGREE if recorded[name] != wanted[name]]
    if differing:
        raise ConfigError(
            "plan-differs",
            f"the plan was made for {' and '.join(f'other {name}' for name in differing)}",
            where=f"{path}:1",
            found="; ".join(f"{name} {recorded[name][:12]}" for name in differing),
            allowed="; ".join(f"{name} {wanted[name][:12]}" for name in differing),
            advice="use recipe, data and base model that the plan was made with, or start anew (--force, no --plan)",
        )
    notes = [
        f"the plan {path} was made with other {name} ({quote(recorded[name][:40])}): the bytes may differ"
        for name in _SHOULD_AGREE
        if recorded[name] != wanted[name]
    ]
    return [_decision(path, number, record) for number, record in enumerate(records[1:], start=1)], notes


def _decision(path: Path, number: int, record: dict[str, Any]) -> _Decision:
    """Check one line after the first."""
    if sorted(record) != ["key", "n", "value"] or record["n"] != number or not _all_text(record, ["key"]):
        raise _damaged(path, number + 1, f"not decision {number} as an object of n, key and value")
    return _Decision(record["key"], record["value"])


def _check_prefix(path: Path, own: list[_Decision], *, follow: Path, followed: list[_Decision]) -> None:
    """Refuse to follow a plan that the run's own has already left."""
    for number, (mine, other) in enumerate(zip(own, followed, strict=False), start=_FIRST_LINE):
        if mine != other:
            raise ConfigError(
                "plan-differs",
                "the run has already decided otherwise than the plan to follow",
                where=f"{path}:{number}",
                found=f"{quote(mine.key)}: {quote(json.dumps(mine.value))}",
                allowed=f"{quote(other.key)}: {quote(json.dumps(other.value))}, as in {follow}:{number}",
                advice="go on without --plan, or start anew with --force",
            )


def _all_text(record: dict[str, Any], names: list[str]) -> bool:
    return all(isinstance(record.get(name), str) for name in names)


def _damaged(path: Path, line: int, found: str) -> ArtifactError:
    return ArtifactError(
        "plan-damaged",
        "this line of the plan is damaged",
        where=f"{path}:{line}",
        found=found,
        advice="restore the file from where it came, or start the run anew with --force",
    )
