"""Climbs with realistic figures, as pictures are drawn of them."""

from __future__ import annotations

import math
from itertools import combinations

from tunesmith.report.paradigm.climbed import Climbed, Power, Step, Versus
from tunesmith.types import Interval

RUNGS = {
    "linear": (87.0, 4.0, None, ()),
    "cnn": (82.0, 40.0, 3.1, ()),
    "rnn": (70.0, 52.0, 3.0, ()),
    "gru": (81.0, 60.0, 9.0, ()),
    "lstm": (80.0, 90.0, 12.0, ()),
    "transformer": (74.0, 80.0, 11.0, ()),
    "probe": (93.0, 35.0, 3.5, ()),
    "finetune": (93.9, 165.0, 21.0, ("probe",)),
    "refine": (94.1, 290.0, 32.0, ("finetune",)),
}
"""Accuracy in percent, own seconds, own TFLOP, and what each starts from."""
WATTS = 20.0


def around(share: float, half: float) -> Interval:
    """A share and its interval."""
    return Interval(share, max(0.0, share - half), min(1.0, share + half))


def climb(*names: str, kept: str, n_rows: int = 1000, folder: str = "tickets.model", compared: bool = True) -> Climbed:
    """A climb over some of the rungs."""
    half = 1.96 * math.sqrt(0.08 / n_rows)
    steps = tuple(
        Step(
            name=name,
            seconds=RUNGS[name][1],
            tflop=RUNGS[name][2],
            score=around(RUNGS[name][0] / 100.0, half),
            kept=name == kept,
            starts_from=RUNGS[name][3],
            watts=WATTS,
        )
        for name in names
    )
    made = [_versus(after, before, n_rows) for before, after in combinations(names, 2)] if compared else []
    return Climbed(
        name=folder,
        objective="accuracy",
        n_rows=n_rows,
        steps=steps,
        powers=(("", Power(WATTS, measured=False, cores=2)),),
        comparisons=tuple(made),
        machine="Some CPU",
    )


def _versus(step: str, over: str, n_rows: int) -> Versus:
    """As the test of a difference of that size would have it, where one row in fifty and more is answered otherwise."""
    points = RUNGS[step][0] - RUNGS[over][0]
    error = 100.0 * math.sqrt((0.02 + 0.012 * abs(points)) / n_rows)
    gain = Interval(points, points - 1.645 * error, points + 1.645 * error)
    return Versus(step, over, gain, math.erfc(abs(points) / error / math.sqrt(2.0)))
