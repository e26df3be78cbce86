"""The probe: which pooling it keeps, and what its last head is fitted on."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ladder.tiny_climb import Home

from tunesmith.ladder.encoding import EncodedTexts
from tunesmith.ladder.site import Site


def telling(site: Site, share: float) -> np.ndarray:
    """Features of the rows to choose by that tell the class of a share of them."""
    rows = site.data.rows_to_choose()
    random = np.random.default_rng(0)
    shown = np.where(random.random(len(rows)) < share, site.data.targets[rows], random.integers(3, size=len(rows)))
    features = random.normal(scale=0.1, size=(len(rows), 32))
    features[np.arange(len(rows)), shown] += 1.0
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("best", [0, 1, 2])
def test_the_pooling_that_tells_most_is_kept(home: Home, monkeypatch: pytest.MonkeyPatch, best: int) -> None:
    """Wherever in the list it stands."""
    poolings = ("mean", "cls", "max")
    with home.site(ladder__rungs=("probe",), rung__probe__poolings=poolings) as (site, (probe,)):
        given = {name: telling(site, 0.9 if place == best else 0.5) for place, name in enumerate(poolings)}
        monkeypatch.setattr(EncodedTexts, "features", lambda *_, **__: given)
        landing = probe.climb(site)
    assert landing.facts["pooling"] == poolings[best]
    assert 0.85 < landing.objective < 1.0
