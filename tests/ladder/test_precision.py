"""Features in whole numbers of 8 bits: taken where they pay and do no harm, the same in every life of a run."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.ladder.tiny_climb import Home

from tunesmith.errors import Stopped
from tunesmith.files.tensors import save_tensors
from tunesmith.ladder import encoding, precision
from tunesmith.ladder.encoding import EncodedTexts
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.precision import Asked, agreement, choose_precision, rounded_encoder
from tunesmith.ladder.site import Site
from tunesmith.models.encoder_config import EncoderConfig, read_encoder_config
from tunesmith.models.encoders import load_encoder
from tunesmith.models.encoders.flat import FlatEncoder, Layer
from tunesmith.run.lines import read_lines

PROBE: dict[str, Any] = {"ladder__rungs": ("probe",)}
KEY = "probe.features"


@pytest.fixture(autouse=True)
def small_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny file is worth a trial, of a few of its rows, and whatever the clock says whole numbers are faster."""
    for name, value in {"_WORTH_A_TRIAL": 1000, "_SEEN_TOKENS": 500, "_TRIED_TOKENS": 200, "_LEAST_SPEED": 0.0}.items():
        monkeypatch.setattr(precision, name, value)


def decisions(site: Site) -> list[Any]:
    """What the plan on the disk says of the features."""
    return [line["value"] for line in read_lines(site.workspace.plan).records if line.get("key") == KEY]


def landed(home: Home, name: str = "model", **settings: Any) -> tuple[Site, Landing]:
    """The probe as it is kept, head solved on all rows."""
    site, outcome = home.climbed(name, **PROBE, **settings)
    return site, outcome.kept


def head(landing: Landing) -> np.ndarray:
    """Weights of the head."""
    weight: np.ndarray = landing.model.classifier.head.weight.detach().numpy()
    return weight


def test_they_are_taken_told_and_written_down(home: Home) -> None:
    """In the plan, to the user, in the facts that the report shows, and in what the figures are of."""
    site, landing = landed(home)
    (decided,) = decisions(site)
    assert decided["precision"] == "int8"
    assert 0.95 < decided["agreement"] < 1.0
    assert decided["speed"] > 0.0
    assert landing.facts["features"] == "int8"
    assert landing.measured_on.endswith("head that had not seen it, encoded in whole numbers of 8 bits")
    assert site.landings["probe"].measured_on == "validation rows, encoded in whole numbers of 8 bits"
    assert any(line.startswith("probe: features in int8; ") for line in home.told)


def test_the_model_stays_of_float32(home: Home) -> None:
    """Its encoder is the base's own, and the head is that of the rounded features."""
    site, landing = landed(home)
    assert landing.model.classifier.encoder is site.encoded.encoder
    _, exact = landed(home, "exact", rung__probe__features="fp32")
    assert not np.array_equal(head(landing), head(exact))
    assert {value.dtype for value in site.encoded.encoder.state_dict().values()} == {torch.float32}


def test_what_is_asked_for_is_not_decided(home: Home) -> None:
    """No trial, no line in the plan; the facts say what it was."""
    for asked in ("fp32", "int8"):
        site, landing = landed(home, asked, rung__probe__features=asked)
        assert decisions(site) == []
        assert landing.facts.get("features", "fp32") == asked


