"""Whole numbers of 8 bits: near to what they stand for, the same by every way to multiply, and read by distrust."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.models.tiny_encoders import packed, tiny_config
from torch import Tensor, nn

from tunesmith.errors import ArtifactError
from tunesmith.models import int8_products
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.int8_products import Product, Rounded
from tunesmith.models.quantized import ColumnRanges, QuantizedLinear, quantize_linear, quantize_table
from tunesmith.models.quantized_encoder import build_quantized, linear_maps, quantize_encoder

WIDTH, N_OUTPUTS, N_ROWS = 96, 40, 300
FAR = (3, 70)
"""Columns of the input that reach far beyond the others."""


@pytest.fixture
def linear() -> nn.Linear:
    """A random linear map."""
    torch.manual_seed(0)
    return nn.Linear(WIDTH, N_OUTPUTS)


@pytest.fixture
def inputs() -> Tensor:
    """Random vectors, all within 4 of 0 but for two columns."""
    found = torch.randn(N_ROWS, WIDTH, generator=torch.Generator().manual_seed(1)).clamp(-4, 4)
    found[:, list(FAR)] *= 40
    return found


def seen(inputs: Tensor) -> ColumnRanges:
    """Between which values each column lies."""
    return ColumnRanges(inputs.amin(dim=0), inputs.amax(dim=0))


def worst(made: QuantizedLinear, linear: nn.Linear, inputs: Tensor) -> float:
    """Largest difference of an output, as a share of the largest output."""
    with torch.inference_mode():
        expected = linear(inputs)
        return float((made(inputs) - expected).abs().max() / expected.abs().max())


def test_columns_that_reach_far_stay_as_they_are(linear: nn.Linear, inputs: Tensor) -> None:
    """They are found by their ranges; with them among the steps, the others would have none left."""
    made = quantize_linear(linear, seen(inputs))
    assert set(FAR) <= set(made.columns.tolist())
    assert not made.weight[:, list(FAR)].any()
    assert worst(made, linear, inputs) < 5e-3
    without = quantize_linear(linear, seen(inputs), n_in_full=0)
    assert len(without.columns) == 0
    assert worst(without, linear, inputs) > 5 * worst(made, linear, inputs)


@pytest.mark.parametrize(("by", "n_columns"), [(1.9, 0), (2.1, 4)])
def test_columns_stay_as_they_are_where_the_others_gain_by_it(linear: nn.Linear, by: float, n_columns: int) -> None:
    """That is where their steps are at most half as high; elsewhere all columns have the steps of the whole range."""
    reach = torch.full((WIDTH,), 3.0)
    reach[list(FAR)] = 3.0 * by
    made = quantize_linear(linear, ColumnRanges(-reach, reach))
    assert len(made.columns) == n_columns
    assert float(made.input_scale) == pytest.approx(2 * 3.0 * (1.0 if n_columns else by) / 255, rel=1e-6)
    assert bool(made.weight[:, list(FAR)].any()) == (not n_columns)


WAYS: dict[str, tuple[Callable[[], bool], Callable[[Rounded], Product]]] = {
    "fbgemm": (int8_products.fbgemm_is_there, int8_products.fbgemm_product),
    "onednn": (int8_products.onednn_is_there, int8_products.onednn_product),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n_rows", [1, N_ROWS])
def test_every_way_to_multiply_gives_the_same(linear: nn.Linear, inputs: Tensor, way: str, n_rows: int) -> None:
    """Tolerance: a rounding that meets the middle between two steps may go either way, one step of 1 in 255."""
    is_there, build = WAYS[way]
    if not is_there():
        pytest.skip(f"this build of torch has no {way}")
    made = quantize_linear(linear, seen(inputs))
    rounded = Rounded(made.weight, made.scale, made.bias, float(made.input_scale), int(made.input_zero))
    with torch.inference_mode():
        apart = (build(rounded)(inputs[:n_rows]) - int8_products.float_product(rounded)(inputs[:n_rows])).abs()
        step = float(made.input_scale * linear.weight.abs().max())
    assert float(apart.max()) <= 1.01 * step
    assert float(apart.mean()) < 0.01 * step


def test_a_torch_without_either_multiplies_all_the_same(
    monkeypatch: pytest.MonkeyPatch, linear: nn.Linear, inputs: Tensor
) -> None:
    """As on processors that have neither, and on some torch to come that has dropped FBGEMM's tensors."""
    expected = worst(quantize_linear(linear, seen(inputs)), linear, inputs)
    for name in ("fbgemm_is_there", "onednn_is_there"):
        monkeypatch.setattr(int8_products, name, lambda: False)
        assert worst(quantize_linear(linear, seen(inputs)), linear, inputs) == pytest.approx(expected, rel=0.1)


def test_weights_leave_room_for_processors_that_add_in_16_bits(inputs: Tensor) -> None:
    """Two products of the largest numbers must fit, or AVX2 answers otherwise than VNNI."""
    made = quantize_linear(nn.Linear(WIDTH, N_OUTPUTS), seen(inputs))
    assert 2 * 255 * int(made.weight.abs().max()) < 2**15
    assert int(made.weight.abs().max()) == 63


