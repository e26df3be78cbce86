"""Loading a tokenizer that may have been written by anybody, and how much it may give the encoder at once."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from tunesmith.errors import ArtifactError, plural, quote
from tunesmith.files.reading import parse_json, read_json, read_limited
from tunesmith.models.encoder_config import EncoderConfig
from tunesmith.types import JSON

_MAX_BYTES = 64 * 1024 * 1024
_MAX_VOCABULARY = 1_000_000
_MAX_ADDED = 10_000
_KINDS = ("BPE", "Unigram", "WordLevel", "WordPiece")
_USUAL_MAX = 512


def load_tokenizer(folder: Path) -> Tokenizer:
    """Load the tokenizer of a model folder, its own truncation and padding switched off.

    Sentence-transformers save both switched on: ids would be cut and padded behind our back.

    Args:
        folder: Holds ``tokenizer.json``.

    Returns:
        The tokenizer.

    Raises:
        ArtifactError: ``tokenizer-damaged`` for what is not a tokenizer of a known kind, or any refusal to read.
    """
    path = folder / "tokenizer.json"
    data = read_limited(path, _MAX_BYTES)
    _check(parse_json(data, where=str(path)), path)
    try:
        tokenizer = Tokenizer.from_buffer(data)
    except BaseException as error:  # a panic of the native code derives from BaseException alone
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise _damaged(path, f"{str(error)[:200]}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def n_ids(tokenizer: Tokenizer) -> int:
    """Count the ids that a tokenizer can give, gaps among them included.

    Args:
        tokenizer: Loaded.

    Returns:
        The highest id and one.
    """
    return max(tokenizer.get_vocab().values(), default=-1) + 1


def _check(content: JSON, path: Path) -> None:
    """Check kind and size before the native code builds its tables."""
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict):
        raise _damaged(path, "no model")
    vocabulary = model.get("vocab")
    if not isinstance(vocabulary, dict | list):
        raise _damaged(path, "no vocabulary")
    kind = model.get("type") or _kind_of(model)  # files of before 2021 do not name it
    if kind not in _KINDS:
        raise _damaged(path, f"a model of type {quote(str(kind))}")
    added = content.get("added_tokens") or []
    if not isinstance(added, list) or len(added) > _MAX_ADDED:
        raise _damaged(path, "added tokens that are not a list of a plausible length")
    if not 0 < len(vocabulary) <= _MAX_VOCABULARY:
        raise _damaged(path, f"a vocabulary of {len(vocabulary):,} {plural(len(vocabulary), 'piece')}")


def _kind_of(model: dict[str, JSON]) -> str | None:
    """Guess the unnamed kind from the keys that only it has."""
    if "merges" in model:
        return "BPE"
    if "max_input_chars_per_word" in model:
        return "WordPiece"
    return "Unigram" if isinstance(model["vocab"], list) else None


def _damaged(path: Path, found: str) -> ArtifactError:
    return ArtifactError(
        "tokenizer-damaged",
        "this is not a tokenizer we can use",
        where=str(path),
        found=found,
        allowed=f"a model of type {', '.join(_KINDS)} with at most {_MAX_VOCABULARY:,} pieces",
        advice="take tokenizer.json from where the base model was published again",
    )


def max_seq_length(folder: Path, config: EncoderConfig) -> int:
    """Say how many tokens the encoder takes at once, special tokens included.

    Args:
        folder: A base model or a bundle; ``sentence_bert_config.json`` in it says what the model was trained for.
        config: The encoder's shape.

    Returns:
        What the folder says, where it says something; else 512, or fewer where the position table is shorter.

    Raises:
        ArtifactError: ``config-damaged`` where the folder says something that cannot be.
    """
    room = config.max_position_embeddings - config.position_offset
    path = folder / "sentence_bert_config.json"
    stated = read_json(path) if path.is_file() else {}
    if not isinstance(stated, dict):
        raise ArtifactError("config-damaged", "this is not a JSON object", where=str(path))
    limit = stated.get("max_seq_length")
    if limit is None:
        return min(_USUAL_MAX, room)
    if type(limit) is not int or limit < 3:
        raise ArtifactError(
            "config-damaged",
            "max_seq_length cannot be used",
            where=str(path),
            found=quote(str(limit)),
            allowed=f"3 to {room}",
        )
    return min(limit, room)