def test_a_few_texts_are_worth_no_trial(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take longer than what it could save."""
    monkeypatch.setattr(precision, "_WORTH_A_TRIAL", 10**6)
    site, landing = landed(home)
    assert decisions(site) == []
    assert "features" not in landing.facts


def test_where_they_are_no_faster_they_are_not_taken(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of processors without instructions for them."""
    monkeypatch.setattr(precision, "_LEAST_SPEED", 1e6)
    site, landing = landed(home)
    assert [each["precision"] for each in decisions(site)] == ["fp32"]
    assert "features" not in landing.facts
    assert landing.measured_on.endswith("had not seen it")
    _, exact = landed(home, "exact", rung__probe__features="fp32")
    np.testing.assert_array_equal(head(landing), head(exact))


def test_a_neighbour_does_not_decide(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time in which others have the processor is not the encoder's, whichever pass they fall into."""
    sound = EncodedTexts.encode

    def encode(self: EncodedTexts, *arguments: Any, rounded: Any = None, **more: Any) -> Any:
        time.sleep(0.0 if rounded is None else 0.2)
        return sound(self, *arguments, rounded=rounded, **more)

    monkeypatch.setattr(EncodedTexts, "encode", encode)
    site, _ = landed(home)
    assert decisions(site)[0]["speed"] > 0.15


@pytest.mark.parametrize("asked", ["auto", "int8"])
def test_other_architectures_stay_in_float32(home: Home, monkeypatch: pytest.MonkeyPatch, asked: Asked) -> None:
    """Only the flat engine has linear maps that can be rounded; who asked for them is told."""
    with home.site(**PROBE) as (site, _):
        monkeypatch.setattr(EncoderConfig, "is_flat", False)
        found = choose_precision(site, asked, rung="probe", poolings=("mean",))
        assert decisions(site) == []
    assert found == "fp32"
    told = "probe: features in fp32; bert does not run in whole numbers of 8 bits"
    assert (told in home.told) is (asked == "int8")


def far_apart(base: Path, folder: Path) -> str:
    """A base some of whose values reach 256 times as far where attention hands them on: the same function."""
    shutil.copytree(base, folder)
    encoder = load_encoder(folder, read_encoder_config(folder))
    assert isinstance(encoder, FlatEncoder)
    width, wide = encoder.hidden_size, encoder.hidden_size // 4
    with torch.no_grad():
        for layer in encoder.layers:
            assert isinstance(layer, Layer)
            layer.qkv.weight[2 * width : 2 * width + wide] *= 256.0  # values stand behind queries and keys
            layer.qkv.bias[2 * width : 2 * width + wide] *= 256.0
            layer.attention_out.weight[:, :wide] /= 256.0
    save_tensors(folder / "model.safetensors", encoder.hf_state())
    return str(folder)


def test_where_they_would_do_harm_they_are_not_taken(home: Home) -> None:
    """Values of which some reach far leave the others no steps; as fast as it may be, float32 stays."""
    site, landing = landed(home, base__name=far_apart(home.folder / "base", home.folder / "far"))
    (decided,) = decisions(site)
    assert decided["precision"] == "fp32"
    assert decided["agreement"] < 0.9
    assert "features" not in landing.facts
    _, plain = landed(home, "plain", rung__probe__features="fp32")
    np.testing.assert_allclose(landing.logits, plain.logits, atol=1e-2)


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What each pass that is kept on the disk was in."""
    found: list[str] = []
    sound = EncodedTexts._piece

    def piece(self: EncodedTexts, number: str, *arguments: Any, **more: Any) -> Any:
        before = {path.name for path in self._folder.iterdir()}
        made = sound(self, number, *arguments, **more)
        found.extend(path.name for path in self._folder.iterdir() if path.name not in before)
        return made

    monkeypatch.setattr(EncodedTexts, "_piece", piece)
    return found


def test_one_never_stands_in_for_the_other(home: Home, encoded: list[str]) -> None:
    """What was kept in float32 is not read where whole numbers are asked for, nor the other way round."""
    with home.site(**PROBE) as (site, _):
        rows, quiet = site.data.rows_to_choose(), lambda *_: None
        plain = site.encoded.features(rows, ("mean",), quiet)
        rounded = site.encoded.features(rows, ("mean",), quiet, rounded=lambda: rounded_encoder(site))
        again = site.encoded.features(rows, ("mean",), quiet)
        rounded_again = site.encoded.features(rows, ("mean",), quiet, rounded=lambda: pytest.fail("it is kept"))
    assert encoded == ["probe-0000.safetensors", "probe-int8-0000.safetensors"]
    assert not np.array_equal(plain["mean"], rounded["mean"])
    assert 0.9 < agreement(plain["mean"], rounded["mean"]) < 1.0
    np.testing.assert_array_equal(again["mean"], plain["mean"])
    np.testing.assert_array_equal(rounded_again["mean"], rounded["mean"])


def test_only_float32_tells_the_rate_of_trainings(home: Home) -> None:
    """A pass in whole numbers is faster than any that a training can make."""
    with home.site(**PROBE) as (site, _):
        rounded = rounded_encoder(site)
        assert site.encoded.encode_gflops is None
        site.encoded.encode(site.encoded.tokens, ("mean",), rounded=rounded)
        assert site.encoded.encode_gflops is None
        site.encoded.encode(site.encoded.tokens, ("mean",))
        assert site.encoded.encode_gflops is not None


@pytest.mark.parametrize("precise", [False, True])
def test_a_stopped_run_goes_on_as_its_plan_says(home: Home, monkeypatch: pytest.MonkeyPatch, *, precise: bool) -> None:
    """Stopped between two pieces: what a trial would say now does not count, and a replay gives the same bits."""
    monkeypatch.setattr(encoding, "_FLOP_OF_A_PIECE", 2e7)
    monkeypatch.setattr(precision, "_LEAST_SPEED", 1e6 if precise else 0.0)
    sound = Site.heed_stop

    def stop(self: Site, place: str) -> None:
        if place == "while the texts were encoded" and len(list(self.features.iterdir())) >= 2:
            raise Stopped("stopped", f"stopped {place}")

    monkeypatch.setattr(Site, "heed_stop", stop)
    with pytest.raises(Stopped, match="while the texts were encoded"):
        home.climbed(**PROBE)
    monkeypatch.setattr(Site, "heed_stop", sound)
    monkeypatch.setattr(precision, "_LEAST_SPEED", 0.0 if precise else 1e6)
    monkeypatch.setattr(precision, "_trial", lambda *_: pytest.fail("the plan says it"))
    site, landing = landed(home, resume=True)
    names = {path.name.rpartition("-")[0] for path in site.features.iterdir()} if site.features.exists() else set()
    assert names <= {"probe" if precise else "probe-int8"}
    assert [each["precision"] for each in decisions(site)] == ["fp32" if precise else "int8"]
    _, replay = landed(home, "replay", follow=site.workspace.plan)
    np.testing.assert_array_equal(replay.logits, landing.logits)
    np.testing.assert_array_equal(head(replay), head(landing))


def test_selftrain_goes_on_in_the_precision_of_the_probe(home: Home, encoded: list[str]) -> None:
    """Its head is solved on labelled rows and others together, so both must be alike."""
    site, _ = home.climbed(ladder__rungs=("probe", "selftrain"), data__unlabelled=home.unlabelled, ladder__min_gain=0.0)
    assert set(encoded) == {"probe-int8-0000.safetensors"}
    assert len(encoded) == 2
    assert site.landings["selftrain"].facts["features"] == "int8"


def test_every_life_makes_the_same_rounded_encoder(home: Home) -> None:
    """Ranges are seen on the same rows, so a later life goes on where the first one was killed."""
    states = []
    for name in ("one", "two"):
        with home.site(name, **PROBE) as (site, _):
            made = rounded_encoder(site)
            assert isinstance(made, FlatEncoder)
            assert made is rounded_encoder(site)
            states.append(made.state_dict())
    for name, tensor in states[0].items():
        torch.testing.assert_close(tensor, states[1][name], rtol=0.0, atol=0.0)


def test_agreement_is_told_by_how_far_texts_lie_apart() -> None:
    """A direction that all vectors share says nothing, and hides nothing."""
    random = np.random.default_rng(0)
    apart = random.normal(size=(50, 8)).astype(np.float32)
    moved = apart + 0.1 * random.normal(size=apart.shape).astype(np.float32)
    shared = np.full(8, 100.0, dtype=np.float32)
    assert agreement(apart, moved) == pytest.approx(0.99, abs=0.005)
    assert agreement(apart + shared, moved + shared) == pytest.approx(agreement(apart, moved), abs=1e-4)
    assert agreement(apart, apart) == 1.0
    assert agreement(apart, np.tile(apart.mean(axis=0), (50, 1))) == pytest.approx(0.0, abs=1e-6)