@pytest.mark.parametrize("way", ["float", *WAYS])
def test_what_lies_outside_of_what_was_seen_counts_as_the_nearest(linear: nn.Linear, inputs: Tensor, way: str) -> None:
    """Not as a number that has gone once around."""
    is_there, build = WAYS.get(way, (lambda: True, int8_products.float_product))
    if not is_there():
        pytest.skip(f"this build of torch has no {way}")
    made = quantize_linear(linear, seen(inputs), n_in_full=0)
    rounded = Rounded(made.weight, made.scale, made.bias, float(made.input_scale), int(made.input_zero))
    product = build(rounded)
    with torch.inference_mode():
        for far, nearest in ((1e4, rounded.input_high), (-1e4, rounded.input_low)):
            torch.testing.assert_close(
                product(torch.full((1, WIDTH), far)), product(torch.full((1, WIDTH), nearest)), rtol=1e-4, atol=1e-3
            )


def test_an_input_that_is_always_zero_is_mapped_to_the_bias(linear: nn.Linear) -> None:
    """There is no range to divide into steps."""
    zeros = torch.zeros(2, WIDTH)
    made = quantize_linear(linear, seen(zeros))
    torch.testing.assert_close(made(zeros), linear.bias.detach().expand(2, -1))


def test_a_table_is_near_row_by_row() -> None:
    """A row of small numbers keeps as many steps as one of large ones."""
    table = nn.Embedding(5, 16)
    with torch.no_grad():
        table.weight *= torch.tensor([[1.0], [1e-3], [50.0], [0.0], [1.0]])
    made = quantize_table(table)
    rows = torch.tensor([4, 1, 3, 2, 1])
    expected = table(rows).detach()
    limit = expected.abs().amax(dim=1, keepdim=True) / 127
    assert ((made(rows) - expected).abs() <= 0.51 * limit).all()


@pytest.fixture
def encoder() -> FlatEncoder:
    """A tiny random BERT."""
    torch.manual_seed(0)
    return FlatEncoder(tiny_config("bert")).eval()


def ranges_of(encoder: FlatEncoder) -> dict[str, ColumnRanges]:
    """Wide ones for every linear map; four columns of the queries, keys and values reach far beyond the others."""
    found = {}
    for name, part in linear_maps(encoder).items():
        reach = torch.full((part.in_features,), 4.0)
        if name.endswith("qkv"):
            reach[4:8] = 40.0
        found[name] = ColumnRanges(-reach, reach)
    return found


def test_an_encoder_is_rounded_but_for_what_is_named(encoder: FlatEncoder) -> None:
    """Four maps a layer and the tables; the encoder itself stays what it was, and the outputs are near to its."""
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    made = quantize_encoder(encoder, ranges_of(encoder), in_full=["layers.1.grow"])
    rounded = {name: len(part.columns) for name, part in made.named_modules() if isinstance(part, QuantizedLinear)}
    assert len(rounded) == 7
    assert "layers.1.grow" not in rounded
    assert (rounded["layers.0.qkv"], rounded["layers.0.shrink"]) == (4, 0)
    assert isinstance(made.layers[1].grow, nn.Linear)
    assert made.embeddings.word.weight.dtype == torch.int8
    with torch.inference_mode():
        apart = (made(packed([3, 5, 9])) - encoder(packed([3, 5, 9]))).abs().max()
    assert 0 < float(apart) < 0.2
    assert encoder.state_dict().keys() == before.keys()
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())


def test_an_encoder_is_built_again_from_what_was_saved(encoder: FlatEncoder) -> None:
    """Bit for bit, with the parts in full that were."""
    made = quantize_encoder(encoder, ranges_of(encoder), in_full=["layers.0.qkv"])
    again = build_quantized(encoder.config, made.state_dict(), where="here")
    with torch.inference_mode():
        assert torch.equal(again(packed([4, 6])), made(packed([4, 6])))


@pytest.mark.parametrize(
    ("name", "value", "code", "found"),
    [
        ("layers.0.qkv.weight", None, "weights-missing", "layers.0.qkv.weight"),
        ("layers.0.qkv.weight", torch.zeros(2, 2, dtype=torch.int8), "weights-shape", "layers.0.qkv.weight"),
        ("layers.0.qkv.weight", torch.zeros(96, 32), "weights-damaged", "float32"),
        ("layers.0.qkv.columns", torch.tensor([0, 1, 2, 32], dtype=torch.int32), "weights-damaged", "from 0 to 32"),
        ("layers.0.qkv.columns", torch.tensor([-1, 1, 2, 3], dtype=torch.int32), "weights-damaged", "from -1 to 3"),
        ("layers.0.qkv.input_scale", torch.tensor(0.0), "weights-damaged", "a step of 0"),
        ("embeddings.word.scale", torch.full((60,), -1.0), "weights-damaged", "a step of -1"),
    ],
)
def test_weights_that_no_rounding_gives_are_refused(
    encoder: FlatEncoder, name: str, value: Tensor | None, code: str, found: str
) -> None:
    """Before anything is computed with them."""
    weights = quantize_encoder(encoder, ranges_of(encoder)).state_dict()
    if value is None:
        del weights[name]
    else:
        weights[name] = value
    with pytest.raises(ArtifactError, match="found") as caught:
        build_quantized(encoder.config, weights, where="here")
    assert caught.value.code == code
    assert found in str(caught.value)
