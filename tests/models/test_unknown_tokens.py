"""Tokens that an encoder has no vector for: told as what they are, on both engines, before torch falls over them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.running import assert_error, run
from tests.cli.small_world import write_base, write_rows
from tests.models.tiny_encoders import N_WORDS, hf_model, saved
from tokenizers import Tokenizer

from tunesmith.errors import ArtifactError
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import Encoder, load_encoder
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.encoders.grouped import GroupedEncoder
from tunesmith.types import PackedTokens

ENGINES = {"bert": FlatEncoder, "mpnet": GroupedEncoder}


@pytest.fixture(params=ENGINES)
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Encoder:
    """A tiny random encoder of each engine."""
    folder = saved(hf_model(request.param), tmp_path)
    found = load_encoder(folder, read_encoder_config(folder))
    assert isinstance(found, ENGINES[request.param])
    return found.eval()


@pytest.mark.parametrize("token", [N_WORDS, 10**6])
def test_a_token_without_a_vector_is_refused(encoder: Encoder, token: int) -> None:
    """By its number, wherever in the batch it stands; the last token that has one is not."""
    sound = PackedTokens(np.array([5, N_WORDS - 1, 6], dtype=np.int32), np.array([3]))
    assert encoder(sound).shape == (3, 32)
    with pytest.raises(ArtifactError, match=f"found +token {token}\n") as caught:
        encoder(PackedTokens(np.array([5, 6, token, 7, 8], dtype=np.int32), np.array([2, 3])))
    assert (caught.value.code, caught.value.exit_code) == ("tokenizer-differs", 3)
    assert caught.value.allowed == f"0 to {N_WORDS - 1}"


def test_a_base_model_with_a_tokenizer_that_was_added_to(tmp_path: Path) -> None:
    """Exit code 3, and what to do."""
    base, data = write_base(tmp_path / "tiny-bert"), write_rows(tmp_path / "tickets.csv")
    n_words = json.loads((base / "config.json").read_text("utf-8"))["vocab_size"]
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    assert tokenizer.add_tokens(["my parcel"]) == 1
    tokenizer.save(str(base / "tokenizer.json"))
    usual = ["--rungs", "probe", "--budget", "none", "--threads", "1", "--offline", "--quiet"]
    ended = run("train", data, "--base", base, *usual, "--out", tmp_path / "m")
    words = [f"token {n_words}", f"0 to {n_words - 1}", "from the same place"]
    assert_error(ended, "tokenizer-differs", *words, code=3)
    assert not (tmp_path / "m").exists()
