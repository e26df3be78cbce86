"""Searching: several chains of techniques are tried on one model, and measured side by side.

What two chains begin with alike is made once. Before each smaller model, averaged token vectors may answer what they
are sure of, which makes a cascade of what is there already.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tunesmith.bundle.kinds import KINDS
from tunesmith.bundle.kinds.cascade import stands
from tunesmith.compress.cascading import MOST_CHANGED, Stage, in_a_row
from tunesmith.compress.chain import learns, make, name_of, parent_after, share_s
from tunesmith.compress.costs import costs_of
from tunesmith.compress.distilling import with_features
from tunesmith.compress.gate import Judged, judge, matched_calibration
from tunesmith.compress.limits import Limits, told_size
from tunesmith.compress.source import Both, Compressed, Floats, Parent, Rows, Work
from tunesmith.errors import TunesmithError
from tunesmith.types import JSON, Interval

AS_IT_IS = "as it is"
"""Name of the model itself among the candidates."""
FAST = "static"
"""The technique whose model answers first in a cascade."""

_MOST_ROWS = 256
"""Answered at once to time so many models."""
_AS_FAST = 0.9
"""Share of a rate that two runs of one model may differ by."""
_MIB = 2.0**20
_ERRORS_IN_HALF = 1.96
"""Standard errors in half of an interval that holds 95 %."""
_SOONEST_S = 5.0
"""Time that a step must have left, so that it is worth beginning."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A smaller model, and what it loses and takes."""

    name: str
    made: Compressed
    said: Floats
    """Its logits of the rows held out, ``[B, C]``."""
    judged: Judged
    size_mib: float
    costs: dict[str, JSON] = field(default_factory=dict)
    """``latency_ms`` and ``texts_per_second``, once they were measured."""

    def loss(self, objective: str) -> Interval:
        """Say what it loses.

        Args:
            objective: The figure that counts.

        Returns:
            Points.
        """
        return Interval(**self.judged.figures["loss"][objective])

    def cautious_loss(self, objective: str) -> float:
        """Say what it loses, and a standard error more.

        Rows that choose are few: on 1,000, where a twentieth of the answers has changed, a model that loses a point
        seems to lose no more than half of one once in four times, and a search looks at a dozen. Source of the margin:
        the one-standard-error rule of Breiman et al. 1984, section 3.4.3.

        Args:
            objective: The figure that counts.

        Returns:
            Points.
        """
        loss = self.loss(objective)
        return loss.value + (loss.high - loss.value) / _ERRORS_IN_HALF

    def misses(self, limits: Limits, objective: str) -> list[str]:
        """Say which limits it does not keep.

        Args:
            limits: What it may lose and take.
            objective: The figure that counts.

        Returns:
            What is too much, in words; nothing where it fits.
        """
        found = []
        lost, latency_ms = self.loss(objective).value, self.costs["latency_ms"]["p50"]
        if not lost <= limits.loss:
            found.append(f"{lost:.2f} points lost")
        if self.judged.lost_labels:
            found.append(f"no longer finds {self.judged.lost_labels[0]}")
        if not self.size_mib <= limits.size_mib:
            found.append(told_size(self.size_mib))
        if not latency_ms <= limits.latency_ms:
            found.append(f"{latency_ms:.2f} ms")
        return found

    def qualities(self, objective: str) -> tuple[float, float, float, float]:
        """Give what is compared between candidates, each the better the larger.

        Args:
            objective: The figure that counts.

        Returns:
            Of loss, size, time for one text, and texts a second.
        """
        return (
            -self.loss(objective).value,
            -self.size_mib,
            -self.costs["latency_ms"]["p50"],
            self.costs["texts_per_second"],
        )


