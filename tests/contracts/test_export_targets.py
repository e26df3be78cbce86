"""Every target of an export, enrolled by import, keeps its family's promises."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.contracts.conftest import Climbed

from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.bundle.save import save_bundle
from tunesmith.errors import ArtifactError, ConfigError, TunesmithError
from tunesmith.evaluate.calibration import softmax
from tunesmith.export import exporter
from tunesmith.export.exporter import export_bundle
from tunesmith.export.parity import expected_of, found_of
from tunesmith.export.place import PARITY, Place
from tunesmith.export.source import model_of
from tunesmith.export.targets import TARGETS, Answers, Peer
from tunesmith.export.trial import Given
from tunesmith.types import JSON

every_target = pytest.mark.parametrize("target", TARGETS.names())
NOT_READ = {"transformers": "apart", "sentence_transformers": "joined"}
"""How each of these cannot read pairs; the others can either way."""


def saved(climbed: Climbed, kind: str, folder: Path) -> Bundle:
    """A bundle of the last rung that lands in a kind; its temperature changes answers well above every tolerance."""
    landing = next(each for each in reversed(climbed.site.landings.values()) if each.kind == kind)
    facts = climbed.facts(landing).model_copy(update={"temperature": 2.5})
    save_bundle(
        folder,
        landing.model,
        facts,
        probe_texts=[],
        probe_logits=np.zeros((0, facts.n_outputs), dtype=np.float32),
        extra_files={"README.md": "card", "report.html": "<p>"},
        costs={},
    )
    return load_bundle(folder)


@pytest.fixture(scope="module")
def bundle(climbed: Climbed, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """An encoder's bundle."""
    return saved(climbed, "encoder", tmp_path_factory.mktemp("encoder") / "tickets.model")


@pytest.fixture(scope="module")
def given(climbed: Climbed) -> Given:
    """Rows as a user may have them, without labels."""
    return Given("rows.csv", climbed.site.data.texts)


def exported(bundle: Bundle, target: str, out: Path, given: Given) -> dict[str, JSON]:
    """Export, and say what was found."""
    return export_bundle(bundle, target, Place(out), given=given, max_loss=0.5, seed=0, told=lambda line: None)


@pytest.fixture(scope="module")
def made(bundle: Bundle, given: Given, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, JSON]]:
    """A target's folder and what its export told, made once, when first asked for."""
    folder = tmp_path_factory.mktemp("exports")
    return cache(lambda name: (folder / name, exported(bundle, name, folder / name, given)))


@every_target
def test_an_export_answers_as_its_bundle(target: str, made: Callable[[str], tuple[Path, JSON]]) -> None:
    """On 500 texts and more, of one window to four; what was found is told and kept beside the export."""
    folder, found = made(target)
    assert json.loads((folder / PARITY).read_text("utf-8")) == found
    rows = found["whole"]["rows"] + (found["cut"] or {"rows": 0})["rows"]
    assert rows >= 500
    assert set(found["windows"]) >= {"1", "2", "3", "4"}
    assert sum(found["windows"].values()) == rows
    assert found["whole"]["agreement"] == 1.0
    assert (found["cut"] is not None) == TARGETS.member(target).CUTS
    assert (folder / "README.md").read_text("utf-8").count("## Measured") == 1


@every_target
def test_a_peer_answers_from_the_files_alone(
    target: str, made: Callable[[str], tuple[Path, JSON]], bundle: Bundle, given: Given, tmp_path: Path
) -> None:
    """Wherever the folder is put; each text of one window alike, alone as among others."""
    folder = made(target)[0].rename(tmp_path / "moved")
    try:
        peer: Peer = TARGETS.member(target).load(folder)
        texts = given.texts[:5]
        model = model_of(bundle)
        asked = (texts, *([text] for text in texts))
        labels = () if target == "sentence_transformers" else model.labels
        together, *alone = (found_of(peer, model, some, labels=labels, where="") for some in asked)
    finally:
        folder.rename(made(target)[0])
    expected = expected_of(model_of(bundle), texts).said.probabilities
    np.testing.assert_allclose(together.probabilities, expected, rtol=0, atol=1e-3)
    np.testing.assert_allclose(np.concatenate([each.probabilities for each in alone]), expected, atol=1e-3)


@every_target
def test_nothing_is_left_beside_an_export(target: str, made: Callable[[str], tuple[Path, JSON]]) -> None:
    """No half-written folder, and no file of a format that is not of the target."""
    folder, _ = made(target)
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []
    assert [path.name for path in folder.rglob(".*")] == []


class Faulty:
    """A peer that answers otherwise than it should.

    Args:
        peer: The right one.
        fault: What is wrong with it.
        temperature: Of the bundle.
    """

    def __init__(self, peer: Peer, fault: str, temperature: float) -> None:
        self._peer = peer
        self._fault = fault
        self._temperature = temperature
        self.runtime = peer.runtime

    def answers(self, texts: Sequence[str]) -> Answers:
        """Spoil the answers; a peer that gives vectors alone has no labels and no temperature, and its are spoilt."""
        found = self._peer.answers(texts)
        if found.vectors is not None:
            return replace(found, vectors=found.vectors * np.float32(np.nan if "number" in self._fault else 1.001))
        match self._fault:
            case "labels swapped":
                return replace(found, labels=(found.labels[1], found.labels[0], *found.labels[2:]))
            case "a label of another model":
                return replace(found, labels=("other", *found.labels[1:]))
            case "temperature missing":
                logits = found.logits if found.probabilities is None else np.log(found.probabilities)
                logits = logits * np.float32(self._temperature)
                return replace(found, logits=logits, probabilities=softmax(logits).astype(np.float32))
            case _:
                nothing = np.full_like(found.probabilities, np.nan)
                return replace(found, logits=nothing, probabilities=nothing)


