"""The contrast rung: what it learns by pairs, what it leaves as it was, and how it goes on or gives up."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.ladder.tiny_base import _WORDS, tiny_file
from tests.ladder.tiny_climb import Home, options

from tunesmith.ladder.coverage import most_windows
from tunesmith.ladder.site import GivenUpError
from tunesmith.runtimes.torch import logits

BOTH = {"ladder__rungs": ("probe", "contrast")}


def test_tuning_brings_texts_of_one_label_together(home: Home) -> None:
    """The head that is kept is solved on all rows, and the encoder that others start from is left as it was."""
    learns = options("contrast", {"learning_rate": 3e-3, "epochs": 20.0, "tuned_share": 1.0})
    with home.site(**BOTH, **learns) as (site, rungs):
        for rung in rungs:
            site.landings[rung.name] = rung.climb(site)
        before = {name: part.detach().clone() for name, part in site.encoded.encoder.named_parameters()}
        landing = site.landings["contrast"]
        finished = rungs[1].finish(site, landing)
    assert landing.objective > site.landings["probe"].objective + 0.1
    assert finished.measured_on == "validation rows, by the model before its head was solved on them too"
    kept, landed = finished.model.classifier, landing.model.classifier
    assert not torch.equal(kept.head.weight, landed.head.weight)
    assert all(map(torch.equal, kept.encoder.parameters(), landed.encoder.parameters()))
    assert all(torch.equal(part, before[name]) for name, part in site.encoded.encoder.named_parameters())
    rows = site.data.split.validation
    outputs = logits(finished.model.classifier, site.encoded.tokens.select(rows))
    assert (outputs.argmax(axis=1) == site.data.targets[rows]).mean() > 0.9


def test_without_time_it_is_given_up(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half tuned it is worth nothing; what landed before it stands."""
    with home.site(**BOTH, ladder__budget="1h") as (site, rungs):
        site.landings["probe"] = rungs[0].climb(site)
        monkeypatch.setattr(type(site.clock), "left", lambda _: -1.0)
        with pytest.raises(GivenUpError, match="contrast"):
            rungs[1].climb(site)


def test_one_draw_follows_the_other_by_seed(home: Home) -> None:
    """As many steps as the passes hold, and the same weights to the bit by the same seed."""
    heads = []
    for name in ("one", "two"):
        passes = options("contrast", {"epochs": 1.5, "batch_size": 16})
        with home.site(name, **BOTH, **passes) as (site, rungs):
            site.landings["probe"] = rungs[0].climb(site)
            landing = rungs[1].climb(site)
        heads.append(landing.model.classifier.head.weight)
    assert landing.facts["steps"] == math.ceil(1.5 * math.ceil(len(site.data.split.train) / 16))
    assert torch.equal(*heads)
    assert not torch.equal(heads[1], site.landings["probe"].model.classifier.head.weight), "it is solved anew"


def test_many_rows_cost_no_more_than_few(home: Home) -> None:
    """Steps have an end; passes, operations and the forecast follow it."""
    passes, tflops, forecasts = [], [], []
    for name, most in (("whole", 500), ("half", 6)):
        asked = options("contrast", {"epochs": 1.0, "batch_size": 16, "max_steps": most})
        with home.site(name, **BOTH, **asked) as (site, rungs):
            n_rows = len(site.data.split.train)
            site.landings["probe"] = rungs[0].climb(site)
            forecasts.append(rungs[1].forecast(site))
            landing = rungs[1].climb(site)
        passes.append(landing.facts["epochs"])
        tflops.append(landing.tflop)
    assert landing.facts["steps"] == 6
    assert passes == [1.0, 6 * 16 / n_rows]
    assert tflops[1] < 0.8 * tflops[0]
    assert forecasts[1] < forecasts[0]


def test_the_mean_of_tuned_and_base_weights_is_kept(home: Home) -> None:
    """In the share that is asked for; what was not tuned is the base's own."""
    weights = []
    for name, share in (("whole", 1.0), ("mixed", 0.25)):
        with home.site(name, **options("contrast", {"epochs": 1.0, "tuned_share": share}), **BOTH) as (site, rungs):
            site.landings["probe"] = rungs[0].climb(site)
            weights.append(list(rungs[1].climb(site).model.classifier.encoder.parameters()))
            base = list(site.encoded.encoder.parameters())
    for whole, mixed, before in zip(*weights, base, strict=True):
        torch.testing.assert_close(mixed, 0.25 * whole + 0.75 * before)
    assert any(not torch.equal(whole, before) for whole, before in zip(weights[0], base, strict=True))


def test_a_step_of_long_texts_stays_in_memory(home: Home) -> None:
    """Its rows together read as many windows as one long text of a fit, and each at least one."""
    random = np.random.default_rng(0)
    with tiny_file(home.folder / "rows.csv", n_rows=40).open("a", encoding="utf-8") as file:
        file.writelines(f"{' '.join(random.choice(_WORDS, size=800))},label {row % 3}\n" for row in range(20))
    with home.site(**BOTH, **options("contrast", {"batch_size": 4})) as (site, rungs):
        site.landings["probe"] = rungs[0].climb(site)
        fit = rungs[1]._begun(site)
        whole = site.encoded.tokens.select(site.data.split.train)
        most = most_windows(site, whole)
    assert whole.n_windows().max() > most // 4 > 1
    assert fit.tokens.n_windows().max() == most // 4
    assert [len(batch) for batch in fit.batches] == [4] * fit.n_steps
