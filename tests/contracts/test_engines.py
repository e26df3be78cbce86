"""Every engine, enrolled by import, gives the vectors that our own engine gives of the same weights."""

from __future__ import annotations

import threading
from functools import partial
from types import ModuleType

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.models.tiny_encoders import FLAT, N_WORDS, tiny_config
from tests.runtimes.test_torch_runtime import token_set

from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ArtifactError, ConfigError
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoders.flat import ACTIVATIONS, FlatEncoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.poolings import POOLINGS
from tunesmith.models.quantized import QuantizedLinear
from tunesmith.models.quantized_encoder import quantize_encoder
from tunesmith.runtimes import engines
from tunesmith.runtimes.engines import ENGINES, Engine, missing_packages, refuse_missing
from tunesmith.runtimes.nodes import Products
from tunesmith.runtimes.ranges import column_ranges
from tunesmith.runtimes.torch import pooled
from tunesmith.types import JSON

ROWS = token_set([[9], [2], [20, 20, 7], [5], [9], [3], [22, 2], [9], [1]])
MEMBERS = [(name, products) for name in ENGINES.names() for products in ENGINES.member(name).PRODUCTS]
every_engine = pytest.mark.parametrize(("name", "products"), MEMBERS)


def tiny(model_type: str = "bert", pooling: str = "mean", **changes: JSON) -> EncoderClassifier:
    """A tiny random encoder of large weights, some of whose columns reach far, under its pooling."""
    torch.manual_seed(0)
    encoder = FlatEncoder(tiny_config(model_type, **changes)).eval()
    with torch.no_grad():
        for part in encoder.parameters():
            part.mul_(3.0) if part.ndim > 1 else part.add_(0.1 * torch.randn_like(part))
        for layer in encoder.layers:
            layer.attention_norm.weight[:2] *= 8.0
    classifier = EncoderClassifier(encoder, pooling, LinearHead(32, 3), unit_length=True).eval()
    if isinstance(classifier.pool, torch.nn.Module):
        with torch.no_grad():
            next(classifier.pool.parameters()).normal_()
    return classifier


def rounded(classifier: EncoderClassifier, rows: TokenSet = ROWS) -> EncoderClassifier:
    """The same in whole numbers, one linear map left as it is."""
    encoder = classifier.encoder
    assert isinstance(encoder, FlatEncoder)
    made = quantize_encoder(encoder, column_ranges(classifier, rows), in_full=["layers.0.grow"])
    columns = {len(part.columns) for part in made.modules() if isinstance(part, QuantizedLinear)}
    assert columns == {0, 4}, "maps of both kinds are compared"
    return classifier.with_encoder(made).eval()


def opened(name: str, classifier: EncoderClassifier, products: str, *, reads_types: bool = False) -> Engine:
    """An engine that runs it."""
    engine: Engine = ENGINES.member(name).open_engine(classifier, reads_types=reads_types, products=products)
    return engine


def of_whole_weights(classifier: EncoderClassifier) -> EncoderClassifier:
    """The same rounded weights as numbers of float32, whose inputs are not rounded."""
    plain = tiny_like(classifier)
    with torch.no_grad():
        for part, other in zip(plain.encoder.modules(), classifier.encoder.modules(), strict=True):
            if isinstance(other, QuantizedLinear):
                whole = other.weight.float() * other.scale[:, None]
                whole[:, other.columns.long()] = other.in_full.float().T
                part.weight.copy_(whole)
                part.bias.copy_(other.bias)
    return plain


def tiny_like(classifier: EncoderClassifier) -> EncoderClassifier:
    """An encoder of the same shape with the same tables and norms."""
    encoder = FlatEncoder(classifier.encoder.config).eval()  # type: ignore[arg-type]
    state = {}
    for name, part in classifier.encoder.named_modules():
        if hasattr(part, "scale") and hasattr(part, "num_embeddings"):
            state[f"{name}.weight"] = part.weight.float() * part.scale[:, None]
        elif not isinstance(part, QuantizedLinear):
            state |= {f"{name}.{each}": value for each, value in part.named_parameters(recurse=False)}
    encoder.load_state_dict(state, strict=False)
    return classifier.with_encoder(encoder).eval()


def assert_same(
    classifier: EncoderClassifier, name: str, products: str, *, rows: TokenSet = ROWS, reads_types: bool = False
) -> None:
    """Hold an engine to torch: exactly where nothing is rounded on the way, to a few steps where it is.

    A sum in another order may put an input on the other side of a step, and what follows by as much.
    """
    found = opened(name, classifier, products, reads_types=reads_types)(rows, most_padding=1.0)
    assert found.dtype == np.float32
    ours = pooled(classifier, rows)
    if products == "float32":
        np.testing.assert_allclose(found, pooled(of_whole_weights(classifier), rows), rtol=1e-4, atol=1e-4)
    else:
        moved = np.abs(ours - pooled(of_whole_weights(classifier), rows)).mean()
        assert np.abs(found - ours).mean() < 0.5 * moved


@every_engine
@pytest.mark.parametrize("model_type", FLAT)
def test_every_architecture_runs(name: str, products: str, model_type: str) -> None:
    """Whatever tables and projections it has."""
    assert_same(rounded(tiny(model_type)), name, products)


