"""Networks trained from scratch against torch's own modules on padded batches: outputs and gradients.

torch reads rows of one length, padded with zeros: ``nn.Conv1d`` with zeros on either side, cells over rows packed by
torch itself, ``nn.TransformerEncoder`` with a mask over the padding. Tolerance: sums are added up in another order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.tiny_encoders import packed
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from tunesmith.models.body import Body
from tunesmith.models.networks import NETWORKS
from tunesmith.models.networks.transformer import _waves
from tunesmith.types import PackedTokens

E = 8
LENGTHS = [1, 2, 3, 3, 6, 11]
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def body_of(name: str, **options: Any) -> Body:
    """A body with weights that are all large enough to matter, biases too."""
    built: Body = NETWORKS.member(name).build(NETWORKS.options(name, options), E)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
    return built.eval()


def compare(body: Body, reference: nn.Module, padded: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Hold outputs, the gradient of the inputs, and the sum of all gradients of weights to those of the reference."""
    tokens = packed(LENGTHS)
    vectors = torch.randn(len(tokens.input_ids), E, generator=torch.Generator().manual_seed(1), requires_grad=True)
    lengths = torch.tensor(tokens.lengths)
    found = body(vectors, tokens, None)
    rows = pad_sequence(vectors.split(tokens.lengths.tolist()), batch_first=True)
    expected = torch.cat([row[:length] for row, length in zip(padded(rows, lengths), lengths, strict=True)])
    torch.testing.assert_close(found, expected, **CLOSE)
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(2))
    gradients = [
        torch.autograd.grad((values * weights).sum(), [vectors, *module.parameters()], retain_graph=True)
        for values, module in ((found, body), (expected, reference))
    ]
    torch.testing.assert_close(gradients[0][0], gradients[1][0], rtol=1e-4, atol=1e-5)
    assert float(gradients[0][0].abs().min(dim=1).values.max()) > 0.0
    norms = [sorted(float(part.norm()) for part in found[1:] if part.norm() > 0.0) for found in gradients]
    np.testing.assert_allclose(*norms, rtol=1e-4)


@pytest.mark.parametrize("widths", [(3, 4, 5), (1, 2), (7,)])
def test_filters_are_those_of_conv1d(widths: tuple[int, ...]) -> None:
    """Of odd and even widths, wider than some texts; a window never reaches into the neighbouring text."""
    body = body_of("cnn", widths=widths, filters=6)
    convolutions = nn.ModuleList(nn.Conv1d(E, 6, width) for width in widths)
    for ours, theirs in zip(body.filters, convolutions, strict=True):
        with torch.no_grad():
            theirs.weight.copy_(ours.weight.view(6, theirs.kernel_size[0], E).transpose(1, 2))
            theirs.bias.copy_(ours.bias)

    def padded(rows: Tensor, lengths: Tensor) -> Tensor:
        del lengths  # padded with zeros as it is
        wider = [nn.functional.pad(rows.transpose(1, 2), ((width - 1) // 2, width // 2)) for width in widths]  # "same"
        found = [each(line) for each, line in zip(convolutions, wider, strict=True)]
        return torch.cat(found, dim=1).relu().transpose(1, 2)

    compare(body, convolutions, padded)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("name", "cells"), [("rnn", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)])
def test_cells_are_those_of_torch(name: str, cells: type[nn.RNNBase], layers: int) -> None:
    """Both directions, of every text from its own first and last word."""
    body = body_of(name, hidden_size=5, num_hidden_layers=layers)
    theirs = cells(E, 5, layers, bidirectional=True, batch_first=True)
    theirs.load_state_dict(body.cells.state_dict())

    def padded(rows: Tensor, lengths: Tensor) -> Tensor:
        steps = pack_padded_sequence(rows, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(theirs(steps)[0], batch_first=True)[0]

    compare(body, theirs, padded)


def test_layers_are_those_of_torch_s_transformer() -> None:
    """Normalised after each part as Vaswani et al. do, GELU, padding masked."""
    body = body_of("transformer", hidden_size=E, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12)
    layer = nn.TransformerEncoderLayer(E, 2, 12, 0.0, "gelu", layer_norm_eps=1e-12, batch_first=True)
    theirs = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    names = {
        "self_attn.in_proj_": "qkv.",
        "self_attn.out_proj.": "attention_out.",
        "linear1.": "grow.",
        "linear2.": "shrink.",
        "norm1.": "attention_norm.",
        "norm2.": "output_norm.",
    }
    state = {}
    for name in theirs.state_dict():
        ours = next(name.replace(part, other) for part, other in names.items() if part in name)
        state[name] = body.state_dict()[ours]
    theirs.load_state_dict(state)
    norm = body.norm

    def padded(rows: Tensor, lengths: Tensor) -> Tensor:
        beyond = torch.arange(rows.shape[1]) >= lengths[:, None]
        waves = _waves(np.array([rows.shape[1]]), rows[0])
        return theirs(norm(rows + waves), src_key_padding_mask=beyond)

    compare(body, nn.ModuleList([norm, theirs]), padded)


def test_places_are_told_as_in_the_paper() -> None:
    """Sines at even, cosines at odd values; wave lengths grow from 2 pi; Vaswani et al. 2017, section 3.5."""
    waves = _waves(np.array([2, 5]), torch.zeros(7, 6)).numpy()
    for row, place in enumerate([0, 1, 0, 1, 2, 3, 4]):
        for value in range(6):
            angle = place / 10_000 ** (2 * (value // 2) / 6)
            assert waves[row, value] == pytest.approx((np.sin, np.cos)[value % 2](angle), abs=1e-6)


def test_a_network_costs_its_matrix_products() -> None:
    """Counted by hand: a multiplication and an addition for each weight and word; attention for each pair of words."""
    lengths = np.array([2, 4])
    counted = {
        ("cnn", ()): 2 * 6 * (3 + 4 + 5) * E * 100,
        ("rnn", ("hidden_size",)): 2 * 6 * 2 * (E * 4 + 4 * 4),
        ("lstm", ("hidden_size",)): 2 * 6 * 2 * 4 * (E * 4 + 4 * 4),
        ("gru", ("hidden_size",)): 2 * 6 * 2 * 3 * (E * 4 + 4 * 4),
    }
    for (name, small), flops in counted.items():
        assert body_of(name, **dict.fromkeys(small, 4)).forward_flops(lengths) == flops, name
    transformer = body_of(
        "transformer", hidden_size=4, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12
    )
    assert transformer.forward_flops(lengths) == 6 * (8 * 16 + 4 * 4 * 12) + 4 * 4 * (4 + 16) + 2 * 6 * E * 4


def test_tokens_of_other_texts_change_nothing() -> None:
    """The first text alone, and between others: every kind must see it alike."""
    tokens = packed(LENGTHS)
    vectors = torch.randn(len(tokens.input_ids), E, generator=torch.Generator().manual_seed(3))
    for name in NETWORKS.names():
        body, start = body_of(name), sum(LENGTHS[:4])
        alone = PackedTokens(tokens.input_ids[start : start + 6], np.array([6]))
        torch.testing.assert_close(
            body(vectors[start : start + 6], alone, None), body(vectors, tokens, None)[start : start + 6], **CLOSE
        )
