"""One rate of dropout for every architecture, whatever its config says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.models.tiny_encoders import FLAT, GROUPED, hf_model, packed, saved, tiny_config

from tunesmith.models.adaptation import adapted
from tunesmith.models.encoders import Encoder, load_encoder
from tunesmith.models.low_rank import LowRank
from tunesmith.models.methods import METHODS


def loaded(model_type: str, folder: Path, *, dropout: float) -> Encoder:
    """An encoder as it comes from the disk, about to be trained."""
    saved(hf_model(model_type, dropout=dropout), folder)
    torch.manual_seed(0)
    return load_encoder(folder, tiny_config(model_type, dropout=dropout)).train()


@pytest.mark.parametrize("model_type", [*FLAT, *GROUPED])
def test_a_rate_of_zero_leaves_nothing_to_chance(model_type: str, tmp_path: Path) -> None:
    """In training as in evaluation."""
    encoder, tokens = loaded(model_type, tmp_path, dropout=0.3), packed([5, 7])
    assert not torch.allclose(encoder(tokens), encoder(tokens))
    encoder.set_dropout(0.0)
    trained = encoder(tokens)
    torch.testing.assert_close(trained, encoder.eval()(tokens), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model_type", [*FLAT, *GROUPED])
def test_a_rate_acts_as_if_the_config_had_it(model_type: str, tmp_path: Path) -> None:
    """The same decisions from the same seed, to the bit."""
    tokens, found = packed([5, 7]), []
    for rate in (0.3, 0.1):
        encoder = loaded(model_type, tmp_path / str(rate), dropout=rate)
        encoder.set_dropout(0.3)
        torch.manual_seed(1)
        found.append(encoder(tokens))
    assert torch.equal(*found)


@pytest.mark.parametrize("model_type", ["bert", "mpnet"])
def test_what_a_method_puts_in_keeps_its_own_rate(model_type: str, tmp_path: Path) -> None:
    """It has an option of its own."""
    method = METHODS.member("lora").build(METHODS.options("lora", {"dropout": 0.25}))
    encoder = adapted(loaded(model_type, tmp_path, dropout=0.1), method, seed=0).encoder
    encoder.set_dropout(0.5)
    rates = {module.dropout for module in encoder.modules() if isinstance(module, LowRank)}
    assert rates == {0.25}