@every_engine
@pytest.mark.parametrize("pooling", POOLINGS.names())
def test_every_pooling_runs(name: str, products: str, pooling: str) -> None:
    """Padding has no part in it."""
    assert_same(rounded(tiny(pooling=pooling)), name, products)


@every_engine
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_runs(name: str, products: str, activation: str) -> None:
    """Each is its own."""
    assert_same(rounded(tiny(hidden_act=activation)), name, products)


@every_engine
def test_both_texts_of_a_pair_are_told_apart(name: str, products: str) -> None:
    """Where they are read in one sequence; and texts of pairs read apart come as neighbours."""
    classifier = rounded(tiny())
    types = (np.arange(len(ROWS.input_ids)) % 2).astype(np.uint8)
    joined = TokenSet(ROWS.input_ids, ROWS.offsets, ROWS.row, types, ROWS.n_tokens)
    assert_same(classifier, name, products, rows=joined, reads_types=True)
    row, side = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 1], dtype=np.uint8)
    lengths = np.array([9, 3, 20, 2, 5, 9])
    ids = np.random.default_rng(0).integers(5, N_WORDS, lengths.sum()).astype(np.int32)
    n_tokens = np.bincount(row, weights=lengths).astype(np.int32)
    apart = TokenSet(ids, np.concatenate(([0], lengths.cumsum())), row, None, n_tokens, side)
    assert_same(classifier, name, products, rows=apart)


@every_engine
def test_a_text_is_answered_as_it_is_alone(name: str, products: str) -> None:
    """Whatever else is asked with it; none are answered by none, and progress runs to its end."""
    engine = opened(name, rounded(tiny()), products)
    told: list[tuple[int, int]] = []
    together = engine(ROWS, progress=lambda *at: told.append(at), most_padding=1.0)
    alone = np.concatenate([engine(ROWS.select(np.array([row]))) for row in range(ROWS.n_rows)])
    near = partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-3) if products == "float32" else _mostly_near
    near(alone, together)
    assert told == sorted(told)
    assert told[-1] == (len(ROWS.input_ids), len(ROWS.input_ids))
    assert engine(ROWS.select(np.array([], dtype=np.int64))).shape == (0, 32)


def _mostly_near(one: NDArray[np.float32], other: NDArray[np.float32]) -> None:
    """A sum in another order may move an input over a step."""
    assert np.abs(one - other).mean() < 0.02 * np.abs(one).mean()


@every_engine
def test_a_token_without_a_vector_is_refused(name: str, products: str) -> None:
    """A runtime would read beyond the table or answer something."""
    rows = token_set([[3]])
    rows.input_ids[1] = N_WORDS
    with pytest.raises(ArtifactError, match=str(N_WORDS)):
        opened(name, rounded(tiny()), products)(rows)


@every_engine
def test_no_more_threads_compute_than_were_chosen(
    name: str, products: Products, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runtime is told torch's number, and again where that was set since."""
    member, told = ENGINES.member(name), []
    if not hasattr(member, "_compiled"):
        pytest.skip("torch itself")
    compiled = member._compiled
    monkeypatch.setattr(member, "_compiled", lambda graph, n: told.append(n) or compiled(graph, n))
    before = torch.get_num_threads()
    engine = opened(name, rounded(tiny()), products)
    engine(ROWS)
    try:
        torch.set_num_threads(before + 1)
        engine(ROWS)
        engine(ROWS)
    finally:
        torch.set_num_threads(before)
    assert told == [before, before + 1]


@every_engine
def test_it_answers_several_threads_at_once(name: str, products: str) -> None:
    """Each its own."""
    engine = opened(name, rounded(tiny()), products)
    expected = [engine(ROWS.select(np.array([row]))) for row in range(ROWS.n_rows)]
    found: dict[int, NDArray[np.float32]] = {}

    def ask(row: int) -> None:
        for _ in range(5):
            found[row] = engine(ROWS.select(np.array([row])))

    threads = [threading.Thread(target=ask, args=(row,)) for row in range(ROWS.n_rows)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for row, vectors in enumerate(expected):
        np.testing.assert_array_equal(found[row], vectors)


@pytest.mark.parametrize("name", ENGINES.names())
def test_a_package_that_is_missing_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, with what to do; our own engine needs none."""
    needs: tuple[str, ...] = ENGINES.member(name).NEEDS
    assert missing_packages(name) == ()
    refuse_missing(name)
    monkeypatch.setattr(engines, "find_spec", lambda package: None)
    assert missing_packages(name) == needs
    if needs:
        with pytest.raises(ConfigError, match=needs[-1]) as caught:
            refuse_missing(name, where="tickets.model")
        assert caught.value.code == "package-missing"
        assert caught.value.where == "tickets.model"
        assert "tunesmith[export]" in (caught.value.advice or "")


@pytest.fixture(params=ENGINES.names())
def member(request: pytest.FixtureRequest) -> ModuleType:
    """One of the family."""
    return ENGINES.member(request.param)


def test_a_member_says_what_it_multiplies(member: ModuleType) -> None:
    """Whole numbers, all of them."""
    assert "int8" in member.PRODUCTS
