"""Bytes to lines of text: UTF-8, a byte order mark, or an encoding the user named; never a silent guess."""

from __future__ import annotations

import codecs
import difflib
import encodings.aliases
import io
from collections.abc import Iterator
from dataclasses import dataclass

from tunesmith.data.likely_encoding import likely_encoding, looks_like_utf16
from tunesmith.errors import DataError, quote

_BLOCK = 1 << 18
_MAX_LINE = 1 << 22
_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decoded_lines(stream: io.BufferedIOBase, *, source: str, encoding: str | None = None) -> Iterator[str]:
    r"""Yield the lines of a byte stream with their ends (``\n``, ``\r\n`` or ``\r``), a block in memory at a time.

    Args:
        stream: Bytes from the start of the file.
        source: Name of the file for messages.
        encoding: Name of the encoding; left out, UTF-8, or UTF-16 or UTF-32 where the file begins with its mark.

    Yields:
        Lines; a byte order mark is not part of the first.

    Raises:
        DataError: ``unknown-encoding``; ``bad-byte``, with its line, its place and what the file is likely to be;
            ``line-too-long``, beyond four million characters.

    Example:
        >>> list(decoded_lines(io.BytesIO(b"text\r\nnot\x85 a line end"), source="a.csv", encoding="windows-1252"))
        ['text\r\n', 'not… a line end']
    """
    block = _first_block(stream)
    codec = _codec(block, encoding)
    decoder = codecs.getincrementaldecoder(codec)("strict")
    ends = io.IncrementalNewlineDecoder(decoder, translate=False)  # keeps a \r back until it knows what follows
    n_bytes, n_lines, rest = 0, 0, ""
    if codec == "utf-8" and encoding is None and looks_like_utf16(block):
        raise _bad_byte(_Place(1, block.index(0), block, block.index(0)), source, codec, encoding=encoding)
    while True:
        n_bytes += len(block)
        try:
            text = ends.decode(block, final=not block)
        except UnicodeDecodeError as error:
            before = rest + error.object[: error.start].decode(codec, "ignore")
            line = n_lines + len(_split(before + "x"))
            offset = n_bytes - len(error.object) + error.start
            place = _Place(line, offset, error.object, error.start)
            raise _bad_byte(place, source, codec, encoding=encoding) from None
        if n_lines == 0 and not rest:
            text = text.removeprefix("\ufeff")
        lines = _split(rest + text)
        rest = "" if not block or not lines or lines[-1].endswith(("\n", "\r")) else lines.pop()
        if len(rest) > _MAX_LINE:
            raise DataError(
                "line-too-long",
                f"a line is longer than {_MAX_LINE:,} characters",
                where=f"{source}:{n_lines + len(lines) + 1}",
                found=f"it begins {quote(rest[:100])}",
                advice="is this a file of one record a line? shorten this record or leave it out",
            )
        yield from lines
        n_lines += len(lines)
        if not block:
            return
        block = stream.read1(_BLOCK)


def _first_block(stream: io.BufferedIOBase) -> bytes:
    """Read until there are enough bytes to see a mark: a pipe may hand over one byte at a time."""
    block = stream.read1(_BLOCK)
    while len(block) < 4 and (more := stream.read1(_BLOCK)):
        block += more
    return block


def _split(text: str) -> list[str]:
    """Split at line ends only; ``str.splitlines`` would also split at form feeds and other characters of a text."""
    return list(io.StringIO(text, newline=""))


def _codec(first: bytes, encoding: str | None) -> str:
    """Choose the codec: by mark where none is named; a mark also settles the byte order of a named UTF-16."""
    marked = next((name for mark, name in _MARKS if first.startswith(mark)), None)
    if encoding is None:
        return marked or "utf-8"
    try:
        name = codecs.lookup(encoding).name
        "a".encode(name)  # refuses codecs that are not of text, such as base64
    except (LookupError, ValueError):
        raise _unknown_encoding(encoding) from None
    if name in ("utf-16", "utf-32"):
        return marked if marked and marked.startswith(name) else f"{name}-le"
    return "utf-8" if name == "utf-8-sig" else name


def _unknown_encoding(encoding: str) -> DataError:
    known = sorted({name.replace("_", "-") for name in encodings.aliases.aliases.values()} | {"windows-1252", "utf-8"})
    close = difflib.get_close_matches(encoding.casefold().replace("_", "-"), known, n=1)
    return DataError(
        "unknown-encoding",
        f"there is no encoding called {quote(encoding)}",
        allowed="utf-8, utf-16, windows-1252, latin-1, gb18030, shift_jis and all others that Python knows",
        advice=f"did you mean --encoding {close[0]}?" if close else "name the encoding the file was saved in",
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a bad byte was met: its line and offset in the file, and its place in the bytes at hand."""

    line: int
    offset: int
    at_hand: bytes
    start: int


def _bad_byte(place: _Place, source: str, codec: str, *, encoding: str | None) -> DataError:
    """Name the byte and where it is, and advise the encoding that the bytes from its line on are likely in."""
    value = f"0x{place.at_hand[place.start]:02X}"
    line_start = place.at_hand.rfind(b"\n", 0, place.start) + 1
    before = place.at_hand[max(line_start, place.start - 30) : place.start].decode("ascii", "replace")
    after = f", after {quote(before)}" if before else ""
    likely = None if codec.startswith(("utf-16", "utf-32")) else likely_encoding(place.at_hand[line_start:])
    if likely and likely not in (codec, encoding):
        also = " (or latin-1)" if likely == "windows-1252" else ""
        advice = f"the file is likely {likely}{also}: add --encoding {likely}, or save it as UTF-8"
    else:
        advice = "the file is damaged or of another encoding: save it as UTF-8, or name its encoding with --encoding"
    return DataError(
        "bad-byte",
        f"the byte {value} cannot be read as {(encoding or codec).upper()}",
        where=f"{source}:{place.line}",
        found=f"byte {value} at offset {place.offset}, line {place.line}{after}",
        allowed="UTF-8, or UTF-16 that begins with its byte order mark; any other encoding when it is named",
        advice=advice,
    )
