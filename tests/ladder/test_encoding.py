"""What rungs share of the base model, and what each has for itself."""

from __future__ import annotations

import torch
from tests.ladder.tiny_climb import LEARNS, Home, options
from torch import nn

from tunesmith.models.encoders import load_encoder


def shared(one: nn.Module, other: nn.Module) -> set[str]:
    """Names of the parameters that lie in the same memory in both."""
    theirs = {name: parameter.data_ptr() for name, parameter in other.named_parameters()}
    return {name for name, parameter in one.named_parameters() if parameter.data_ptr() == theirs[name]}


def test_a_trained_encoder_shares_frozen_embeddings_and_nothing_else(home: Home) -> None:
    """Whatever a fit does to its layers, the frozen model answers as before."""
    site, _ = home.climbed(**options("finetune", LEARNS))
    frozen, trained = (site.landings[rung].model.classifier.encoder for rung in ("probe", "finetune"))
    embeddings = {name for name, _ in frozen.named_parameters() if name.startswith("embeddings.")}
    assert shared(trained, frozen) == embeddings
    fresh = dict(site.encoded.copy_encoder(embeddings="trained").named_parameters())
    assert {name for name, parameter in trained.named_parameters() if torch.equal(parameter, fresh[name])} == embeddings
    for name, parameter in frozen.named_parameters():
        torch.testing.assert_close(parameter, fresh[name], rtol=0.0, atol=0.0)


def test_embeddings_that_learn_are_the_fits_own(home: Home) -> None:
    """The base's table must not learn with them."""
    site, _ = home.climbed(**options("finetune", LEARNS), rung__finetune__embeddings="trained")
    frozen, trained = (site.landings[rung].model.classifier.encoder for rung in ("probe", "finetune"))
    assert shared(trained, frozen) == set()
    assert not torch.equal(trained.embeddings.word.weight, frozen.embeddings.word.weight)


def test_any_pooling_can_be_asked_for(home: Home) -> None:
    """Also one that is not tried by default, and after features of others were stored."""
    with home.site(ladder__rungs=("probe",), rung__probe__poolings=("cls",)) as (site, (probe,)):
        rows = site.data.rows_to_choose()
        site.encoded.features(rows, ("mean", "max"), lambda *_: None)
        landing = probe.climb(site)
        assert site.encoded.features(rows, ("cls",), lambda *_: None).keys() == {"cls"}
    assert landing.facts["pooling"] == "cls"


def test_embeddings_can_learn_in_one_fit_and_rest_in_another(home: Home) -> None:
    """Whichever comes first: the base keeps its own, and an average of two fits does not write into it."""
    rungs = ("probe", "finetune", "refine")
    learns = {**options("finetune", LEARNS), "rung__finetune__embeddings": "trained"}
    with home.site(ladder__rungs=rungs, **learns) as (site, climbers):
        for rung in climbers:
            site.landings[rung.name] = rung.climb(site)
        frozen = dict(site.landings["probe"].model.classifier.encoder.named_parameters())
        base = dict(load_encoder(site.base.folder, site.encoded.config).named_parameters())
        for name, parameter in base.items():
            torch.testing.assert_close(frozen[name], parameter, rtol=0.0, atol=0.0)
        trained = site.encoded.copy_encoder(embeddings="trained")
    assert all(parameter.requires_grad for parameter in trained.parameters())
    assert shared(trained, site.encoded.encoder) == set()
