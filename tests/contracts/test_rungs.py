"""Every rung, enrolled by import, keeps its family's promises."""

from __future__ import annotations

import math
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.contracts.conftest import Climbed
from tests.ladder.tiny_climb import Home

from tunesmith.bundle.kinds import KINDS
from tunesmith.errors import ConfigError
from tunesmith.evaluate.calibration import calibrated_log_loss
from tunesmith.ladder.rungs import RUNGS
from tunesmith.run.checkpoint import Checkpoints
from tunesmith.tasks import TASKS, load_task

N_LABELS = 3
LEARNT = 0.6
"""Accuracy that guessing does not come near to, with labels that come about equally often."""

every_rung = pytest.mark.parametrize("name", RUNGS.names())


def answers(climbed: Climbed, kind: str, model: object) -> NDArray[np.float32]:
    """What a model in memory says of the validation rows."""
    data = climbed.site.data
    texts = [data.texts[row] for row in data.split.validation]
    logits: NDArray[np.float32] = KINDS.member(kind).predictor(model).outputs(texts).logits
    return logits


@every_rung
def test_a_rung_says_what_it_is(name: str) -> None:
    """Options that are valid as they are, what it starts from, whether it needs the base, and the name of its file."""
    member = RUNGS.member(name)
    assert member.Options() == RUNGS.options(name)
    assert isinstance(member.NEEDS, tuple)
    assert isinstance(member.USES_BASE, bool)
    assert member.build(RUNGS.options(name)).name == name


@every_rung
def test_a_rung_starts_from_cheaper_rungs_of_its_task(name: str) -> None:
    """A climb goes up: what a rung starts from has landed before it, and the task knows both."""
    tasks = [task for task in map(load_task, TASKS.names()) if name in task.rungs]
    assert tasks, "no task climbs it"
    for task in tasks:
        assert set(RUNGS.member(name).NEEDS) <= set(task.rungs[: task.rungs.index(name)])


@every_rung
def test_a_rung_uses_the_base_where_it_says_so_and_only_there(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a base model, and nobody looking for one ahead, it lands if and only if it has said that it uses none."""
    refused = (
        pytest.raises(ConfigError, match=r"error\[base-missing\]") if RUNGS.member(name).USES_BASE else nullcontext()
    )
    for each in RUNGS.names():
        monkeypatch.setattr(RUNGS.member(each), "USES_BASE", False)
    with refused:
        home = Home(tmp_path, monkeypatch)
        beside = {"data__unlabelled": home.unlabelled, "base__name": str(tmp_path / "nowhere")}
        home.climbed(ladder__rungs=(name,), **beside)


@every_rung
def test_a_forecast_is_a_time(name: str, climbed: Climbed) -> None:
    """Of the work ahead, so above nothing, and one that a budget can be held against."""
    assert 0.0 < climbed.forecasts[name] < math.inf


@every_rung
def test_a_rung_lands_on_the_validation_rows(name: str, climbed: Climbed) -> None:
    """Outputs of just these rows in their order, figures of just these outputs, and what it cost."""
    site, landing = climbed.site, climbed.landing(name)
    rows = site.data.split.validation
    assert landing.rung == name
    assert landing.kind in KINDS.names()
    assert landing.logits.shape == (len(rows), N_LABELS)
    assert landing.logits.dtype == np.float32
    assert np.isfinite(landing.logits).all()
    np.testing.assert_array_equal(landing.targets, site.data.targets[rows])
    assert landing.objective == site.task.objective(site.objective, landing.logits, landing.targets)
    assert landing.objective > LEARNT
    assert landing.loss == pytest.approx(calibrated_log_loss(landing.logits, landing.targets))
    assert landing.measured_on == "validation rows"
    assert 0.0 < landing.seconds < math.inf
    assert 0.0 <= landing.tflop < math.inf
    assert 0.0 <= landing.refit_s < math.inf


@every_rung
def test_a_landing_s_model_is_the_one_that_was_scored(name: str, climbed: Climbed) -> None:
    """Also after the rungs above it have started from it: none of them may train weights that it shares.

    Tolerance: texts share a pass with others than when they were scored, so sums are added up in another order.
    """
    landing = climbed.landing(name)
    np.testing.assert_allclose(answers(climbed, landing.kind, landing.model), landing.logits, rtol=1e-4, atol=1e-4)


@every_rung
def test_a_packed_landing_comes_back(name: str, climbed: Climbed, tmp_path: Path) -> None:
    """Over the disk, as a killed run takes it up: the same answers to the bit, and the facts as they were."""
    landing, rung = climbed.landing(name), climbed.rungs[name]
    tensors, state = rung.pack(landing)
    packed = {key: torch.as_tensor(value) for key, value in tensors.items()}
    Checkpoints(tmp_path).save(name, packed, {"model": state, "facts": landing.facts})
    kept = Checkpoints(tmp_path).newest(name)
    assert kept is not None
    again = rung.unpack(climbed.site, kept.tensors, kept.state["model"])
    assert again is not landing.model
    np.testing.assert_array_equal(answers(climbed, landing.kind, again), answers(climbed, landing.kind, landing.model))
    assert kept.state["facts"] == landing.facts


@every_rung
def test_a_kept_rung_stays_as_it_is_or_is_fitted_on_all_rows(name: str, climbed: Climbed) -> None:
    """What it is compared by stays; what is published is measured on the rows that it says, and foreseen as work."""
    landing, data = climbed.landing(name), climbed.site.data
    finished = climbed.rungs[name].finish(climbed.site, landing)
    same = ("rung", "kind", "objective", "loss", "seconds")
    assert [getattr(finished, each) for each in same] == [getattr(landing, each) for each in same]
    is_refit = finished.model is not landing.model
    assert is_refit is (landing.refit_s > 0.0)
    assert is_refit is (finished.measured_on != landing.measured_on)
    rows = data.split.validation if finished.measured_on.startswith("validation rows") else data.rows_to_choose()
    np.testing.assert_array_equal(finished.targets, data.targets[rows])
    assert finished.logits.shape == (len(rows), N_LABELS)
    assert np.isfinite(finished.logits).all()
    right = answers(climbed, finished.kind, finished.model).argmax(axis=1) == landing.targets
    assert right.mean() > LEARNT
