"""Networks trained from scratch as rungs: they are climbed by name, gone on with, saved, and end no climb."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.ladder.test_every_task import CELLS, write
from tests.ladder.tiny_climb import SETTINGS, Home, options

from tunesmith.api.training import Lives, train_recipe
from tunesmith.bundle.evaluate import evaluate_bundle
from tunesmith.bundle.load import load_bundle
from tunesmith.config.recipe import load_recipe
from tunesmith.data.columns import choose_columns
from tunesmith.data.labelled import labelled
from tunesmith.data.read import read_table
from tunesmith.errors import ConfigError
from tunesmith.ladder.dry_run import dry_run
from tunesmith.ladder.narrate import Silent
from tunesmith.ladder.resolve import resolve
from tunesmith.models.networks import NETWORKS
from tunesmith.models.word_network import WordNetwork
from tunesmith.report.page import _curve
from tunesmith.run.lines import read_lines
from tunesmith.tasks import load_task

TINY: dict[str, dict[str, Any]] = {
    name: {
        "embedding_size": 16,
        "batch_tokens": 128,
        "epochs": 8.0,
        "learning_rate": 5e-3,
        "save_every_s": 16.0,
        **({"filters": 16} if name == "cnn" else {"hidden_size": 16}),
    }
    for name in NETWORKS.names()
}
"""Options of each that make it quick, and take enough steps to learn what the tiny file has to teach."""
ALL_TINY = {key: value for name in NETWORKS.names() for key, value in options(name, TINY[name]).items()}


def recipe_for(home: Home, **settings: Any) -> dict[str, Any]:
    """Settings of a climb that writes a bundle."""
    given = {key.replace("__", "."): value for key, value in {**ALL_TINY, **settings}.items()}
    return {**SETTINGS, "base.name": str(home.folder / "base"), "run.out": str(home.folder / "model"), **given}


def weights(site: Any, rung: str) -> dict[str, torch.Tensor]:
    """All weights of what a rung brought."""
    return dict(site.landings[rung].model.classifier.state_dict())


def test_all_names_every_rung_and_spares_none(home: Home) -> None:
    """In order of price, to the top, though a gain of a hundred points is excluded after each."""
    small = {**options("finetune", {"epochs": 0.5}), **options("refine", {"epochs": 0.5})}
    short = {key: 1.0 if key.endswith("epochs") else value for key, value in ALL_TINY.items()}
    site, outcome = home.climbed(ladder__rungs=("all",), ladder__min_gain=100.0, **short, **small)
    assert tuple(site.landings) == tuple(rung for rung in site.task.rungs if rung != "selftrain")
    assert {"linear", "probe", "finetune", "refine", *NETWORKS.names()} <= set(site.landings)
    assert outcome.stopped_because == "top"


def test_the_rungs_climbed_by_themselves_are_still_four() -> None:
    """Who asks for nothing gets no network."""
    assert [rung.name for rung in resolve(load_recipe(None, [], {})).rungs] == ["linear", "probe", "finetune", "refine"]


@pytest.mark.parametrize("rungs", [("linear", "cnn", "probe"), ("cnn", "lstm", "probe"), ("static", "probe")])
def test_a_network_ends_no_climb(home: Home, rungs: tuple[str, ...]) -> None:
    """What few rows teach from scratch says nothing of what a pretrained encoder knows."""
    site, _ = home.climbed(ladder__rungs=rungs, ladder__min_gain=100.0, **ALL_TINY)
    assert tuple(site.landings) == rungs


def test_all_beside_a_rung_that_there_is_not_is_told() -> None:
    """A typing error does not hide behind it; what is allowed names it too."""
    with pytest.raises(ConfigError, match=r"crn.*allowed: linear, static, cnn.*refine, all"):
        resolve(load_recipe(None, [], {"ladder.rungs": ("all", "crn")}))


@pytest.mark.parametrize("name", NETWORKS.names())
def test_a_network_that_was_stopped_goes_on_as_if_it_had_not_been(home: Home, name: str) -> None:
    """Same steps, same weights to the bit, from a checkpoint by plan and from where the user stopped."""
    how = {"ladder__rungs": (name,), **ALL_TINY, f"rung__{name}__epochs": 2.0}
    home.stopped(rung=name, after=20, **how)
    resumed, _ = home.climbed(resume=True, **how)
    whole, _ = home.climbed("whole", follow=resumed.workspace.plan, **how)
    torch.testing.assert_close(weights(resumed, name), weights(whole, name), rtol=0.0, atol=0.0)
    logs = [
        [{k: v for k, v in line.items() if k != "seconds"} for line in read_lines(site.workspace.log).records]
        for site in (resumed, whole)
    ]
    assert logs[0] == logs[1]
    assert any(f"{name} goes on after step 20" in line for line in home.told)


@pytest.mark.parametrize("embeddings", ["random", "base"])
def test_a_landed_network_is_not_trained_again(home: Home, embeddings: str) -> None:
    """A later life takes it from the disk, words and all."""
    quick = {"rung__cnn__epochs": 2.0, "rung__lstm__epochs": 2.0}
    how = {"ladder__rungs": ("cnn", "lstm"), **ALL_TINY, **quick, "rung__cnn__embeddings": embeddings}
    home.stopped(rung="lstm", after=3, **how)
    resumed, _ = home.climbed(resume=True, **how)
    assert "cnn was climbed before the stop" in home.told
    whole, _ = home.climbed("whole", follow=resumed.workspace.plan, **how)
    torch.testing.assert_close(weights(resumed, "cnn"), weights(whole, "cnn"), rtol=0.0, atol=0.0)


def test_a_table_has_the_words_of_the_train_rows_and_one_more(home: Home) -> None:
    """The dense step of the optimiser is as small as can be; words of validation rows alone are not known."""
    site, _ = home.climbed(ladder__rungs=("cnn",), **ALL_TINY)
    network = site.landings["cnn"].model.classifier.encoder
    assert isinstance(network, WordNetwork)
    seen = np.unique(site.encoded.tokens.select(site.data.split.train).input_ids)
    assert len(network.words.table) == 1 + len(seen) < site.encoded.config.vocab_size
    assert np.flatnonzero(network.words.row_of.numpy()).tolist() == seen.tolist()


def test_word_vectors_begin_as_those_of_the_base(home: Home) -> None:
    """Of its width, and projected to the network's; after no learning at all they are still there."""
    how = {**ALL_TINY, "rung__gru__embeddings": "base", "rung__gru__learning_rate": 1e-12, "rung__gru__epochs": 0.2}
    site, outcome = home.climbed(ladder__rungs=("gru",), **how)
    network = site.landings["gru"].model.classifier.encoder
    assert isinstance(network, WordNetwork)
    table = site.encoded.encoder.word_vectors()
    known = torch.from_numpy(np.unique(site.encoded.tokens.select(site.data.split.train).input_ids)).long()
    torch.testing.assert_close(network.words.table[network.words.row_of[known].long()], table[known])
    assert network.words.project is not None
    assert network.words.project.weight.shape == (16, table.shape[1])
    assert outcome.kept.facts["embeddings"] == "base"


