"""A fit by every method: it starts from the probe, learns, goes on after a kill, and is averaged and saved like any."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.ladder.tiny_climb import LEARNS, STAYS, Home, options

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.bundle.kinds import KINDS
from tunesmith.config import problems_of
from tunesmith.ladder.fit import Fit
from tunesmith.ladder.fitting import FitOptions, fresh_model
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.site import Site
from tunesmith.models.adaptation import learnt_tensors
from tunesmith.models.methods import METHODS
from tunesmith.models.methods.adalora import RankAllocator
from tunesmith.runtimes.torch import logits as logits_of

OWN: dict[str, dict[str, object]] = {
    "adalora": {"learning_rate": 2e-2},
    "adapter": {"learning_rate": 2e-2, "method_options": {"reduction": 1}},
    "bitfit": {"learning_rate": 3e-2, "epochs": 12.0, "dropout": 0.0, "patience": 50},
    "dora": {"learning_rate": 2e-2},
    "lora": {"learning_rate": 2e-2},
}
"""Options with which a method learns as much of the tiny file as it can."""
GAIN = 0.08
"""Over the probe's accuracy, which guessing between three labels does not bring."""

every_method = pytest.mark.parametrize("method", METHODS.names())


def learning(method: str) -> dict[str, object]:
    """Options of a fit by this method that learns."""
    return {**LEARNS, "method": method, **OWN.get(method, {})}


def _learnt(model: EncoderModel) -> list[torch.Tensor]:
    """What a method learns, in the order of names."""
    learnt = learnt_tensors(model.classifier.encoder)
    return [learnt[name] for name in sorted(learnt) if not name.endswith("key.bias")]  # softmax does not see that one


def _train_loss(site: Site, landing: Landing) -> float:
    """Mean cross-entropy of a model on the rows it was fitted to."""
    rows = site.data.split.train
    found = torch.from_numpy(logits_of(landing.model.classifier, site.encoded.tokens.select(rows)))
    return float(torch.nn.functional.cross_entropy(found, torch.from_numpy(site.data.targets[rows])))


def states(*landings: Landing) -> list[dict[str, torch.Tensor]]:
    """All weights of each."""
    return [landing.model.classifier.state_dict() for landing in landings]


@every_method
def test_a_fit_that_changes_nothing_is_the_probe(home: Home, method: str) -> None:
    """The head that was solved on the base's features is what every method starts from."""
    site, _ = home.climbed(**options("finetune", {**STAYS, "epochs": 1.0, "method": method}))
    probe, fit = site.landings["probe"], site.landings["finetune"]
    np.testing.assert_allclose(fit.logits, probe.logits, rtol=1e-3, atol=1e-3)
    assert fit.objective == probe.objective


@pytest.mark.parametrize(
    ("how", "low", "high"),
    [
        ({"method": "lora"}, 0.87, 0.9),  # in so narrow a base the products have a fifth of the weights
        ({"method": "bitfit"}, 0.66, 0.69),
        ({"method": "topk", "method_options": {"layers": 1}}, 0.4, 0.7),
    ],
)
def test_operations_are_counted_by_what_learns(home: Home, how: dict[str, object], low: float, high: float) -> None:
    """In units of a fit in which all learns: no gradient is made for a matrix that stays."""
    once = {**STAYS, "epochs": 4.0, "patience": 50}
    fits = [home.climbed(**options("finetune", {**once, **more}))[0].landings["finetune"] for more in ({}, how)]
    assert low < fits[1].tflop / fits[0].tflop < high


@every_method
def test_a_fit_learns(home: Home, method: str) -> None:
    """Far more than the probe has, the base's own weights left as they were."""
    site, _ = home.climbed(**options("finetune", learning(method)))
    probe, fit = site.landings["probe"], site.landings["finetune"]
    before = {name: tensor.clone() for name, tensor in site.encoded.encoder.state_dict().items()}
    assert _train_loss(site, fit) < 0.98 * _train_loss(site, probe)
    assert fit.objective >= probe.objective + GAIN
    start = fresh_model(site, FitOptions(method=method, method_options=OWN.get(method, {}).get("method_options", {})))
    moved = [not torch.equal(*pair) for pair in zip(*(_learnt(model) for model in (fit.model, start[0])), strict=True)]
    assert all(moved)
    assert fit.kind == ("adapter" if METHODS.member(method).LEAVES_BASE else "encoder")
    for name, tensor in site.encoded.encoder.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@every_method
def test_a_stopped_fit_goes_on_to_the_same_weights(home: Home, method: str) -> None:
    """Those of a run that was not stopped, to the last bit: ranks that move, and dropout beside a map, too."""
    how = options("finetune", {**learning(method), "epochs": 2.0})
    if method == "lora":
        how["rung__finetune__method_options"] = {"dropout": 0.2}
    if method == "adalora":
        how["rung__finetune__method_options"] = {"every": 2}
    home.stopped(after=20, **how)
    resumed, _ = home.climbed(resume=True, **how)
    whole, _ = home.climbed("whole", follow=resumed.workspace.plan, **how)
    first, second = states(*(site.landings["finetune"] for site in (resumed, whole)))
    torch.testing.assert_close(first, second, rtol=0.0, atol=0.0)


