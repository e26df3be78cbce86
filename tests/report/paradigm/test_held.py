"""Several models as the steps of one picture: each draws what its own run drew."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.report.paradigm.climbs import climb

from tunesmith.report.paradigm.climbed import Climbed, Power
from tunesmith.report.paradigm.held import held_together

ONE, TWO = (Power(10.0 * cores, measured=False, cores=cores) for cores in (1, 2))
SHARE = {"value": 0.9, "low": 0.8, "high": 0.95}


def _model(name: str, machine: str, power: Power) -> Climbed:
    return replace(climb("probe", kept="probe", folder=name), machine=machine, powers=(("", power),))


@pytest.mark.parametrize(
    ("machines", "powers", "told"),
    [
        (("one", "one"), (ONE, ONE), (("", ONE),)),
        (("one", "other"), (ONE, TWO), (("one", ONE), ("other", TWO))),
        (("one", "one"), (TWO, ONE), (("a.model", TWO), ("b.model", ONE))),
    ],
    ids=["one machine", "two machines", "one machine with more threads"],
)
def test_what_each_drew_is_told(
    machines: tuple[str, str], powers: tuple[Power, Power], told: tuple[tuple[str, Power], ...]
) -> None:
    """By machine, and by model where a machine did not always draw the same."""
    climbs = [
        _model(name, machine, power)
        for name, machine, power in zip(("a.model", "b.model"), machines, powers, strict=True)
    ]
    other = {"figures": {"accuracy": SHARE}, "gains": {"accuracy": {**SHARE, "p_adjusted": 0.5}}}
    found = held_together(climbs, {"rows": 10, "reference": {"figures": {"accuracy": SHARE}}, "models": [other]})
    assert found.powers == told
