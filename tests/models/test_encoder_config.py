"""A config.json by anybody: what we know gets through with its values, everything else is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.models.tiny_encoders import FLAT, GROUPED, tiny_config, tiny_json

from tunesmith.errors import ArtifactError
from tunesmith.models.architectures import ARCHITECTURES
from tunesmith.models.encoder_config import parse_encoder_config, read_encoder_config

BERT_BASE = {
    "_name_or_path": "nreimers/MiniLM-L6-H384-uncased",
    "architectures": ["BertModel"],
    "attention_probs_dropout_prob": 0.1,
    "gradient_checkpointing": False,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 384,
    "initializer_range": 0.02,
    "intermediate_size": 1536,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "num_attention_heads": 12,
    "num_hidden_layers": 6,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "transformers_version": "4.8.2",
    "type_vocab_size": 2,
    "use_cache": True,
    "vocab_size": 30522,
}
"""The config of all-MiniLM-L6-v2 as it was published."""

HOSTILE = {
    "auto_map": {"AutoModel": "someone/repository--modeling.Evil"},
    "_attn_implementation_internal": "someone/kernel",
    "_attn_implementation": "eager",
    "attn_implementation": "flash_attention_2",
    "custom_pipelines": {"text-classification": {"impl": "pipeline.Evil"}},
    "quantization_config": {"quant_method": "evil"},
    "vocab_sise": 3,
    "trust_remote_code": True,
}


def test_the_published_config_of_the_default_base_is_understood() -> None:
    """Shape and rates arrive under our names; remarks are dropped."""
    config = parse_encoder_config(BERT_BASE, where="config.json")
    assert (config.hidden_size, config.num_hidden_layers, config.embedding_size) == (384, 6, 384)
    assert config.is_flat
    assert config.position_offset == 0
    assert "_name_or_path" not in config.hf
    assert config.hf["hidden_size"] == 384


def test_distilbert_says_the_same_under_other_names() -> None:
    """``dim`` is ``hidden_size``, and so on; there are no token types."""
    config = tiny_config("distilbert", activation="relu", dropout=0.25)
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == (32, 2, 4)
    assert (config.intermediate_size, config.hidden_act, config.hidden_dropout_prob) == (48, "relu", 0.25)
    assert config.type_vocab_size == 0


@pytest.mark.parametrize(("model_type", "offset"), [("bert", 0), ("roberta", 2), ("mpnet", 2), ("deberta-v2", 0)])
def test_positions_begin_where_the_family_has_them(model_type: str, offset: int) -> None:
    """RoBERTa's family counts positions from behind the padding token's number."""
    assert tiny_config(model_type).position_offset == offset


def test_narrow_word_vectors_are_told() -> None:
    """ELECTRA's word vectors may be narrower than its layers, BERT's are not."""
    assert tiny_config("electra").embedding_size == 16
    assert tiny_config("bert").embedding_size == 32


@pytest.mark.parametrize("model_type", FLAT + GROUPED)
def test_every_architecture_knows_whether_it_is_flat(model_type: str) -> None:
    """The flat engine takes BERT's nearest kin and no other."""
    assert tiny_config(model_type).is_flat == (model_type in FLAT)
    assert set(ARCHITECTURES) == {*FLAT, *GROUPED}


@pytest.mark.parametrize("key", HOSTILE)
def test_a_key_that_is_not_known_is_refused_by_name(key: str) -> None:
    """What a library might do with a key that we do not know is not known either: exit 3."""
    with pytest.raises(ArtifactError, match=f'"{key}" is not a key') as refused:
        parse_encoder_config(BERT_BASE | {key: HOSTILE[key]}, where="config.json")
    assert refused.value.code == "config-unsafe"
    assert refused.value.exit_code == 3


