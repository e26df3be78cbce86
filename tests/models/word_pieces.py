"""A WordPiece tokenizer with the same ids in every process; one that is trained numbers its pieces anew each time."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def word_pieces(texts: Iterable[str]) -> Tokenizer:
    """As BERT has it, uncased: special tokens, then the characters of the texts, alone and within words, then words."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words = {word for text in texts for word in _words(tokenizer, text)}
    characters = sorted({character for word in words for character in word})
    pieces = dict.fromkeys([*SPECIAL, *characters, *(f"##{character}" for character in characters), *sorted(words)])
    tokenizer.model = models.WordPiece(vocab={piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]")
    tokenizer.add_special_tokens(list(SPECIAL))
    ids = [(piece, SPECIAL.index(piece)) for piece in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ids)
    return tokenizer


def _words(tokenizer: Tokenizer, text: str) -> list[str]:
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))]
