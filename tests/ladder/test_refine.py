"""``refine``: the average is the average, and the better of the two candidates is kept as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.ladder.tiny_climb import Home

from tunesmith.ladder.landing import Landing, calibrated_log_loss
from tunesmith.runtimes.torch import logits as logits_of


def weights(landing: Landing) -> dict[str, torch.Tensor]:
    """A copy of all weights."""
    return {name: value.detach().clone() for name, value in landing.model.classifier.named_parameters()}


@pytest.mark.parametrize(("first_rate", "second_rate"), [(2e-3, 1e-6), (1e-6, 2e-3)])
def test_the_better_of_the_average_and_the_second_fit_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_rate: float, second_rate: float
) -> None:
    """One fit learns much and the other next to nothing; whichever scores better is kept, to the last weight."""
    home = Home(tmp_path, monkeypatch)
    rates = {"rung__finetune__learning_rate": first_rate, "rung__refine__learning_rate": second_rate}
    with home.site(ladder__rungs=("probe", "finetune", "refine"), **rates) as (site, (probe, finetune, refine)):
        site.landings["probe"] = probe.climb(site)
        site.landings["finetune"] = finetune.climb(site)
        first = weights(site.landings["finetune"])
        landing = refine.climb(site)
        best = site.checkpoints.newest("refine_best")
        assert best is not None
        second = {name: best.tensors.get(f"weights.{name}", value) for name, value in first.items()}  # or frozen
        average = {name: (first[name].double() + second[name].double()) / 2.0 for name in first}
        torch.testing.assert_close(weights(site.landings["finetune"]), first, rtol=0.0, atol=0.0)
        validation = site.encoded.tokens.select(site.data.split.validation)
        targets = site.data.targets[site.data.split.validation]

        kept = weights(landing)
        in_between = {name: value.float() for name, value in average.items()}
        landing.model.classifier.load_state_dict(in_between)
        candidates = {
            True: logits_of(landing.model.classifier, validation),
            False: best.tensors["validation_logits"].numpy(),
        }
        scores = {
            key: (site.task.objective("accuracy", logits, targets), -calibrated_log_loss(logits, targets))
            for key, logits in candidates.items()
        }
        averaged = scores[True] >= scores[False]

    assert landing.facts["averaged"] is averaged
    expected = in_between if averaged else second
    torch.testing.assert_close(kept, expected, rtol=1e-6 if averaged else 0.0, atol=1e-8 * averaged)
    np.testing.assert_allclose(landing.logits, candidates[averaged], rtol=1e-4, atol=1e-5)
    assert landing.objective == scores[averaged][0]
    assert landing.log_loss == pytest.approx(-scores[averaged][1], rel=1e-5)
    moved = torch.cat([(first[name] - second[name]).flatten() for name in first])
    assert float(moved.abs().max()) > 1e-3, "two equal fits would prove nothing"