@pytest.mark.parametrize("key", [*BERT_BASE, "id2label", "classifier_dropout"])
@pytest.mark.parametrize(
    "value",
    [
        "https://evil.example/model",
        ["hf://someone/kernel"],
        {"a": {"b": ["ftp://x"]}},
        {"file:///etc/passwd": 1},
        [[[[[[1]]]]]],
    ],
    ids=["url", "list", "nested", "as_key", "too_deep"],
)
def test_an_address_is_refused_wherever_it_stands(key: str, value: object) -> None:
    """No value of any key may lead to another place, be it in a remark that we drop."""
    with pytest.raises(ArtifactError) as refused:
        parse_encoder_config(BERT_BASE | {key: value}, where="config.json")
    assert refused.value.code == ("config-unsupported" if key == "model_type" else "config-unsafe")
    assert refused.value.exit_code == 3


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_size", 10**12),
        ("hidden_size", -384),
        ("hidden_size", 0),
        ("hidden_size", "384"),
        ("hidden_size", 384.0),
        ("hidden_size", True),
        ("hidden_size", None),
        ("num_hidden_layers", 10**9),
        ("vocab_size", 10**10),
        ("max_position_embeddings", -1),
        ("num_attention_heads", [12]),
        ("hidden_dropout_prob", 1.0),
        ("hidden_dropout_prob", -0.1),
        ("layer_norm_eps", 0.0),
        ("layer_norm_eps", "tiny"),
        ("hidden_act", "os.system"),
        ("hidden_act", None),
        ("pad_token_id", -1),
        ("type_vocab_size", 0),
        ("position_embedding_type", "relative_key"),
        ("is_decoder", True),
        ("add_cross_attention", True),
        ("pruned_heads", {"0": [1, 2]}),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(key: str, value: object) -> None:
    """Wrong type, out of range, or another computation than ours: the key is named, exit 3."""
    with pytest.raises(ArtifactError, match=key) as refused:
        parse_encoder_config(BERT_BASE | {key: value}, where="config.json")
    assert refused.value.code == "config-damaged"
    assert refused.value.exit_code == 3


@pytest.mark.parametrize("model_type", FLAT + GROUPED)
def test_every_key_that_is_passed_on_refuses_what_it_is_not(model_type: str) -> None:
    """Each key of each architecture, with an address, a name, a huge and a negative number, a list and null."""
    known = ARCHITECTURES[model_type].model_fields
    for key in known:
        for value in ("https://evil.example", "someone/repository", "../../etc", 10**30, -(10**30), [[1]], {"a": 1}):
            with pytest.raises(ArtifactError, match=key):
                parse_encoder_config(tiny_json(model_type) | {key: value}, where="config.json")
        if not known[key].is_required() and known[key].default is None:
            continue
        with pytest.raises(ArtifactError, match=key):
            parse_encoder_config(tiny_json(model_type) | {key: None}, where="config.json")


@pytest.mark.parametrize("model_type", ["gpt2", "Bert", "lightglue", 7, None, ["bert"], "../bert"])
def test_an_architecture_we_do_not_know_is_refused(model_type: object) -> None:
    """No library is asked what it would make of an unknown name."""
    with pytest.raises(ArtifactError, match="model_type") as refused:
        parse_encoder_config(BERT_BASE | {"model_type": model_type}, where="config.json")
    assert refused.value.code == "config-unsupported"


def test_the_nearest_architecture_is_offered() -> None:
    """A misspelt name is told with the one that was likely meant."""
    with pytest.raises(ArtifactError, match="nearest: modernbert"):
        parse_encoder_config(BERT_BASE | {"model_type": "modern_bert"}, where="config.json")


def test_a_missing_size_is_refused_by_name() -> None:
    """Sizes are never guessed."""
    config = {key: value for key, value in BERT_BASE.items() if key != "num_attention_heads"}
    with pytest.raises(ArtifactError, match="num_attention_heads"):
        parse_encoder_config(config, where="config.json")


def test_heads_must_share_the_width_evenly() -> None:
    """A width of 384 in 7 heads cannot be."""
    with pytest.raises(ArtifactError, match="num_attention_heads 7"):
        parse_encoder_config(BERT_BASE | {"num_attention_heads": 7}, where="config.json")


@pytest.mark.parametrize("content", ["[1]", '"bert"', "7"])
def test_a_config_that_is_no_object_is_refused(content: str, tmp_path: Path) -> None:
    """A list or a text is no config."""
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ArtifactError, match="not a JSON object"):
        read_encoder_config(tmp_path)


def test_a_config_is_read_from_its_file(tmp_path: Path) -> None:
    """The file's name stands in the error."""
    (tmp_path / "config.json").write_text(json.dumps(BERT_BASE))
    assert read_encoder_config(tmp_path).hidden_size == 384
    (tmp_path / "config.json").write_text(json.dumps(BERT_BASE | {"auto_map": {}}))
    with pytest.raises(ArtifactError, match=r"config\.json"):
        read_encoder_config(tmp_path)
