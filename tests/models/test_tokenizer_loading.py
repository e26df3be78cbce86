"""Loading tokenizer.json by anybody: cut and padded nowhere behind our back, refused when it is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.models.tiny_encoders import tiny_config
from tokenizers import Tokenizer, models

from tunesmith.errors import ArtifactError
from tunesmith.models import tokenizers as subject
from tunesmith.models.tokenizers import load_tokenizer, max_seq_length
from tunesmith.types import JSON


def word_level(**changes: JSON) -> dict[str, JSON]:
    """A tokenizer of three words."""
    content: dict[str, JSON] = json.loads(Tokenizer(models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?")).to_str())
    return content | changes


def written(folder: Path, content: JSON) -> Path:
    """A folder with this tokenizer.json."""
    (folder / "tokenizer.json").write_text(json.dumps(content))
    return folder


def test_its_own_truncation_and_padding_are_switched_off(tmp_path: Path) -> None:
    """all-MiniLM-L6-v2 comes with both at 128: ids would be cut and padded behind our back."""
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    loaded = load_tokenizer(tmp_path)
    assert loaded.truncation is None
    assert loaded.padding is None
    assert loaded.encode("a", add_special_tokens=False).ids == [0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([], "no model"),
        ({}, "no model"),
        (word_level(model=3), "no model"),
        (word_level(model={"type": "WordLevel"}), "no vocabulary"),
        (word_level(model={"type": "WordLevel", "vocab": 3}), "no vocabulary"),
        (word_level(model={"type": "Script", "vocab": {"a": 0}}), 'type "Script"'),
        (word_level(model={"vocab": {"a": 0}}), 'type "None"'),
        (word_level(model={"type": "WordLevel", "vocab": {}}), "vocabulary of 0"),
        (word_level(added_tokens="x"), "added tokens"),
        (word_level(added_tokens=[{}] * 10_001), "added tokens"),
        (word_level(model={"type": "WordLevel", "vocab": {"a": "zero"}}), "found"),
        (word_level(pre_tokenizer={"type": "Unheard"}), "found"),
    ],
)
def test_what_is_no_tokenizer_is_refused(content: JSON, told: str, tmp_path: Path) -> None:
    """Each with what was met, exit 3."""
    with pytest.raises(ArtifactError, match=told) as refused:
        load_tokenizer(written(tmp_path, content))
    assert refused.value.code == "tokenizer-damaged"
    assert refused.value.exit_code == 3


def test_a_vocabulary_beyond_any_reason_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is checked before the native code builds its tables."""
    monkeypatch.setattr(subject, "_MAX_VOCABULARY", 2)
    with pytest.raises(ArtifactError, match="vocabulary of 3"):
        load_tokenizer(written(tmp_path, word_level()))


def test_a_file_beyond_any_reason_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is checked before the file is read."""
    monkeypatch.setattr(subject, "_MAX_BYTES", 10)
    with pytest.raises(ArtifactError, match="at most 10 bytes"):
        load_tokenizer(written(tmp_path, word_level()))


def test_a_panic_of_the_native_code_becomes_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A panic derives from BaseException alone; it must not pass for a crash of ours, and Ctrl-C must pass."""

    class Panic(BaseException):
        pass

    def panicking(error: BaseException) -> type:
        class Native:
            @staticmethod
            def from_buffer(data: bytes) -> Tokenizer:
                raise error

        return Native

    folder = written(tmp_path, word_level())
    monkeypatch.setattr(subject, "Tokenizer", panicking(Panic("index out of bounds")))
    with pytest.raises(ArtifactError, match="index out of bounds"):
        load_tokenizer(folder)
    monkeypatch.setattr(subject, "Tokenizer", panicking(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        load_tokenizer(folder)


@pytest.mark.parametrize("vocabulary", [{"a": 0}, [["a", 0.0]]])
def test_an_unnamed_kind_of_old_files_is_told_by_its_keys(vocabulary: JSON) -> None:
    """Files of before 2021 do not name the model's type."""
    assert subject._kind_of({"vocab": vocabulary, "merges": []}) == "BPE"
    assert subject._kind_of({"vocab": vocabulary, "max_input_chars_per_word": 100}) == "WordPiece"
    assert subject._kind_of({"vocab": vocabulary}) == ("Unigram" if isinstance(vocabulary, list) else None)


@pytest.mark.parametrize(
    ("model_type", "positions", "stated", "expected"),
    [
        ("bert", 512, {"max_seq_length": 256}, 256),
        ("bert", 512, {"max_seq_length": None}, 512),
        ("bert", 512, None, 512),
        ("bert", 128, {"max_seq_length": 256}, 128),
        ("roberta", 514, None, 512),
        ("roberta", 514, {"max_seq_length": 514}, 512),
        ("roberta", 24, None, 22),
        ("modernbert", 8192, None, 512),
        ("modernbert", 8192, {"max_seq_length": 1024}, 1024),
    ],
)
def test_the_limit_is_what_the_model_was_made_for(
    model_type: str, positions: int, stated: JSON, expected: int, tmp_path: Path
) -> None:
    """What the folder says, else 512; never more than there are positions behind the offset."""
    if stated is not None:
        (tmp_path / "sentence_bert_config.json").write_text(json.dumps(stated))
    assert max_seq_length(tmp_path, tiny_config(model_type, max_position_embeddings=positions)) == expected


@pytest.mark.parametrize("stated", [-1, 2, "256", 256.0, True])
def test_a_limit_that_cannot_be_is_refused(stated: JSON, tmp_path: Path) -> None:
    """A window must hold two special tokens and one of the text."""
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": stated}))
    with pytest.raises(ArtifactError, match="max_seq_length"):
        max_seq_length(tmp_path, tiny_config("bert"))