@every_method
def test_a_landing_is_taken_up_by_the_next_life(home: Home, method: str) -> None:
    """Killed after it had landed, the run has its model back as it was."""
    rungs = ("probe", "finetune")
    how = options("finetune", {**learning(method), "epochs": 1.0})
    with home.site(ladder__rungs=rungs, **how) as (site, (probe, finetune)):
        site.landings["probe"] = probe.climb(site)
        landing = finetune.climb(site)
        tensors, state = finetune.pack(landing)
        again = finetune.unpack(site, {name: torch.as_tensor(tensor) for name, tensor in tensors.items()}, state)
        texts = [site.data.texts[row] for row in site.data.split.validation]
        found = KINDS.member(landing.kind).predictor(again).outputs(texts).logits
    np.testing.assert_allclose(found, landing.logits, rtol=1e-4, atol=1e-5)
    assert again.method == landing.model.method
    n_packed = sum(tensor.numel() for tensor in tensors.values())
    assert n_packed == sum(part.numel() for part in again.classifier.parameters() if part.requires_grad)


@every_method
def test_a_second_fit_is_averaged_with_the_first(home: Home, method: str) -> None:
    """Both begin from one start, so the mean of what they learnt is a model."""
    rungs = ("probe", "finetune", "refine")
    alike = {**options("finetune", learning(method)), **options("refine", learning(method))}
    with home.site(ladder__rungs=rungs, **alike) as (site, climbers):
        for rung in climbers:
            site.landings[rung.name] = rung.climb(site)
        first, second = (site.landings[name] for name in rungs[1:])
        starts = [fresh_model(site, rung._options)[0].classifier.state_dict() for rung in climbers[1:]]
    assert (second.kind, second.model.method) == (first.kind, first.model.method)
    assert _train_loss(site, second) < 0.98 * _train_loss(site, site.landings["probe"])
    assert second.objective >= site.landings["probe"].objective + GAIN
    torch.testing.assert_close(*starts, rtol=0.0, atol=0.0)


def test_ranks_follow_the_steps_that_are_really_taken(home: Home) -> None:
    """At the end as many are left as were asked for, whatever number of steps was planned."""
    how = {**learning("adalora"), "method_options": {"rank": 4, "target_rank": 2, "every": 2}}
    site, _ = home.climbed(**options("finetune", how))
    encoder = site.landings["finetune"].model.classifier.encoder
    values = [parameter for name, parameter in encoder.named_parameters() if ".E." in name]
    n_left = sum(int((value != 0.0).sum()) for value in values)
    assert sum(len(value) for value in values) == 4 * len(values)
    assert n_left == 2 * len(values)
    counts = {int((value != 0.0).sum()) for value in values}
    assert len(counts) > 1, "ranks have not moved between the maps"


def test_ranks_that_went_are_not_brought_back_by_a_mean(home: Home) -> None:
    """Two fits keep different ones, so a second fit stands alone."""
    how = {**learning("adalora"), "method_options": {"rank": 4, "target_rank": 2, "every": 2}}
    site, _ = home.climbed(ladder__rungs=("probe", "finetune", "refine"), **options("finetune", how))
    second = site.landings["refine"]
    values = [part for name, part in second.model.classifier.encoder.named_parameters() if ".E." in name]
    assert sum(int((value != 0.0).sum()) for value in values) == 2 * len(values)
    assert second.facts["averaged"] is False


@pytest.mark.parametrize(
    ("options_of", "told"),
    [
        ({"rank": 2}, "target_rank = 4: value error, at most rank, which is 2"),
        ({"begin": 0.8}, "settle = 0.3: value error, less than 0.2, since begin is 0.8"),
        ({"begin": 0.9, "settle": 0.9}, "settle = 0.9"),
    ],
)
def test_a_schedule_that_takes_no_ranks_is_refused(options_of: dict[str, float], told: str) -> None:
    """PEFT refuses it too, so its loader could not read such a folder."""
    problems = problems_of(METHODS.member("adalora").Options, options_of)
    assert len(problems) == 1
    assert told in problems[0]


def test_the_kept_weights_are_scored_after_ranks_went(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A point scored before they went would be of another model than the one that is saved."""
    order: list[str] = []
    allocate, score = RankAllocator.allocate, Fit._score
    monkeypatch.setattr(RankAllocator, "allocate", lambda *args: (order.append("allocate"), allocate(*args))[1])
    monkeypatch.setattr(Fit, "_score", lambda fit: (order.append("score"), score(fit))[1])
    home.climbed(**options("finetune", {**learning("adalora"), "epochs": 2.0}))
    assert "score" in order
    assert all(order[at - 1] == "allocate" for at, what in enumerate(order) if what == "score")
