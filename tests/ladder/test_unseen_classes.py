"""A row whose class no fold's model knew counts as the error it is, and tells nothing of how sure the model may be."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from tests.ladder.tiny_climb import Home

from tunesmith.evaluate.calibration import fit_temperature


@pytest.mark.parametrize("rung", ["linear", "probe"])
def test_a_class_of_one_row_does_not_shift_the_temperature(home: Home, rung: str) -> None:
    """Out of fold it is answered wrong for want of the class; the model that is kept knows it."""
    with (home.folder / "rows.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(["nobody else says this", "lonely"])
    site, outcome = home.climbed(ladder__rungs=(rung,))
    kept, rows = outcome.kept, site.data.rows_to_choose()
    assert kept.measured_on.startswith(f"{len(rows)} train and validation rows")
    assert kept.seen is not None
    lonely = site.data.coding.labels.index("lonely")
    np.testing.assert_array_equal(kept.seen, kept.targets != lonely)
    assert (~kept.seen).sum() == 1
    without = fit_temperature(kept.logits[kept.targets != lonely], kept.targets[kept.targets != lonely])
    assert outcome.calibration.temperature == without
    assert abs(fit_temperature(kept.logits, kept.targets) - without) > 0.005 * without, "this row would change nothing"
    right = kept.logits.argmax(axis=1) == kept.targets
    assert not right[~kept.seen].any()
    assert outcome.metrics["accuracy"]["value"] == pytest.approx(right.mean())


def test_where_every_class_is_known_all_rows_count(home: Home) -> None:
    """The temperature is that of all rows, as it is for a rung that stays as it landed."""
    _, outcome = home.climbed(ladder__rungs=("probe",))
    assert outcome.kept.seen is not None
    assert outcome.kept.seen.all()
    assert outcome.calibration.temperature == fit_temperature(outcome.kept.logits, outcome.kept.targets)
