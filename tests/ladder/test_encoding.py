"""What rungs share of the base model, and what each has for itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from tests.ladder.tiny_climb import LEARNS, Home, options
from torch import nn

from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import Stopped
from tunesmith.ladder import encoding
from tunesmith.ladder.encoding import EncodedTexts
from tunesmith.ladder.site import Site
from tunesmith.models.encoder import Encoder
from tunesmith.models.encoders import load_encoder
from tunesmith.models.flops import forward_flops
from tunesmith.models.methods import full

WHOLE = full.build(full.Options(embeddings="trained"))


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
    fresh = dict(site.encoded.copy_encoder(WHOLE, seed=0).encoder.named_parameters())
    assert {name for name, parameter in trained.named_parameters() if torch.equal(parameter, fresh[name])} == embeddings
    for name, parameter in frozen.named_parameters():
        torch.testing.assert_close(parameter, fresh[name], rtol=0.0, atol=0.0)


def test_embeddings_that_learn_are_the_fits_own(home: Home) -> None:
    """The base's table must not learn with them."""
    site, _ = home.climbed(**options("finetune", LEARNS), rung__finetune__method_options={"embeddings": "trained"})
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
    learns = {**options("finetune", LEARNS), "rung__finetune__method_options": {"embeddings": "trained"}}
    with home.site(ladder__rungs=rungs, **learns) as (site, climbers):
        for rung in climbers:
            site.landings[rung.name] = rung.climb(site)
        frozen = dict(site.landings["probe"].model.classifier.encoder.named_parameters())
        base = dict(load_encoder(site.base.folder, site.encoded.config).named_parameters())
        for name, parameter in base.items():
            torch.testing.assert_close(frozen[name], parameter, rtol=0.0, atol=0.0)
        trained = site.encoded.copy_encoder(WHOLE, seed=0).encoder
    assert all(parameter.requires_grad for parameter in trained.parameters())
    assert shared(trained, site.encoded.encoder) == set()


class Pieces:
    """The texts of a site encoded in small pieces, and how many rows each call of the encoder had."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site = site
        self._sound = encoding.encode_poolings
        self.rows = site.data.rows_to_choose()
        self.n_rows: list[int] = []
        self.told: list[tuple[int, int]] = []
        monkeypatch.setattr(encoding, "encode_poolings", self._encode)

    def features(self, name: str, *, stop_at: float = 2.0) -> dict[str, np.ndarray]:
        """Encode into a folder, as each life of a run does; the user may stop it where a share is done."""

        def progress(done: int, total: int) -> None:
            self.told.append((done, total))
            if done >= stop_at * total:
                raise Stopped("stopped", "stopped while the texts were encoded")

        self.n_rows.clear()
        self.told.clear()
        texts = EncodedTexts(self.site.base, self.site.data.texts, self.site.workspace.folder / name)
        return texts.features(self.rows, ("mean", "max"), progress)

    def _encode(self, encoder: Encoder, tokens: TokenSet, *arguments: object, **more: object) -> dict[str, np.ndarray]:
        self.n_rows.append(tokens.n_rows)
        return self._sound(encoder, tokens, *arguments, **more)  # type: ignore[arg-type]


@pytest.fixture
def pieces(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pieces]:
    """A site that is open."""
    with home.site(ladder__rungs=("probe",)) as (site, _):
        yield Pieces(site, monkeypatch)


def test_features_do_not_depend_on_the_pieces(pieces: Pieces, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row in its place, up to the rounding of batches of other shapes; progress is that of the whole."""
    whole = pieces.features("whole")
    assert pieces.n_rows == [len(pieces.rows)]
    monkeypatch.setattr(encoding, "_FLOP_OF_A_PIECE", 2e7)
    cut = pieces.features("cut")
    assert len(pieces.n_rows) >= 5
    assert sum(pieces.n_rows) == len(pieces.rows)
    assert max(pieces.n_rows) < 2 * len(pieces.rows) / len(pieces.n_rows)
    assert cut.keys() == whole.keys() == {"mean", "max"}
    for name, vectors in cut.items():
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, whole[name], rtol=0.0, atol=1e-5)
    done, totals = zip(*pieces.told, strict=True)
    tokens = pieces.site.encoded.tokens.select(pieces.rows)
    assert set(totals) == {len(tokens.input_ids)}
    assert len(done) >= len(pieces.n_rows)
    assert all(later > earlier for earlier, later in pairwise(done))
    assert done[-1] == totals[-1]


def test_a_stop_loses_only_the_piece_that_was_being_encoded(pieces: Pieces, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next life encodes that one and those after it, to the same bits; a further one encodes nothing."""
    monkeypatch.setattr(encoding, "_FLOP_OF_A_PIECE", 2e7)
    expected = pieces.features("whole")
    all_pieces = list(pieces.n_rows)
    with pytest.raises(Stopped, match="while the texts were encoded"):
        pieces.features("stopped", stop_at=0.4)
    begun = len(pieces.n_rows)
    assert 1 < begun < len(all_pieces)
    resumed = pieces.features("stopped")
    assert pieces.n_rows == all_pieces[begun - 1 :]
    done = [share for share, _ in pieces.told]
    assert all(later > earlier for earlier, later in pairwise(done))
    assert done[0] >= 0.4 * done[-1]
    assert done[-1] == pieces.told[-1][1]
    for name, vectors in expected.items():
        np.testing.assert_array_equal(resumed[name], vectors)
    again = pieces.features("stopped")
    assert (pieces.n_rows, pieces.told) == ([], [])
    for name, vectors in expected.items():
        np.testing.assert_array_equal(again[name], vectors)


def test_the_rate_is_that_of_the_texts_that_were_encoded(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all pieces of this life; what is read from the disk tells nothing of the machine's speed."""
    seconds = iter(np.arange(0.0, 1e6, 2.0))
    monkeypatch.setattr(encoding, "_FLOP_OF_A_PIECE", 2e7)
    with home.site(ladder__rungs=("probe",)) as (site, _):
        rows = site.data.rows_to_choose()
        assert site.encoded.encode_gflops is None
        with monkeypatch.context() as patched:
            patched.setattr(encoding.time, "monotonic", lambda: float(next(seconds)))
            site.encoded.features(rows, ("mean",), lambda *_: None)
        n_pieces = len(list(site.features.iterdir()))
        flop = forward_flops(site.encoded.config, site.encoded.tokens.select(rows).lengths())
        assert site.encoded.encode_gflops == pytest.approx(flop / (2.0 * n_pieces) / 1e9)
        again = EncodedTexts(site.base, site.data.texts, site.features)
        again.features(rows, ("mean",), lambda *_: None)
        assert again.encode_gflops is None
