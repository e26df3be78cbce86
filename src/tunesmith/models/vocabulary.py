"""A WordPiece vocabulary cut down to what is used, in which every word can still be spelled.

WordPiece (Wu et al. 2016) takes the longest piece that a word begins with, then the longest that goes on from there,
and so on; a word that it cannot end in this way becomes the one token for the unknown. Where every character has a
piece of its own, at the beginning of a word and within one, there is always a next piece; so of a vocabulary that keeps
these, any others may go, and what was no unknown word does not become one. A text all of whose pieces are kept becomes
the same tokens as before: a longest piece stays the longest.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence

from tokenizers import Tokenizer

from tunesmith.types import JSON


def unspelled(tokenizer: Tokenizer) -> list[str] | None:
    """Find pieces with a character that has no piece of its own where it stands in them.

    Args:
        tokenizer: Left as it is.

    Returns:
        Those pieces, of a vocabulary that cannot be cut safely; none of one that can; None where it is no WordPiece.
        Pieces that are cut up before they are looked for, such as ``[unused7]``, spell nothing and are not among them.
    """
    model = json.loads(tokenizer.to_str())["model"]
    if model["type"] != "WordPiece":
        return None
    prefix, pieces = model["continuing_subword_prefix"], set(model["vocab"])
    whole = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    fragile = (piece for piece in pieces - whole if not pieces.issuperset(_characters(piece, prefix)))
    return sorted(piece for piece in fragile if len(_words(tokenizer, _bare(piece, prefix))) == 1)


def pieces_to_keep(tokenizer: Tokenizer, used: Collection[int], *, at_least: int) -> list[int]:
    """Choose what a vocabulary keeps: special tokens, single characters, what is used, and then the commonest.

    Args:
        tokenizer: A WordPiece; left as it is.
        used: Tokens that must stay.
        at_least: Tokens to keep where fewer must stay. Vocabularies are in the order of how common a piece is, so the
            lowest numbers fill up, but for those that no text can hold, such as ``[unused7]``.

    Returns:
        Numbers of tokens, ascending.
    """
    model = json.loads(tokenizer.to_str())["model"]
    prefix, vocabulary = model["continuing_subword_prefix"], model["vocab"]
    kept = {*used, *tokenizer.get_added_tokens_decoder()}
    kept |= {number for piece, number in vocabulary.items() if len(_bare(piece, prefix)) == 1}
    for number, piece in sorted((number, piece) for piece, number in vocabulary.items() if number not in kept):
        if len(kept) >= at_least:
            break
        if _can_occur(tokenizer, _bare(piece, prefix)):
            kept.add(number)
    return sorted(kept)


def cut(tokenizer: Tokenizer, kept: Sequence[int]) -> Tokenizer:
    """Leave pieces out and number the others anew.

    Args:
        tokenizer: A WordPiece; left as it is.
        kept: Numbers of tokens, ascending; a special token keeps its name and gets the number of its place.

    Returns:
        The smaller tokenizer.
    """
    told = json.loads(tokenizer.to_str())
    new = {old: number for number, old in enumerate(kept)}
    vocabulary = sorted((number, piece) for piece, number in told["model"]["vocab"].items() if number in new)
    told["model"]["vocab"] = {piece: new[number] for number, piece in vocabulary}
    told["added_tokens"] = [{**token, "id": new[token["id"]]} for token in told["added_tokens"]]
    told["post_processor"] = _renumbered(told["post_processor"], new)
    return Tokenizer.from_str(json.dumps(told, ensure_ascii=False))


def misspelled(before: Tokenizer, after: Tokenizer) -> list[str]:
    """Let a smaller vocabulary spell every piece of a larger one, alone and within a word.

    Args:
        before: The larger, a WordPiece.
        after: The smaller.

    Returns:
        Words in which it has more unknown tokens than the larger one.
    """
    model = json.loads(before.to_str())["model"]
    prefix, unknown = model["continuing_subword_prefix"], model["unk_token"]
    bare = [_bare(piece, prefix) for piece in model["vocab"]]
    opening = next((piece for piece in model["vocab"] if len(piece) == 1 and piece.isalpha()), "")
    words = [*bare, *(opening + piece for piece in bare)]
    old, new = (
        [encoding.tokens.count(unknown) for encoding in tokenizer.encode_batch(words)] for tokenizer in (before, after)
    )
    return [word for word, was, is_now in zip(words, old, new, strict=True) if is_now > was]


def _bare(piece: str, prefix: str) -> str:
    return piece.removeprefix(prefix) or piece


def _characters(piece: str, prefix: str) -> Iterator[str]:
    """The pieces that spell a piece character by character."""
    bare = _bare(piece, prefix)
    within = bare != piece
    for place, character in enumerate(bare):
        yield f"{prefix}{character}" if within or place else character


def _words(tokenizer: Tokenizer, text: str) -> list[str]:
    """What a text is cut into before pieces are looked for."""
    if tokenizer.pre_tokenizer is None:
        return [text]
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]


def _can_occur(tokenizer: Tokenizer, text: str) -> bool:
    """Whether a text, as it stands, can be a piece of a word."""
    if tokenizer.normalizer is not None and tokenizer.normalizer.normalize_str(text) != text:
        return False
    return _words(tokenizer, text) == [text]


def _renumbered(processor: JSON, new: Mapping[int, int]) -> JSON:
    """What puts special tokens around a text, with their new numbers."""
    if processor is None:
        return None
    changed = dict(processor)
    for name in ("sep", "cls"):
        if name in changed:  # BertProcessing, RobertaProcessing
            token, number = changed[name]
            changed[name] = [token, new[number]]
    if "processors" in changed:
        changed["processors"] = [_renumbered(part, new) for part in changed["processors"]]
    if "special_tokens" in changed:
        changed["special_tokens"] = {
            name: {**token, "ids": [new[number] for number in token["ids"]]}
            for name, token in changed["special_tokens"].items()
        }
    return changed
