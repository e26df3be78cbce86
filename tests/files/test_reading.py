"""JSON from elsewhere is read strictly, and every refusal names the file and what is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tunesmith.errors import ArtifactError
from tunesmith.files.atomic import write_json
from tunesmith.files.reading import open_artifact, read_json, read_limited


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """A value survives the way through a file exactly."""
    value = {"b": [0.1, 1e-300, -3, None, True], "a": {"text": "naïve 🎈\n"}}
    write_json(tmp_path / "x.json", value)
    assert read_json(tmp_path / "x.json") == value
    assert list(read_json(tmp_path / "x.json")) == ["b", "a"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "Expecting value at line 1, column 1"),
        (b'{\n  "a": 1,\n}', "at line 2, column 9|at line 3, column 1"),
        (b'{"a": 1} x', "Extra data at line 1, column 10"),
        (b'"\xff"', "byte 0xFF at offset 1 is not UTF-8"),
        (b"\xef\xbb\xbf{}", "UTF-8 BOM"),
        (b'{"a": 1, "b": 2, "a": 3}', 'the key "a" stands twice'),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"a": 1e999}', 'the number "1e999" is too large'),
        (b'{"a": ' + b"9" * 5000 + b"}", "Exceeds the limit"),
        (b"[" * 65 + b"]" * 65, "nested deeper than 64 levels"),
        (b"[" * 200_000, "nested deeper than 64 levels"),
        (b'{"a":' * 200_000, "nested deeper than 64 levels"),
        (b'["\\ud800"]', "half of a surrogate pair"),
    ],
)
def test_damaged_json_is_refused_with_its_place(tmp_path: Path, content: bytes, told: str) -> None:
    """Each kind of damage is one clear error that names the file."""
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=told) as caught:
        read_json(path)
    assert caught.value.code == "json-damaged"
    assert caught.value.where == str(path)


def test_sound_json_that_looks_odd_is_read(tmp_path: Path) -> None:
    """64 levels, whole surrogate pairs and brackets within text are no damage."""
    path = tmp_path / "x.json"
    path.write_bytes(b"[" * 64 + b"]" * 64)
    assert read_json(path)
    path.write_bytes(b'["\\ud83c\\udf88", "' + b"[" * 1000 + b'"]')
    assert read_json(path) == ["🎈", "[" * 1000]


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    """The limit itself is allowed; one byte more is refused with both figures."""
    path = tmp_path / "x.json"
    path.write_bytes(b"[" + b" " * 998 + b"]")
    assert read_json(path, max_bytes=1000) == []
    with pytest.raises(ArtifactError, match=r"1,000 bytes\n.*at most 999 bytes"):
        read_json(path, max_bytes=999)


def test_a_file_that_claims_no_size_is_still_bounded() -> None:
    """Some special files tell size 0 and then give bytes; the limit counts what is read."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("this system has no /proc")
    with pytest.raises(ArtifactError, match="artifact-too-large"):
        read_limited(Path("/proc/self/status"), 10)


@pytest.mark.parametrize(
    ("kind", "code"), [("missing", "artifact-missing"), ("folder", "not-a-file"), ("pipe", "not-a-file")]
)
def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path, kind: str, code: str) -> None:
    """A pipe must not make us wait for a writer."""
    path = tmp_path / "x.json"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(ArtifactError, match=rf"error\[{code}\]: .*x\.json"):
        read_json(path)


def test_links_are_followed_only_where_asked(tmp_path: Path) -> None:
    """The hub's cache is made of links; a model folder may hold none."""
    write_json(tmp_path / "blob", [1])
    (tmp_path / "link.json").symlink_to("blob")
    assert read_json(tmp_path / "link.json") == [1]
    with pytest.raises(ArtifactError, match=r"symlink-refused.*link\.json"):
        open_artifact(tmp_path / "link.json", follow_symlinks=False)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ArtifactError, match="artifact-unreadable"):
        open_artifact(tmp_path / "loop")
