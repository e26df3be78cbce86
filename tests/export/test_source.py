"""What an export takes from a bundle, and a tokenizer that prepares texts by itself."""

from __future__ import annotations

import pytest
from tests.data.tiny_tokenizers import TOKENIZERS, base_tokenizer
from tokenizers import Tokenizer

from tunesmith.data.prepare import Form, prepare_text
from tunesmith.data.tokenize import frame_of, tokenize
from tunesmith.export.source import with_preparation

RAW = [
    "",
    "  two\r\nlines \x00 ",
    "tab\there\x85next\x9f",
    "\u3000wide space\u00a0",
    "e\u0301 Ünïcode ﬁne ＡＢＣ",
    "漢字 🙂",
    "the cat sat,\n\n on the mat?",
]


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
@pytest.mark.parametrize("kind", [*TOKENIZERS, "base"])
def test_the_exported_tokenizer_prepares_texts_as_we_do(kind: str, form: Form) -> None:
    """Raw texts through its file give the tokens that prepared texts give here."""
    tokenizer = base_tokenizer() if kind == "base" else TOKENIZERS[kind]()
    copy = Tokenizer.from_str(with_preparation(tokenizer, form).to_str())
    assert copy.truncation is None
    assert copy.padding is None
    expected = tokenize([prepare_text(text, form) for text in RAW], tokenizer, max_seq_length=64)
    found = [copy.encode(text).ids or [0] for text in RAW]  # of nothing at all, one token
    assert [token for ids in found for token in ids] == expected.input_ids.tolist()


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_the_frame_is_what_stands_around_a_text(kind: str) -> None:
    """Special tokens and token types, whatever side they are on."""
    tokenizer = TOKENIZERS[kind]()
    frame = frame_of(tokenizer)
    encoded, inside = tokenizer.encode("the cat"), tokenizer.encode("the cat", add_special_tokens=False).ids
    assert [*frame.before, *inside, *frame.after] == encoded.ids
    types = [*frame.types_before, *[frame.type_inside] * len(inside), *frame.types_after]
    assert types == encoded.type_ids
