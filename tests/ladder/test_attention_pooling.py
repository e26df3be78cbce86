"""Fine-tuning with weights of tokens that are learnt: they begin as the mean, move, and come back from every file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tests.ladder.tiny_climb import LEARNS, SETTINGS, STAYS, Home, options

from tunesmith.api.training import Lives, train_recipe
from tunesmith.bundle.load import load_bundle
from tunesmith.config.recipe import load_recipe
from tunesmith.ladder.narrate import Silent
from tunesmith.models.poolings.attention import AttentionPooling

ATTENTION = {"pooling": "attention"}


def query_of(model: object) -> torch.Tensor:
    """What a model of this pooling has learnt to look for."""
    pool = model.classifier.pool
    assert isinstance(pool, AttentionPooling)
    return pool.query.detach()


def test_it_begins_as_the_probe(home: Home) -> None:
    """Where nothing learns, the answers are the probe's, whose mean it takes up."""
    site, _ = home.climbed(**options("finetune", {**STAYS, **ATTENTION}))
    probe, finetune = (site.landings[name] for name in ("probe", "finetune"))
    assert probe.facts["pooling"] == "mean"
    assert finetune.facts["pooling"] == "attention"
    np.testing.assert_allclose(finetune.logits, probe.logits, rtol=1e-3, atol=1e-3)


def test_it_learns_and_is_averaged(home: Home) -> None:
    """In both fits; the average's query lies half way between the two."""
    settings = options("finetune", {**LEARNS, **ATTENTION}) | options("refine", LEARNS)
    site, _ = home.climbed(ladder__rungs=("probe", "finetune", "refine"), **settings)
    first, second = (site.landings[name] for name in ("finetune", "refine"))
    assert query_of(first.model).abs().max() > 1e-3
    assert query_of(second.model).abs().max() > 1e-3
    assert not torch.equal(query_of(first.model), query_of(second.model))


def test_a_killed_fit_goes_on(home: Home) -> None:
    """With the query that it had."""
    how = options("finetune", {**LEARNS, **ATTENTION})
    home.stopped(after=20, **how)
    resumed, _ = home.climbed(resume=True, **how)
    whole, _ = home.climbed("whole", follow=resumed.workspace.plan, **how)
    states = [site.landings["finetune"].model.classifier.state_dict() for site in (resumed, whole)]
    torch.testing.assert_close(states[0], states[1], rtol=0.0, atol=0.0)
    assert states[0]["pool.query"].abs().max() > 1e-3


def test_a_bundle_holds_it(home: Home) -> None:
    """Loaded again, it answers as it was measured, and not as the mean would."""
    settings = {
        **SETTINGS,
        "base.name": str(home.folder / "base"),
        "run.out": str(home.folder / "model"),
        "rung.finetune.pooling": "attention",
        "rung.finetune.learning_rate": 3e-3,
        "rung.finetune.epochs": 8.0,
    }
    rows: Path = home.folder / "rows.csv"
    trained = train_recipe(str(rows), load_recipe(None, [], settings), Lives(), narrator=Silent())
    bundle = load_bundle(trained.out)
    assert bundle.facts.rung == "finetune"
    assert bundle.facts.tokens is not None
    assert bundle.facts.tokens.pooling == "attention"
    assert query_of(bundle.predictor.model).abs().max() > 1e-3
    bundle.predictor.outputs(["a text"])