def test_what_a_pass_costs_is_the_network_s_own(home: Home) -> None:
    """Not that of the base, by which an encoder's passes are counted."""
    how = {**ALL_TINY, "rung__rnn__epochs": 1.0}
    site, _ = home.climbed(ladder__rungs=("rnn",), **how)
    landing = site.landings["rnn"]
    tokens = site.encoded.tokens
    lengths = [tokens.select(rows).lengths() for rows in (site.data.split.train, site.data.split.validation)]
    flops = landing.model.classifier.encoder.forward_flops
    share = landing.facts["epochs"]
    expected = 3.0 * share * flops(lengths[0]) + len(landing.facts["curve"]) * flops(lengths[1])
    assert landing.tflop * 1e12 == pytest.approx(expected, rel=0.01)
    assert flops(lengths[0]) == 2.0 * lengths[0].sum() * 2 * (16 * 16 + 16 * 16)


def test_a_dry_run_foresees_each(home: Home) -> None:
    """Without training or loading any encoder; more filters take longer."""
    found = {}
    for filters in (16, 4096):
        settings = recipe_for(home, ladder__rungs=("all",), rung__cnn__filters=filters)
        table = read_table(home.folder / "rows.csv")
        told = dry_run(resolve(load_recipe(None, [], settings)), table)["rungs"]
        seconds = {line.split(":")[0]: float(line.split()[-2]) for line in told}
        assert set(seconds) >= set(NETWORKS.names())
        found[filters] = seconds["cnn"]
    assert found[16] < found[4096]


