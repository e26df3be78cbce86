"""Tensors come back bit for bit, equal tensors give equal bytes, and no damaged file gets past the header check."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from tunesmith.errors import ArtifactError, ResourceError
from tunesmith.files.tensors import load_arrays, load_tensors, save_tensors

_DTYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def sample() -> dict[str, torch.Tensor]:
    """One tensor of every dtype and of every odd shape, in an order that is not that of the file."""
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randint(0, 100, (3, 5), generator=generator)
    tensors = {
        f"layer.{name}": (numbers % 2 if name == "bool" else numbers).to(getattr(torch, name)) for name in _DTYPES
    }
    tensors |= {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4), "turned": torch.arange(6.0).reshape(2, 3).t()}
    tensors["größe 🎈"] = torch.tensor([1.5], requires_grad=True)
    return tensors


def raw(header: Any, values: bytes = b"", *, length: int | None = None) -> bytes:
    """Lay out a file by hand, with whatever header and values."""
    packed = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(packed) if length is None else length).to_bytes(8, "little") + packed + values


def entry(dtype: Any = "F32", shape: Any = (1,), offsets: Any = (0, 4), **more: Any) -> dict[str, Any]:
    """One entry of a header; sound unless told otherwise."""
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


def test_every_dtype_and_shape_comes_back(tmp_path: Path) -> None:
    """Values, dtypes and shapes are the same after the way through a file, sorted by name."""
    save_tensors(tmp_path / "x.safetensors", sample())
    loaded = load_tensors(tmp_path / "x.safetensors")
    assert list(loaded) == sorted(sample())
    for name, tensor in sample().items():
        assert loaded[name].dtype == tensor.dtype
        torch.testing.assert_close(loaded[name], tensor.detach(), rtol=0, atol=0)


def test_loaded_tensors_own_their_memory(tmp_path: Path) -> None:
    """Changing a loaded tensor, or the file after loading, must not change anything else."""
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"a": torch.ones(4), "b": torch.ones(4)})
    loaded = load_tensors(path)
    loaded["a"].zero_()
    path.write_bytes(b"gone")
    assert loaded["b"].tolist() == [1.0] * 4


def test_arrays_come_back_with_bfloat16_widened(tmp_path: Path) -> None:
    """numpy has no bfloat16; its values come as float32, exactly."""
    save_tensors(tmp_path / "x.safetensors", sample())
    loaded = load_arrays(tmp_path / "x.safetensors")
    for name, tensor in sample().items():
        expected = tensor.detach().float() if tensor.dtype == torch.bfloat16 else tensor.detach()
        assert loaded[name].dtype == expected.numpy().dtype
        np.testing.assert_array_equal(loaded[name], expected.numpy())


def test_arrays_and_tensors_give_the_same_file(tmp_path: Path) -> None:
    """A numpy array is saved as the torch tensor of the same values is, big-endian and strided ones too."""
    tensors = {name: tensor.detach() for name, tensor in sample().items() if tensor.dtype != torch.bfloat16}
    save_tensors(tmp_path / "a", tensors)
    save_tensors(tmp_path / "b", {name: tensor.numpy() for name, tensor in tensors.items()})
    big_endian = {
        name: tensor.numpy().astype(tensor.numpy().dtype.newbyteorder(">")) for name, tensor in tensors.items()
    }
    save_tensors(tmp_path / "c", big_endian)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


def test_equal_tensors_give_equal_bytes_in_any_order(tmp_path: Path) -> None:
    """The order of the mapping must not reach the file: "the same bytes" is a promise of the tool."""
    save_tensors(tmp_path / "a", sample())
    save_tensors(tmp_path / "b", dict(reversed(sample().items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_library_reads_what_we_write(tmp_path: Path) -> None:
    """safetensors itself must read our files: others load our bundles with it."""
    save_tensors(tmp_path / "x", sample())
    loaded = safetensors.torch.load_file(tmp_path / "x")
    assert set(loaded) == set(sample())
    for name, tensor in sample().items():
        torch.testing.assert_close(loaded[name], tensor.detach(), rtol=0, atol=0)
    with safetensors.safe_open(tmp_path / "x", framework="numpy") as opened:
        assert opened.metadata() == {"format": "pt"}  # transformers asks for it


def test_we_read_what_the_library_writes(tmp_path: Path) -> None:
    """And the other way round, metadata included: base models are written with it."""
    tensors = {name: tensor.detach().contiguous() for name, tensor in sample().items()}
    safetensors.torch.save_file(tensors, tmp_path / "x", metadata={"format": "pt", "by": "library"})
    loaded = load_tensors(tmp_path / "x")
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        torch.testing.assert_close(loaded[name], tensor, rtol=0, atol=0)
    safetensors.numpy.save_file({"a": np.arange(3)}, tmp_path / "y")
    assert load_arrays(tmp_path / "y")["a"].tolist() == [0, 1, 2]


def test_no_tensors_are_a_sound_file(tmp_path: Path) -> None:
    """An empty mapping is written and read."""
    save_tensors(tmp_path / "x", {})
    assert load_tensors(tmp_path / "x") == {}


def test_tensors_start_at_multiples_of_their_width(tmp_path: Path) -> None:
    """Readers that map the file need aligned values."""
    save_tensors(tmp_path / "x", sample())
    content = (tmp_path / "x").read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0
    header = json.loads(content[8 : 8 + length])
    for name, tensor in sample().items():
        assert header[name]["data_offsets"][0] % tensor.element_size() == 0


def test_a_failed_save_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors are written as atomically as anything else, and the error tells the size."""
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"a": torch.ones(2)})
    old = path.read_bytes()

    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ResourceError, match=r"disk-full.*x\.safetensors(.|\n)*1\.0 MiB are needed"):
        save_tensors(path, {"a": torch.ones(1 << 18)})
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "a file of 0 bytes"),
        (b"\x05\0\0", "a file of 3 bytes"),
        (raw({"a": entry()}, bytes(4), length=0), "a header of 0 bytes"),
        (raw({"a": entry()}, bytes(4), length=10_000), "a header of 10,000 bytes"),
        (raw({"a": entry()}, bytes(4), length=2**64 - 1), "a header of 18,446,744,073,709,551,615 bytes"),
        (raw(b" {}"), "not a JSON object"),
        (raw(b"[1]"), "not a JSON object"),
        (raw(b'{"\xff":1}'), "not UTF-8"),
        (raw(b'{"a":}'), "Expecting value"),
        (raw(b'{"a":' * 70_000), "nested deeper"),
        (raw(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":1}', bytes(4)), "stands twice"),
        (raw({"__metadata__": {"a": 1}}), "metadata"),
        (raw({"__metadata__": []}), "metadata"),
        (raw({"a": 1}), 'tensor "a" without exactly'),
        (raw({"": entry()}, bytes(4)), 'tensor "" without exactly'),
        (raw({"a": {"dtype": "F32", "shape": [1]}}), 'tensor "a" without exactly'),
        (raw({"a": entry(file="/etc/passwd")}, bytes(4)), 'tensor "a" without exactly'),
        (raw({"a": entry("F8_E4M3")}, bytes(4)), 'of dtype "F8_E4M3"'),
        (raw({"a": entry(["F32"])}, bytes(4)), "of dtype"),
        (raw({"a": entry(shape=[-1])}, bytes(4)), r'of shape "\[-1\]"'),
        (raw({"a": entry(shape=[1.0])}, bytes(4)), r'of shape "\[1.0\]"'),
        (raw({"a": entry(shape=[True])}, bytes(4)), r'of shape "\[True\]"'),
        (raw({"a": entry(shape=1)}, bytes(4)), 'of shape "1"'),
        (raw({"a": entry(shape=[1] * 9)}, bytes(4)), "of shape"),
        (raw({"a": entry(shape=[2**62])}, bytes(4)), "of shape"),
        (raw({"a": entry(shape=[2**40, 2**40])}, bytes(4)), "in a place of 4 bytes"),
        (raw({"a": entry(shape=[2])}, bytes(4)), "8 bytes in a place of 4 bytes"),
        (raw({"a": entry(offsets=[0])}, bytes(4)), "at offsets"),
        (raw({"a": entry(offsets=[-4, 0])}, bytes(4)), "at offsets"),
        (raw({"a": entry(offsets=[4, 0])}, bytes(4)), "in a place of -4 bytes"),
        (raw({"a": entry(offsets=[0, 4]), "b": entry(offsets=[0, 4])}, bytes(4)), "an overlap before tensor"),
        (raw({"a": entry(offsets=[0, 4]), "b": entry(offsets=[2, 6])}, bytes(6)), "an overlap before tensor"),
        (raw({"a": entry(offsets=[4, 8])}, bytes(8)), "a hole before tensor"),
        (raw({"a": entry()}, bytes(3)), "end at byte"),
        (raw({"a": entry()}, bytes(5)), "end at byte"),
        (raw({"a": entry("BOOL", [4])}, b"\0\1\2\0"), "a truth value other than 0 and 1"),
    ],
)
def test_every_class_of_malformed_file_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    """Each is one clear error that names the file and the trouble; no memory is taken on the header's word."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    for load in (load_tensors, load_arrays):
        with pytest.raises(ArtifactError, match=told) as caught:
            load(path)
        assert caught.value.code == "tensors-damaged"
        assert caught.value.where == str(path)


def test_the_sound_example_of_these_tests_is_read(tmp_path: Path) -> None:
    """The examples above fail for the one thing that is changed in them: unchanged, the file is sound."""
    (tmp_path / "x").write_bytes(raw({"a": entry(), "b": entry("BOOL", [], [4, 5])}, bytes(5)))
    assert load_tensors(tmp_path / "x") == {"a": torch.zeros(1), "b": torch.tensor(False)}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused_unless_allowed(tmp_path: Path, dtype: str, value: float) -> None:
    """One bad value anywhere is found, when writing and when reading."""
    path = tmp_path / "x.safetensors"
    tensor = torch.ones(3, 5, dtype=getattr(torch, dtype))
    tensor[1, 2] = value
    with pytest.raises(ArtifactError, match="weight: NaN or infinity"):
        save_tensors(path, {"weight": tensor})
    assert list(tmp_path.iterdir()) == []
    save_tensors(path, {"weight": tensor}, allow_non_finite=True)
    for load in (load_tensors, load_arrays):
        with pytest.raises(ArtifactError, match='NaN or infinity in tensor "weight"') as caught:
            load(path)
        assert caught.value.code == "tensors-damaged"
    torch.testing.assert_close(load_tensors(path, allow_non_finite=True)["weight"], tensor, equal_nan=True)


def test_a_dtype_that_cannot_be_saved_is_named(tmp_path: Path) -> None:
    """Complex numbers have no place in the format."""
    with pytest.raises(ArtifactError, match="spectrum: complex64"):
        save_tensors(tmp_path / "x", {"spectrum": torch.zeros(2, dtype=torch.complex64)})


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("model.safetensors", b"PK\x03\x04" + bytes(40), "zip archive"),
        ("model.safetensors", b"\x80\x02}q\x00." + bytes(40), "pickle of protocol 2"),
        ("model.safetensors", b"\x80\x05\x95" + bytes(40), "pickle of protocol 5"),
        ("model.safetensors", b"\x80\x04.", "pickle of protocol 4"),
        ("model.safetensors", b"\x93NUMPY\x01\x00" + bytes(40), "numpy file"),
        ("pytorch_model.BIN", raw({"a": entry()}, bytes(4)), "ends in .bin"),
    ],
)
def test_a_pickle_is_refused_by_name(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    """Whatever its ending says, a pickle is named as one and never opened; and a bad ending is enough."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=rf"error\[pickle-refused\]: .*{name}(.|\n)*{told}"):
        load_tensors(tmp_path / name)


