"""Tensors on disk in the safetensors format, written atomically and read by distrust.

A file is eight bytes with the length of the header, the header (JSON: name to dtype, shape and place), and the
values. The header is checked whole before a byte of memory is taken for values, and every value goes straight into
its own memory: no mapped file that could change or shrink under us, and a peak no higher than the tensors themselves.
torch is imported only by ``load_tensors``, so that models without it load without it.

Source: the format, https://github.com/huggingface/safetensors (README, "Format").
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ArtifactError, plural, quote
from tunesmith.files.atomic import replacing
from tunesmith.files.pickles import HEAD_BYTES, refuse_pickle
from tunesmith.files.reading import open_artifact, parse_json, unreadable

if TYPE_CHECKING:
    import torch

_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
_CODES = {name: code for code, name in _NAMES.items()}
_STORED = {code: np.dtype(np.uint16 if code == "BF16" else name).newbyteorder("<") for code, name in _NAMES.items()}
_METADATA = "__metadata__"
_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 16 * 1024 * 1024
_MAX_AXES = 8
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Entry:
    """One tensor as the header declares it; ``begin`` counts from the start of the file."""

    name: str
    code: str
    shape: tuple[int, ...]
    begin: int

    @property
    def n_bytes(self) -> int:
        return math.prod(self.shape) * _STORED[self.code].itemsize


def save_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor | NDArray[Any]], *, allow_non_finite: bool = False
) -> None:
    """Write tensors atomically; equal tensors give equal bytes, whatever the order of the mapping.

    Args:
        path: The final name, by custom ending in ``.safetensors``.
        tensors: Name to tensor of any shape; torch tensors may lie on any device.
        allow_non_finite: Whether NaN and infinity may be written.

    Raises:
        ArtifactError: ``tensors-not-finite`` or ``tensors-unwritable`` (a dtype the format or we do not have).
        ResourceError: The disk is full or refuses the write; the old file is still there.
    """
    stored = {name: _to_stored(name, tensor, path) for name, tensor in tensors.items()}
    # wide types first, so that every tensor starts at a multiple of its width; then by name
    names = sorted(stored, key=lambda name: (-_STORED[stored[name][0]].itemsize, name))
    header: dict[str, Any] = {_METADATA: {"format": "pt"}}
    offset = 0
    for name in names:
        code, array = stored[name]
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    packed = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    packed += b" " * (-len(packed) % _LENGTH_BYTES)
    with replacing(path, expected_bytes=_LENGTH_BYTES + len(packed) + offset) as file:
        file.write(len(packed).to_bytes(_LENGTH_BYTES, "little") + packed)
        for name in names:
            code, array = stored[name]
            if not allow_non_finite and (problem := _bad_value(array, code)):
                raise ArtifactError(
                    "tensors-not-finite", "a tensor must not be saved", where=str(path), found=f"{name}: {problem}"
                )
            file.write(array.reshape(-1).view(np.uint8).data)


def load_tensors(path: Path, *, device: str = "cpu", allow_non_finite: bool = False) -> dict[str, torch.Tensor]:
    """Read a safetensors file into tensors of their own memory.

    Args:
        path: The file.
        device: Where the tensors shall lie.
        allow_non_finite: Whether NaN and infinity may be in it.

    Returns:
        Name to tensor, sorted by name.

    Raises:
        ArtifactError: ``tensors-damaged``, ``pickle-refused``, or the file is missing or unreadable.
    """
    import torch

    tensors: dict[str, torch.Tensor] = {}
    with open_artifact(path) as file:
        for entry in _read_header(file, path):
            tensor = torch.empty(entry.shape, dtype=getattr(torch, _NAMES[entry.code]))
            _fill(
                tensor.reshape(-1).view(torch.uint8).numpy(), file, entry, path=path, allow_non_finite=allow_non_finite
            )
            tensors[entry.name] = tensor.to(device)
    return dict(sorted(tensors.items()))


def load_arrays(path: Path, *, allow_non_finite: bool = False) -> dict[str, NDArray[Any]]:
    """Read a safetensors file into arrays, without importing torch.

    Args:
        path: The file.
        allow_non_finite: Whether NaN and infinity may be in it.

    Returns:
        Name to array, sorted by name; bfloat16, which numpy lacks, comes as float32 of the same values.

    Raises:
        ArtifactError: ``tensors-damaged``, ``pickle-refused``, or the file is missing or unreadable.
    """
    arrays: dict[str, NDArray[Any]] = {}
    with open_artifact(path) as file:
        for entry in _read_header(file, path):
            array = np.empty(entry.shape, dtype=_STORED[entry.code])
            _fill(array.reshape(-1).view(np.uint8), file, entry, path=path, allow_non_finite=allow_non_finite)
            if entry.code == "BF16":  # a bfloat16 is the upper half of a float32
                array = (array.astype(np.uint32) << 16).view(np.float32)
            arrays[entry.name] = array
    return dict(sorted(arrays.items()))


def _to_stored(name: str, tensor: torch.Tensor | NDArray[Any], path: Path) -> tuple[str, NDArray[Any]]:
    """Give a tensor's code and its values as a contiguous little-endian array (bfloat16 as its bits)."""
    assert name not in ("", _METADATA), f"{name!r} cannot be the name of a tensor"
    dtype = tensor.dtype.name if isinstance(tensor, np.ndarray) else str(tensor.dtype).removeprefix("torch.")
    if dtype not in _CODES:
        raise ArtifactError(
            "tensors-unwritable",
            "this kind of number cannot be saved",
            where=str(path),
            found=f"{name}: {dtype}",
            allowed=", ".join(_CODES),
        )
    code = _CODES[dtype]
    if isinstance(tensor, np.ndarray):
        return code, np.asarray(tensor, dtype=_STORED[code], order="C")
    local = tensor.detach().cpu().contiguous()
    if dtype == "bfloat16":
        import torch

        local = local.view(torch.int16)
    return code, local.numpy().view(_STORED[code])