class Search:
    """Makes candidates of one model.

    Args:
        parent: The model.
        rows: Those to fit on, and those held out.
        work: Time for all, of which those that learn have even shares; options of techniques.
    """

    def __init__(self, parent: Parent, rows: Rows, work: Work) -> None:
        self._parent, self._rows, self._work = parent, rows, work
        self._objective = parent.task.objectives[0]
        self._before = KINDS.member("encoder").predictor(parent.model).outputs(rows.held).logits
        self._made: dict[tuple[str, ...], Compressed] = {}
        self._ends_at = None if work.budget_s is None else time.monotonic() + work.budget_s
        self.left_out: list[str] = []
        """Chains without a candidate and why, a sentence each."""

    def candidates(self, chains: Sequence[tuple[str, ...]]) -> list[Candidate]:
        """Try chains of techniques, and cascades of what they make.

        Args:
            chains: Each the names of techniques that follow one another.

        Returns:
            The candidates with their costs, the model itself first; chains that failed are left out.
        """
        if learns(tuple(step for steps in chains for step in steps)) and self._parent.features is None:
            self._parent = with_features(self._parent, self._rows, self._work)
        own = Compressed("encoder", self._parent.model)
        found = [self._candidate(AS_IT_IS, own, said=self._before), *self._of_chains(chains)]
        found += list(self._cascades(found))
        self._work.narrator.say(f"timing {len(found)} models in turns")
        predictors = [KINDS.member(each.made.kind).predictor(each.made.model) for each in found]
        costs = costs_of(predictors, self._rows.held, most_rows=_MOST_ROWS)
        return [replace(each, costs=cost) for each, cost in zip(found, costs, strict=True)]

    def _of_chains(self, chains: Sequence[tuple[str, ...]]) -> Iterator[Candidate]:
        wanted = list(dict.fromkeys(chain[:end] for chain in chains for end in range(1, len(chain) + 1)))
        for number, steps in enumerate(wanted):
            try:
                made = self._make(steps, to_come=wanted[number:])
            except TunesmithError as error:
                self.left_out.append(f"{name_of(steps)} was left out: {error.message}")
                continue
            if made is not None:
                yield self._candidate(name_of(steps), replace(made, steps=steps))

    def _make(self, steps: tuple[str, ...], *, to_come: Sequence[tuple[str, ...]]) -> Compressed | None:
        """Make the last step of a chain; None where those before it failed, or no time is left."""
        before = steps[:-1]
        if before and before not in self._made:
            return None
        share = share_s(self._ends_at, [each[-1] for each in to_come])
        if share is not None and share < _SOONEST_S and learns(steps[-1:]):
            self.left_out.append(f"{name_of(steps)} was left out: no time was left")
            return None
        self._work.narrator.say(f"trying {name_of(steps)}")
        earlier = self._made.get(before)
        parent = self._parent if earlier is None else parent_after(self._parent, earlier)
        made = make(steps[-1:], parent, self._rows, work=replace(self._work, budget_s=share))
        self._made[steps] = replace(made, notes=(*(() if earlier is None else earlier.notes), *made.notes))
        return self._made[steps]

    def _cascades(self, found: Sequence[Candidate]) -> Iterator[Candidate]:
        """Let the fast model stand before each of the others that do not lose too much by themselves."""
        fast = next((each for each in found if each.name == FAST), None)
        if fast is None or not self._parent.coding.labels:
            return
        ours = self._parent.calibration
        for slow in found:
            if slow is fast or not slow.loss(self._objective).value <= self._work.max_loss:
                continue
            stages = [Stage(each.name, each.made, each.said) for each in (fast, slow)]
            made = in_a_row(stages, self._parent, changed=MOST_CHANGED * self._work.max_loss)
            assert made.cascade is not None, "a cascade says what its stages are"
            if stands(self._parent.task, made.cascade[0], fast.said, thresholds=ours.thresholds).all():
                continue  # it would be the fast model alone
            notes = (*fast.made.notes, *slow.made.notes, *made.notes)
            yield self._candidate(f"{FAST}, then {slow.name}", replace(made, notes=notes, steps=("cascade",)))

    def _candidate(self, name: str, made: Compressed, *, said: Floats | None = None) -> Candidate:
        """Judge a model, and tell what it loses."""
        if said is None:
            said = KINDS.member(made.kind).predictor(made.model).outputs(self._rows.held).logits
        both = Both(self._before, said)
        ours = self._parent.calibration
        calibrations = (ours, matched_calibration(self._parent, ours, both))
        judged = judge(self._parent, self._rows, both, calibrations=calibrations)
        found = Candidate(name, made, both.after, judged, _size_mib(made))
        lost = found.loss(self._objective)
        self._work.narrator.say(
            f"{name}: {lost.value:+.2f} points lost ({lost.low:+.2f} to {lost.high:+.2f}), {told_size(found.size_mib)}"
        )
        return found


def best_of(fitting: Sequence[Candidate]) -> Candidate:
    """Choose among models that all would do.

    Args:
        fitting: At least one, with their costs.

    Returns:
        The fastest; of those that are as fast as can be told, the smallest.
    """
    fastest = max(each.costs["texts_per_second"] for each in fitting)
    as_fast = [each for each in fitting if each.costs["texts_per_second"] >= _AS_FAST * fastest]
    return min(as_fast, key=lambda each: each.size_mib)


def front(found: Sequence[Candidate], objective: str) -> list[Candidate]:
    """Leave out what another beats: that is better in something and worse in nothing.

    Args:
        found: With their costs.
        objective: The figure that counts.

    Returns:
        The others, in their order.
    """
    told = [each.qualities(objective) for each in found]
    return [
        each
        for each, ours in zip(found, told, strict=True)
        if not any(theirs != ours and all(a >= b for a, b in zip(theirs, ours, strict=True)) for theirs in told)
    ]


def _size_mib(made: Compressed) -> float:
    """What a model takes on the disk."""
    with tempfile.TemporaryDirectory() as name:
        KINDS.member(made.kind).save(Path(name), made.model)
        return sum(path.stat().st_size for path in Path(name).rglob("*") if path.is_file()) / _MIB
