"""Which encoding bytes that are not UTF-8 are likely in: advice for a message, never acted upon."""

from __future__ import annotations

import codecs
import re

_SAMPLE = 1 << 16
_SCRIPTS = (  # encoding, what its readable text holds, least share of that among the characters beyond ASCII
    ("shift_jis", re.compile(r"[\u3041-\u30fe]"), 0.3),
    ("euc_jp", re.compile(r"[\u3041-\u30fe]"), 0.3),
    ("euc_kr", re.compile(r"[\uac00-\ud7a3]"), 0.8),
    ("gb18030", re.compile(r"[\u4e00-\u9fff\u3000-\u3011\uff01-\uff5e]"), 0.9),
    ("windows-1251", re.compile(r"[а-яё]"), 0.8),
)


def looks_like_utf16(sample: bytes) -> bool:
    """Tell UTF-16 without its mark by its zero bytes, which no text file in UTF-8 is full of.

    Args:
        sample: The first bytes of the file.

    Returns:
        Whether more than a fifth of the bytes are zero.

    Example:
        >>> looks_like_utf16("text,label".encode("utf-16-le")), looks_like_utf16(b"text,label")
        (True, False)
    """
    return sample.count(0) > 0.2 * len(sample)


def likely_encoding(sample: bytes) -> str | None:
    """Name the encoding that makes the most sense of some bytes.

    Args:
        sample: Bytes that are not valid UTF-8, from the start of a line.

    Returns:
        A name that ``--encoding`` takes, or None when the bytes are all ASCII.

    Example:
        >>> likely_encoding("Préparez le café à 5 €".encode("windows-1252"))
        'windows-1252'
        >>> likely_encoding("你好，我的订单在哪里？".encode("gb18030"))
        'gb18030'
    """
    sample = sample[:_SAMPLE]
    if looks_like_utf16(sample):
        return "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    high = re.findall(rb"[\x80-\xff]+", sample)
    if not high:
        return None
    # Western words hold single accents; in other scripts whole words are beyond ASCII.
    if sum(len(run) for run in high if len(run) > 2) > 0.5 * sum(map(len, high)):
        for name, script, least in _SCRIPTS:
            if _share(sample, name, script) >= least:
                return name
    return "windows-1252" if _decodes(sample, "windows-1252") else "latin-1"


def _decodes(sample: bytes, encoding: str) -> str | None:
    """The text, where the bytes are valid; the last character may be cut."""
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(sample)
    except UnicodeDecodeError:
        return None


def _share(sample: bytes, encoding: str, script: re.Pattern[str]) -> float:
    beyond = [char for char in _decodes(sample, encoding) or "" if char > "\x7f"]
    return sum(map(bool, map(script.match, beyond))) / len(beyond) if beyond else 0.0