def test_a_header_length_that_looks_like_a_pickle_is_no_pickle(tmp_path: Path) -> None:
    """A header of 0x280 bytes begins with the two bytes of a pickle of protocol 2, and is sound."""
    packed = json.dumps({"a": entry()}).encode().ljust(0x280)
    (tmp_path / "x.safetensors").write_bytes(raw(packed, bytes(4)))
    assert load_tensors(tmp_path / "x.safetensors")["a"].tolist() == [0.0]


def test_flipped_bytes_never_do_more_than_a_clear_error(tmp_path: Path) -> None:
    """500 damaged files: each is read with the old names or refused with our error; nothing else happens."""
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"a": torch.ones(2, 3), "b": torch.zeros(3, dtype=torch.bool)})
    sound = path.read_bytes()
    random = np.random.default_rng(0)
    codes = []
    for _ in range(500):
        damaged = bytearray(sound)
        for place in random.integers(0, len(sound), size=random.integers(1, 4)):
            damaged[place] ^= int(random.integers(1, 256))
        path.write_bytes(damaged)
        try:
            load_arrays(path, allow_non_finite=True)
        except ArtifactError as error:
            codes.append(error.code)
    assert set(codes) <= {"tensors-damaged", "pickle-refused"}
    assert 250 < len(codes) < 500


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is checked first and the values come later; both must agree."""
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"a": torch.ones(1000)})
    from tunesmith.files import tensors

    check = tensors._check_places

    def check_and_cut(*args: Any, **named: Any) -> None:
        check(*args, **named)
        with path.open("r+b") as file:
            file.truncate(500)

    monkeypatch.setattr(tensors, "_check_places", check_and_cut)
    with pytest.raises(ArtifactError, match="of 4,000 bytes of tensor"):
        load_tensors(path)


def test_arrays_are_loaded_without_torch(tmp_path: Path) -> None:
    """A model of words needs no torch, and must not pay for its import."""
    save_tensors(tmp_path / "x", {"a": torch.ones(2, dtype=torch.bfloat16)})
    code = (
        "import sys; from pathlib import Path; from tunesmith.files.tensors import load_arrays, save_tensors\n"
        "save_tensors(Path(sys.argv[2]), load_arrays(Path(sys.argv[1])))\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "x"), str(tmp_path / "y")], check=True)
    assert load_arrays(tmp_path / "y")["a"].tolist() == [1.0, 1.0]