@pytest.fixture
def export_again(bundle: Bundle, given: Given, tmp_path: Path) -> Callable[[str], object]:
    """Exports to a target."""
    return lambda target: exported(bundle, target, tmp_path / "out", given)


@pytest.fixture
def spoil(
    made: Callable[[str], tuple[Path, JSON]], bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], None]:
    """Gives a target a peer with a fault; what it wrote before is not written again."""

    def spoilt(target: str, fault: str) -> None:
        member, (folder, told) = TARGETS.member(target), made(target)
        peer = Faulty(member.load(folder), fault, bundle.facts.temperature)
        written = SimpleNamespace(
            card="",
            tolerance=told["tolerance"],
            notes={},
            gated=told["loss"] is not None,
            labels=() if target == "sentence_transformers" else bundle.facts.labels,
        )
        other = SimpleNamespace(
            __name__=member.__name__,
            NEEDS=(),
            CUTS=member.CUTS,
            write=lambda folder, model, trial: written,
            load=lambda folder: peer,
        )
        monkeypatch.setattr(exporter.TARGETS, "member", lambda name: other)

    return spoilt


@pytest.mark.parametrize("fault", ["labels swapped", "a label of another model", "temperature missing", "not a number"])
@every_target
def test_an_export_that_answers_otherwise_is_not_put_in_place(
    target: str, fault: str, spoil: Callable[[str, str], None], export_again: Callable[[str], object], tmp_path: Path
) -> None:
    """Whatever is wrong with it, it is told, and nothing stays."""
    spoil(target, fault)
    with pytest.raises(TunesmithError, match=f"the export to {target}") as caught:
        export_again(target)
    assert caught.value.code in ("export-differs", "export-loses")
    assert list(tmp_path.iterdir()) == []


@every_target
def test_what_is_there_is_not_replaced(target: str, bundle: Bundle, given: Given, tmp_path: Path) -> None:
    """Not even an empty folder."""
    out = tmp_path / "taken"
    out.mkdir()
    with pytest.raises(ConfigError, match="taken") as caught:
        exported(bundle, target, out, given)
    assert caught.value.code == "out-exists"


@every_target
@pytest.mark.parametrize("kind", ["bag_of_words", "network"])
def test_other_kinds_are_refused(target: str, kind: str, climbed: Climbed, given: Given, tmp_path: Path) -> None:
    """Counts of words, and words known by their train rows, have no place in these formats; the way out is named."""
    words = saved(climbed, kind, tmp_path / "words.model")
    with pytest.raises(ConfigError, match=rf"{kind}\scannot\sbe\sexported:\sno\sother\sformat") as caught:
        exported(words, target, tmp_path / "out", given)
    assert caught.value.code == "kind-not-exportable"
    assert "--rungs probe" in (caught.value.advice or "")
    assert not (tmp_path / "out").exists()


class ReachedError(Exception):
    """The export has begun."""


@pytest.mark.parametrize("pairs", ["apart", "joined"])
@every_target
def test_pairs_that_a_target_does_not_read_so_are_refused(  # noqa: PLR0917
    target: str, pairs: str, bundle: Bundle, given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is computed, with the targets that do; all others are exported."""

    def reached(*_: object, **__: object) -> None:
        raise ReachedError

    monkeypatch.setattr(
        exporter, "model_of", lambda bundle: SimpleNamespace(pairs=pairs, encoder=SimpleNamespace(method=None))
    )
    monkeypatch.setattr(exporter, "trial_of", reached)
    if NOT_READ.get(target) != pairs:
        with pytest.raises(ReachedError):
            exported(bundle, target, tmp_path / "out", given)
        return
    with pytest.raises(ConfigError, match=f"base.pairs = {pairs}") as caught:
        exported(bundle, target, tmp_path / "out", given)
    assert caught.value.code == "pairs-not-exportable"
    able = [name for name in TARGETS.names() if NOT_READ.get(name) != pairs]
    assert (caught.value.allowed or "").split(", ") == able
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_told(
    bundle: Bundle, given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is computed, with what installs it."""
    monkeypatch.setattr(exporter, "find_spec", lambda name: None if name == "onnxruntime" else object())
    with pytest.raises(ConfigError, match="onnxruntime") as caught:
        exported(bundle, "onnx", tmp_path / "out", given)
    assert caught.value.code == "package-missing"
    assert "tunesmith[export]" in (caught.value.advice or "")


def test_a_bundle_replaced_meanwhile_is_noticed(
    climbed: Climbed, given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was exported would be another model than the one that stands there."""
    opened = saved(climbed, "encoder", tmp_path / "tickets.model")
    spoilt = SimpleNamespace(
        NEEDS=(),
        CUTS=False,
        __name__="onnx",
        write=lambda folder, model, trial: (opened.folder / "manifest.json").write_text("{}", "utf-8"),
    )
    monkeypatch.setattr(exporter.TARGETS, "member", lambda name: spoilt)
    monkeypatch.setattr(exporter, "_write", lambda folder, member, *_, **__: member.write(folder, None, None) and {})
    with pytest.raises(ArtifactError, match=r"taken\sthe\splace") as caught:
        exported(opened, "onnx", tmp_path / "out", given)
    assert caught.value.code == "bundle-replaced"
    assert not (tmp_path / "out").exists()
