"""Bytes to lines, or blocks of lines: UTF-8, a byte order mark, or an encoding the user named; never a silent guess."""

from __future__ import annotations

import codecs
import difflib
import encodings.aliases
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from tunesmith.data.likely_encoding import likely_encoding, looks_like_utf16
from tunesmith.errors import DataError, quote

_BLOCK = 1 << 17
_MAX_LINE = 1 << 22
_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file, not cut apart yet; only the last line of the file may lack its end."""

    content: bytes | str
    """UTF-8, which may turn out to be damaged; or text, from another encoding."""
    source: str
    """Name of the file for messages."""
    offset: int = 0
    """Bytes of the file before it."""
    encoding: str | None = None
    """As the user named it."""
    fault: Callable[[int], DataError] | None = None
    """Makes the error for what cannot be read, from the number of lines before."""

    @property
    def raw(self) -> bytes:
        """The lines as UTF-8."""
        return self.content.encode("utf-8", "surrogatepass") if isinstance(self.content, str) else self.content

    @property
    def is_sound(self) -> bool:
        """Whether asking for the lines raises no error."""
        try:
            return self.fault is None and bool(self.raw.decode())
        except UnicodeDecodeError:
            return False

    def lines(self, n_before: int) -> list[str]:
        """Cut the lines apart.

        Args:
            n_before: Lines of the file before these.

        Returns:
            Each with its end.

        Raises:
            DataError: ``bad-byte`` or ``line-too-long``.
        """
        if self.fault is not None:
            raise self.fault(n_before)
        if isinstance(self.content, str):
            return _split(self.content)
        try:
            return _split(self.content.decode())
        except UnicodeDecodeError as error:
            n_lines = len(_split(self.content[: error.start].decode() + "x"))
            place = _Place(n_before + n_lines, self.offset + error.start, self.content, error.start)
            raise _bad_byte(place, self.source, "utf-8", encoding=self.encoding) from None

    def part(self, start: int, end: int | None = None) -> Block:
        """Take some of the lines.

        Args:
            start: First byte of ``raw``.
            end: One past the last; left out, there is no more.

        Returns:
            The lines that these bytes hold.
        """
        raw = self.raw[start:end]
        content = raw.decode("utf-8", "surrogatepass") if isinstance(self.content, str) else raw
        return replace(self, content=content, offset=self.offset + start)


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
    yield from lines_of(decoded_blocks(stream, source=source, encoding=encoding))


def lines_of(blocks: Iterable[Block]) -> Iterator[str]:
    """Cut the lines of blocks apart.

    Args:
        blocks: From the first of a file.

    Yields:
        Lines with their ends.

    Raises:
        DataError: ``bad-byte`` or ``line-too-long``.
    """
    n_lines = 0
    for block in blocks:
        lines = block.lines(n_lines)
        yield from lines
        n_lines += len(lines)


def decoded_blocks(stream: io.BufferedIOBase, *, source: str, encoding: str | None = None) -> Iterator[Block]:
    """Yield the lines of a byte stream a block at a time; damage is told when the lines of its block are asked for.

    Args:
        stream: Bytes from the start of the file.
        source: Name of the file for messages.
        encoding: As for ``decoded_lines``.

    Yields:
        Blocks of whole lines; a byte order mark is not part of the first.

    Raises:
        DataError: ``unknown-encoding``, or ``bad-byte`` where the first bytes are UTF-16 without its mark.
    """
    first = _first_block(stream)
    codec = _codec(first, encoding)
    if codec == "utf-8" and encoding is None and looks_like_utf16(first):
        raise _bad_byte(_Place(1, first.index(0), first, first.index(0)), source, codec, encoding=encoding)
    blocks = chain([first], iter(lambda: stream.read1(_BLOCK), b""))
    if codec == "utf-8":
        yield from _blocks_of_utf8(blocks, source, encoding)
    else:
        yield from _blocks_of_text(blocks, codec, source, encoding=encoding)


def _blocks_of_utf8(blocks: Iterator[bytes], source: str, encoding: str | None) -> Iterator[Block]:
    """Cut bytes at line ends; they are decoded when the lines are asked for."""
    rest = next(blocks)
    offset = len(codecs.BOM_UTF8) if rest.startswith(codecs.BOM_UTF8) else 0
    block = rest = rest[offset:]
    while block:
        # a \r at the end may be half of \r\n
        cut = rest.rfind(b"\n", len(rest) - len(block)) + 1 or rest.rfind(b"\r", 0, len(rest) - 1) + 1
        if cut:
            yield Block(rest[:cut], source, offset, encoding)
        elif _is_damaged(rest):
            break
        elif len(rest) > _MAX_LINE and len(begun := rest.decode(errors="ignore")) > _MAX_LINE:
            yield Block("", source, fault=partial(_line_too_long, begun[:100], source))
            return
        offset += cut
        block = next(blocks, b"")
        rest = rest[cut:] + block
    if rest:
        yield Block(rest, source, offset, encoding)


def _is_damaged(raw: bytes) -> bool:
    """Tell bytes that are no UTF-8, whatever follows them."""
    try:
        codecs.utf_8_decode(raw, "strict", False)
    except UnicodeDecodeError:
        return True
    return False


def _blocks_of_text(blocks: Iterator[bytes], codec: str, source: str, *, encoding: str | None) -> Iterator[Block]:
    """Decode bytes as they come and cut the text at line ends."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    ends = io.IncrementalNewlineDecoder(decoder, translate=False)  # keeps a \r back until it knows what follows
    n_bytes, rest, is_first = 0, "", True
    for block in chain(blocks, [b""]):
        n_bytes += len(block)
        try:
            text = ends.decode(block, final=not block)
        except UnicodeDecodeError as error:
            before = rest + error.object[: error.start].decode(codec, "ignore")
            n_lines = len(_split(before + "x"))
            place = _Place(n_lines, n_bytes - len(error.object) + error.start, error.object, error.start)
            yield Block("", source, fault=_bad_byte_below(place, source, codec, encoding=encoding))
            return
        if is_first and text:
            text, is_first = text.removeprefix("\ufeff"), False
        text = rest + text
        cut = len(text) if not block else max(text.rfind("\n"), text.rfind("\r")) + 1
        rest = text[cut:]
        if len(rest) > _MAX_LINE:
            yield Block("", source, fault=partial(_line_too_long, rest[:100], source))
            return
        if cut:
            yield Block(text[:cut], source)


def _line_too_long(begun: str, source: str, n_before: int) -> DataError:
    return DataError(
        "line-too-long",
        f"a line is longer than {_MAX_LINE:,} characters",
        where=f"{source}:{n_before + 1}",
        found=f"it begins {quote(begun)}",
        advice="is this a file of one record a line? shorten this record or leave it out",
    )


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


def _bad_byte_below(place: _Place, source: str, codec: str, *, encoding: str | None) -> Callable[[int], DataError]:
    """Name the byte once it is known how many lines come before those at hand."""
    return lambda n_before: _bad_byte(replace(place, line=n_before + place.line), source, codec, encoding=encoding)


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