def _read_header(file: BufferedReader, path: Path) -> list[_Entry]:
    """Read and check everything but the values; the entries come in the order of their places."""
    try:
        head = file.read(HEAD_BYTES)
        size = os.fstat(file.fileno()).st_size
        refuse_pickle(path.name, head, where=str(path))
        length = int.from_bytes(head[:_LENGTH_BYTES], "little")
        if len(head) < _LENGTH_BYTES or not 2 <= length <= min(_MAX_HEADER_BYTES, size - _LENGTH_BYTES):
            told = f"a file of {size:,} {plural(size, 'byte')} with a header of {length:,} {plural(length, 'byte')}"
            raise _damaged(path, told)
        file.seek(_LENGTH_BYTES)
        packed = file.read(length)
    except OSError as error:
        raise unreadable(path, error) from error
    if not packed.startswith(b"{"):
        raise _damaged(path, "a header that is not a JSON object")
    try:
        header = parse_json(packed, where=str(path))
    except ArtifactError as error:
        raise _damaged(path, f"in the header: {error.found}") from error
    _check_metadata(header.pop(_METADATA, {}), path)
    start = _LENGTH_BYTES + length
    entries = [_read_entry(name, value, start, path=path) for name, value in header.items()]
    entries.sort(key=lambda entry: (entry.begin, entry.n_bytes))
    _check_places(entries, start, size, path=path)
    return entries


def _check_metadata(metadata: Any, path: Path) -> None:
    """Refuse metadata that is not a plain mapping of texts."""
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(path, f"{_METADATA} that is not a mapping of texts")


def _read_entry(name: str, value: Any, start: int, *, path: Path) -> _Entry:
    """Check one entry of the header by itself: keys, dtype, shape, and that its place is as long as its shape."""
    if not name or not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise _damaged(path, f"tensor {quote(name)} without exactly dtype, shape and data_offsets")
    code, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(code, str) or code not in _NAMES:
        raise _damaged(path, f"tensor {quote(name)} of dtype {quote(str(code))}", allowed=", ".join(_NAMES))
    if not _are_counts(shape) or len(shape) > _MAX_AXES:
        raise _damaged(path, f"tensor {quote(name)} of shape {quote(str(shape))}")
    if not _are_counts(offsets) or len(offsets) != 2:
        raise _damaged(path, f"tensor {quote(name)} at offsets {quote(str(offsets))}")
    entry = _Entry(name, code, tuple(shape), start + offsets[0])
    if (place := offsets[1] - offsets[0]) != entry.n_bytes:
        wanted = f"{entry.n_bytes:,} {plural(entry.n_bytes, 'byte')}"
        raise _damaged(path, f"tensor {quote(name)} of {wanted} in a place of {place:,} {plural(place, 'byte')}")
    return entry


def _are_counts(value: Any) -> bool:
    """Tell whether this is a list of whole numbers that are not negative."""
    return isinstance(value, list) and all(type(number) is int and 0 <= number < 1 << 62 for number in value)


def _check_places(entries: list[_Entry], start: int, size: int, *, path: Path) -> None:
    """Refuse overlaps, holes, and values that end before or after the file does."""
    end = start
    for entry in entries:
        if entry.begin != end:
            kind = "an overlap" if entry.begin < end else "a hole"
            raise _damaged(path, f"{kind} before tensor {quote(entry.name)}")
        end += entry.n_bytes
    if end != size:
        raise _damaged(path, f"values that end at byte {end:,} in a file of {size:,} bytes")


def _fill(raw: NDArray[np.uint8], file: BufferedReader, entry: _Entry, *, path: Path, allow_non_finite: bool) -> None:
    """Read the bytes of one tensor into its memory and check its values."""
    try:
        file.seek(entry.begin)
        count = file.readinto(raw.data) if raw.size else 0
    except OSError as error:
        raise unreadable(path, error) from error
    if count != entry.n_bytes:
        wanted = f"{entry.n_bytes:,} {plural(entry.n_bytes, 'byte')}"
        raise _damaged(path, f"only {count:,} of {wanted} of tensor {quote(entry.name)}")
    problem = _bad_value(raw.view(_STORED[entry.code]), entry.code)
    if problem and not (allow_non_finite and entry.code != "BOOL"):
        raise _damaged(path, f"{problem} in tensor {quote(entry.name)}")


def _bad_value(array: NDArray[Any], code: str) -> str | None:
    """Find a value that no sound tensor holds: NaN, infinity, or a truth value other than 0 and 1."""
    flat = array.reshape(-1)
    if flat.size == 0:
        return None
    if code == "BOOL":
        return None if flat.view(np.uint8).max() <= 1 else "a truth value other than 0 and 1"
    if code == "BF16":
        exponent = 0x7F80
        chunks = (flat[first : first + _CHUNK] for first in range(0, flat.size, _CHUNK))
        finite = all(((chunk & exponent) != exponent).all() for chunk in chunks)
    elif flat.dtype.kind == "f":  # NaN and infinity survive into one of the extremes; no array of flags is needed
        finite = bool(np.isfinite(flat.min()) and np.isfinite(flat.max()))
    else:
        return None
    return None if finite else "NaN or infinity"


def _damaged(path: Path, found: str, *, allowed: str | None = None) -> ArtifactError:
    """Make the error for a file of tensors that cannot be trusted."""
    return ArtifactError(
        "tensors-damaged",
        "this is not a sound safetensors file",
        where=str(path),
        found=found,
        allowed=allowed,
        advice="restore the file from where it came, or train again",
    )
