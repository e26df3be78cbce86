"""The contrast rung: what it learns by pairs, what it leaves as it was, and how it goes on or gives up."""

from __future__ import annotations

import pytest
import torch
from tests.ladder.tiny_climb import Home, options

from tunesmith.ladder.site import GivenUpError
from tunesmith.runtimes.torch import logits


def test_tuning_brings_texts_of_one_label_together(home: Home) -> None:
    """The model that is kept is tuned on all rows, and the encoder that others start from is left as it was."""
    with home.site(ladder__rungs=("probe", "contrast"), **options("contrast", {"learning_rate": 3e-3})) as (
        site,
        rungs,
    ):
        for rung in rungs:
            site.landings[rung.name] = rung.climb(site)
        before = {name: part.detach().clone() for name, part in site.encoded.encoder.named_parameters()}
        landing = site.landings["contrast"]
        finished = rungs[1].finish(site, landing)
    assert landing.objective > site.landings["probe"].objective + 0.1
    assert finished.measured_on == "validation rows, by the model before it was tuned on them too"
    assert all(torch.equal(part, before[name]) for name, part in site.encoded.encoder.named_parameters())
    rows = site.data.split.validation
    outputs = logits(finished.model.classifier, site.encoded.tokens.select(rows))
    assert (outputs.argmax(axis=1) == site.data.targets[rows]).mean() > 0.9


def test_without_time_it_is_given_up(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half tuned it is worth nothing; what landed before it stands."""
    with home.site(ladder__rungs=("probe", "contrast"), ladder__budget="1h") as (site, rungs):
        site.landings["probe"] = rungs[0].climb(site)
        monkeypatch.setattr(type(site.clock), "left", lambda _: -1.0)
        with pytest.raises(GivenUpError, match="contrast"):
            rungs[1].climb(site)


def test_one_draw_follows_the_other_by_seed(home: Home) -> None:
    """As many steps as the passes hold, and the same weights to the bit by the same seed."""
    heads = []
    for name in ("one", "two"):
        passes = options("contrast", {"epochs": 1.5, "batch_tokens": 128})
        with home.site(name, ladder__rungs=("probe", "contrast"), **passes) as (site, rungs):
            site.landings["probe"] = rungs[0].climb(site)
            landing = rungs[1].climb(site)
        heads.append(landing.model.classifier.head.weight)
    n_tokens = int(site.encoded.tokens.n_tokens[site.data.split.train].sum())
    assert landing.facts["steps"] == pytest.approx(1.5 * n_tokens / 128, rel=0.05)
    assert torch.equal(*heads)
    assert not torch.equal(heads[1], site.landings["probe"].model.classifier.head.weight), "it is solved anew"