def test_the_curve_of_a_network_does_not_begin_at_the_probe(home: Home) -> None:
    """It began from nothing; only an encoder's training goes on from the probe's head."""
    how = {**ALL_TINY, **options("finetune", {"epochs": 1.0})}
    _, outcome = home.climbed(ladder__rungs=("cnn", "finetune"), **how)
    found = {landing.rung: _curve(outcome, landing, metric="accuracy") for landing in outcome.landings}
    assert found["probe"] is None
    assert found["cnn"] is not None
    assert found["cnn"].start is None
    assert found["finetune"] is not None
    assert found["finetune"].start is not None


@pytest.mark.parametrize(("task", "pairs"), [*((task, False) for task in CELLS), ("score", True)])
def test_a_network_learns_every_task_and_comes_back(home: Home, task: str, pairs: bool) -> None:
    """Figures of the bundle are no chance, and those of the model that was measured; of pairs too."""
    data = write(home.folder / "rows.csv", task, pairs=pairs)
    name = "gru"
    quick = {"rung__gru__epochs": 10.0, "rung__gru__learning_rate": 1e-2}
    settings = recipe_for(home, ladder__rungs=(name,), run__task=task, data__test=str(data), **quick)
    trained = train_recipe(str(data), load_recipe(None, [], settings), Lives(), narrator=Silent())
    bundle = load_bundle(trained.out)
    figure = bundle.facts.headline
    assert bundle.facts.kind == "network"
    assert bundle.facts.base is None
    assert bundle.facts.tokens is not None
    assert bundle.facts.tokens.pairing == ("ordered" if pairs else None)
    assert bundle.facts.test_metrics is not None
    assert bundle.facts.test_metrics[figure]["value"] > {"multi_label": 0.6, "binary": 0.7}.get(task, 0.45)
    table = read_table(data)
    reads_empty = load_task(task).reads_empty
    rows = labelled(table, choose_columns(table), may_be_uniform=True, may_be_empty=reads_empty)
    found = evaluate_bundle(bundle, rows.texts, rows.labels, places=rows.places)["metrics"]
    assert found[figure]["value"] == pytest.approx(bundle.facts.test_metrics[figure]["value"], abs=0.01)


def test_pairs_are_read_as_one_where_that_is_asked_for(home: Home) -> None:
    """One sequence of both, as everywhere."""
    data = write(home.folder / "rows.csv", "binary", pairs=True)
    settings = recipe_for(home, ladder__rungs=("cnn",), run__task="binary", base__pairs="joined")
    trained = train_recipe(str(data), load_recipe(None, [], settings), Lives(), narrator=Silent())
    bundle = load_bundle(trained.out)
    assert bundle.facts.tokens is not None
    assert bundle.facts.tokens.pairing == "joined"
    texts = [(row["text_a"], row["text_b"]) for row in csv.DictReader(data.read_text("utf-8").splitlines())][:5]
    swapped = [(other, one) for one, other in texts]
    assert np.abs(bundle.predictor.outputs(texts).logits - bundle.predictor.outputs(swapped).logits).max() > 1e-3


@pytest.mark.parametrize("embeddings", ["random", "base"])
def test_a_bundle_names_the_base_where_its_words_came_from_there(home: Home, embeddings: str) -> None:
    """Its licence then holds for these weights too; the recipe has every option, also those of the network."""
    settings = recipe_for(home, ladder__rungs=("cnn",), rung__cnn__embeddings=embeddings, rung__cnn__epochs=1.0)
    path = str(home.folder / "rows.csv")
    trained = train_recipe(path, load_recipe(None, [], settings), Lives(), narrator=Silent())
    facts = load_bundle(trained.out).facts
    assert (facts.base is not None) is (embeddings == "base")
    recipe = facts.recipe["rung"]["cnn"]
    assert recipe["widths"] == [3, 4, 5]
    assert recipe["pooling"] == facts.tokens.pooling == "max"
    assert recipe["learning_rate"] == 5e-3
    shape = json.loads((Path(trained.out) / "network.json").read_text("utf-8"))
    assert shape["options"] == {"widths": [3, 4, 5], "filters": 16, "dropout": 0.5}
    card = (Path(trained.out) / "README.md").read_text("utf-8")
    assert "filters over windows of words, trained from scratch" in card
    assert "sentence-transformers" not in card
