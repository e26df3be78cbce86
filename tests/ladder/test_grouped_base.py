"""A base model that only transformers computes goes the whole way: trained, stopped, gone on with, saved, asked."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.cli.running import run
from tests.ladder.tiny_climb import Home, options
from tests.models.tiny_encoders import hf_model, saved
from tokenizers import Tokenizer, models, pre_tokenizers, processors

import tunesmith
from tunesmith.api import training
from tunesmith.bundle.kinds import KINDS
from tunesmith.bundle.save import save_bundle
from tunesmith.data.read import read_table
from tunesmith.evaluate.calibration import apply_temperature
from tunesmith.ladder.landing import Landing
from tunesmith.models.encoders.grouped import GroupedEncoder

LEARNS = {"learning_rate": 1e-2, "epochs": 6.0}
"""Options of a fit that is far better than the probe."""
STOPS_AFTER = 30
"""Of 72 steps."""
TELLING = [f"telling{number}" for number in range(6)]
OTHERS = [f"other{number}" for number in range(60)]


@pytest.fixture(params=["deberta-v2", "modernbert"])
def base(request: pytest.FixtureRequest, home: Home) -> Path:
    """A random checkpoint as transformers writes it, with a tokenizer of the words of the file beside it."""
    write_rows(home.folder / "rows.csv")
    folder: Path = home.folder / request.param
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *TELLING, *OTHERS]
    saved(hf_model(request.param, vocab_size=len(vocabulary), max_position_embeddings=64), folder)
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = [("[CLS]", 2), ("[SEP]", 3)]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=special)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def write_rows(path: Path, *, n_rows: int = 240) -> None:
    """Write texts of four or eight words, so that a step is two passes; one word of each tells the label."""
    random = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for _ in range(n_rows):
            words = [OTHERS[number] for number in random.integers(len(OTHERS), size=random.choice([3, 7]))]
            told = int(random.integers(len(TELLING)))
            words.insert(int(random.integers(len(words) + 1)), TELLING[told])
            rows.writerow([" ".join(words), f"label {told % 3}"])


def weights_of(landing: Landing, folder: Path) -> dict[str, bytes]:
    """Save a landing's model; the bytes of its weights."""
    folder.mkdir()
    KINDS.member(landing.kind).save(folder, landing.model)
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


def test_it_is_trained_saved_and_answers(base: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--base`` takes its folder; the model on the disk answers as the one that was trained, and again the same."""
    in_memory: list[Any] = []

    def seen(folder: Path, model: Any, *more: Any, **named: Any) -> None:
        in_memory.append(model)
        save_bundle(folder, model, *more, **named)

    monkeypatch.setattr(training, "save_bundle", seen)
    data, out = home.folder / "rows.csv", home.folder / "rows.model"
    settings = {"ladder.min_gain": 0.0, **{f"rung.finetune.{name}": value for name, value in LEARNS.items()}}
    flags = ["--rungs", "probe,finetune", "--budget", "none", "--offline", "--threads", "1", "--json"]
    sets = [f"--set={key}={value}" for key, value in settings.items()]
    trained = run("train", data, "--base", base, "--out", out, *flags, *sets).json()
    assert [rung["name"] for rung in trained["rungs"]] == ["probe", "finetune"]
    assert trained["kept"] == "finetune", "the probe's weights are the base's: they would show little"

    texts = read_table(data).columns["text"]
    expected = KINDS.member("encoder").predictor(in_memory[-1]).outputs(texts).logits
    bundle = tunesmith.load(out).bundle
    assert isinstance(bundle.predictor.model.classifier.encoder, GroupedEncoder)
    np.testing.assert_allclose(bundle.predictor.outputs(texts).logits, expected, rtol=1e-5, atol=1e-5)
    shares = apply_temperature(expected, bundle.facts.temperature)
    told = run("predict", out, data, "--threads", "1", "--json")
    assert [answer["label"] for answer in told.lines()] == [bundle.facts.labels[best] for best in shares.argmax(axis=1)]
    np.testing.assert_allclose([answer["probability"] for answer in told.lines()], shares.max(axis=1), atol=1e-5)
    assert run("predict", out, data, "--threads", "1", "--json").out == told.out


def test_a_fit_that_was_stopped_ends_in_the_same_bytes(base: Path, home: Home) -> None:
    """Dropout goes on where it was, and so do the moments: files of weights as of a run that was not stopped."""
    settings = {"base__name": str(base), **options("finetune", LEARNS)}
    home.stopped(after=STOPS_AFTER, **settings)
    resumed, _ = home.climbed(resume=True, **settings)
    assert sum(f"finetune goes on after step {STOPS_AFTER} of" in line for line in home.told) == 1
    whole, _ = home.climbed("whole", follow=resumed.workspace.plan, **settings)
    mine, theirs = (site.landings["finetune"] for site in (resumed, whole))
    assert weights_of(mine, home.folder / "a") == weights_of(theirs, home.folder / "b")
    assert mine.facts == theirs.facts
    assert mine.facts["best_step"] > STOPS_AFTER, "what is kept must depend on the steps after the stop"
    trained, untrained = (
        landing.model.classifier.encoder.layer_groups()[-1] for landing in (mine, resumed.landings["probe"])
    )
    assert not any(torch.equal(after, before) for after, before in zip(trained, untrained, strict=True))
