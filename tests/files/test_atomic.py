"""Writes are all or nothing, survive faults of the disk, and leave nothing behind."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tunesmith.errors import ArtifactError, ResourceError
from tunesmith.files import atomic
from tunesmith.files.atomic import append_line, fsync_folder, remove_leftovers, write_bytes, write_json, write_text

_REAL = {"write": os.write, "fsync": os.fsync}


def failing(code: int) -> Any:
    """A stand-in for a system call that the disk refuses."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


def test_a_write_replaces_the_file_and_leaves_no_other(tmp_path: Path) -> None:
    """After a write there is one file, with the new content and the permissions of the user's umask."""
    before = os.umask(0o027)
    try:
        for content in (b"old", b"new"):
            write_bytes(tmp_path / "model.bin", content)
    finally:
        os.umask(before)
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]
    assert (tmp_path / "model.bin").read_bytes() == b"new"
    assert (tmp_path / "model.bin").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("step", ["write", "sync", "rename"])
@pytest.mark.parametrize(("code", "name"), [(errno.EIO, "write-failed"), (errno.ENOSPC, "disk-full")])
def test_a_fault_at_any_step_keeps_the_old_file_and_removes_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int, name: str
) -> None:
    """Whatever step the disk refuses: the old content stays, no temporary file does, and the error has its code."""
    path = tmp_path / "tunesmith.json"
    path.write_bytes(b"old")
    if step == "write":
        monkeypatch.setattr(atomic, "_open_new", lambda _: os.open("/dev/full", os.O_WRONLY))
        code, name = errno.ENOSPC, "disk-full"
    elif step == "sync":
        monkeypatch.setattr(os, "fsync", failing(code))
    else:
        monkeypatch.setattr(Path, "replace", failing(code))
    with pytest.raises(ResourceError, match=r"tunesmith\.json") as caught:
        write_bytes(path, b"new" * 5000)
    assert caught.value.code == name
    assert os.strerror(code) in caught.value.render()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_removes_the_temporary_file(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a write passes through and leaves the folder as it was."""

    def write_half() -> None:
        with atomic.replacing(tmp_path / "x") as file:
            file.write(b"half")
            assert len(list(tmp_path.iterdir())) == 1
            raise KeyboardInterrupt("now")

    with pytest.raises(KeyboardInterrupt, match="now"):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_with_what_is_needed_and_what_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user must learn how much room to make."""
    monkeypatch.setattr(os, "fsync", failing(errno.ENOSPC))
    with pytest.raises(ResourceError, match=r"2\.0 MiB are needed; [0-9.]+ MiB are free"):
        write_bytes(tmp_path / "model.safetensors", bytes(2 * 1024 * 1024))


def test_the_file_is_synced_before_its_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut may lose the new file, never the old one: content first, then the name, then the folder."""
    steps: list[str] = []
    replace, fsync = Path.replace, os.fsync

    def note_sync(descriptor: int) -> None:
        steps.append("sync folder" if os.path.isdir(f"/dev/fd/{descriptor}") else "sync file")  # noqa: PTH112
        fsync(descriptor)

    def note_rename(self: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    write_text(tmp_path / "card.md", "# card")
    assert steps == ["sync file", "rename", "sync folder"]


@pytest.mark.parametrize("name", ["missing/x.json", "file/x.json", "folder"])
def test_a_place_that_cannot_hold_the_file_is_a_clear_error(tmp_path: Path, name: str) -> None:
    """No folder, a file as the folder, a folder as the file: each names the path and says what to check."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ResourceError, match=rf"error\[write-failed\]: .*{name}"):
        write_bytes(tmp_path / name, b"{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_symlink_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """Writing must not reach through a link into somebody else's file."""
    (tmp_path / "victim").write_bytes(b"untouched")
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "victim").read_bytes() == b"untouched"
    assert not (tmp_path / "link").is_symlink()


def test_a_killed_writer_leaves_old_or_new_and_its_leftovers_can_be_removed(tmp_path: Path) -> None:
    """SIGKILL at ten moments of an endless writer: the file is always one of the two whole contents."""
    code = (
        "import sys; from pathlib import Path; from tunesmith.files.atomic import write_bytes\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    for content in (b'a' * 300_000, b'b' * 400_000): write_bytes(Path(sys.argv[1]), content)"
    )
    path = tmp_path / "state"
    write_bytes(path, b"a" * 300_000)
    for moment in range(10):
        with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired, match="timed out"):
                child.wait(timeout=0.003 * moment + 0.001)
            child.send_signal(signal.SIGKILL)
        assert path.read_bytes() in (b"a" * 300_000, b"b" * 400_000)
    left = len(list(tmp_path.iterdir())) - 1
    assert remove_leftovers(tmp_path) == left
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_laid_out_the_same_way_every_time(tmp_path: Path) -> None:
    """Key order is kept, floats are exact, text is readable, and a newline ends the file."""
    write_json(tmp_path / "x.json", {"b": 0.1 + 0.2, "a": ["é", None, True, 10**20], "leer": {}})
    expected = (
        '{\n  "b": 0.30000000000000004,\n  "a": [\n    "é",\n    null,\n    true,\n    100000000000000000000\n  ],\n'
        '  "leer": {}\n}\n'
    )
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == expected


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"metrics": {"ece": [0.1, float("nan")]}}, r"nan at metrics\.ece\[1\]"),
        (float("-inf"), "-inf at the top"),
        ({"counts": {1: 2}}, "a key of type int at counts"),
        ([{1, 2}], r"a value of type set at \[0\]"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_its_path(tmp_path: Path, value: Any, told: str) -> None:
    """Nothing is coerced in silence: the error names the place, and no file appears."""
    with pytest.raises(ArtifactError, match=told) as caught:
        write_json(tmp_path / "x.json", value)
    assert caught.value.code == "json-unwritable"
    assert list(tmp_path.iterdir()) == []


def test_half_a_surrogate_pair_is_refused(tmp_path: Path) -> None:
    """Text that no encoding can write is named, not written with question marks."""
    with pytest.raises(ArtifactError, match=r"ab\\ud800cd.* at character 2"):
        write_text(tmp_path / "x.txt", "ab\ud800cd")


def test_lines_are_appended_by_path_and_by_descriptor(tmp_path: Path) -> None:
    """Both ways add whole lines to the same file, which the first call creates."""
    path = tmp_path / "plan.jsonl"
    append_line(path, '{"n": 1}')
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    append_line(descriptor, '{"n": 2}')
    os.close(descriptor)
    append_line(path, '{"n": "é"}')
    assert path.read_text(encoding="utf-8") == '{"n": 1}\n{"n": 2}\n{"n": "é"}\n'


@pytest.mark.parametrize("fault", ["short write", "sync"])
def test_a_line_that_cannot_be_written_whole_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """A half line in the journal would spoil the next one too."""
    path = tmp_path / "journal.jsonl"
    append_line(path, "first")
    write = os.write
    if fault == "sync":
        monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    else:
        monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    with pytest.raises(ResourceError, match=r"journal\.jsonl"):
        append_line(path, "second")
    monkeypatch.undo()
    assert path.read_text(encoding="utf-8") == "first\n"


def test_a_real_limit_on_file_size_is_a_clear_error(tmp_path: Path) -> None:
    """The kernel's own refusal, not a stand-in: 1 MiB where 4 KiB are allowed."""
    code = (
        "import resource, sys; from pathlib import Path; from tunesmith.errors import ResourceError\n"
        "from tunesmith.files.atomic import write_bytes\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (4096, {resource.RLIM_INFINITY}))\n"
        "try:\n    write_bytes(Path(sys.argv[1]), bytes(1 << 20))\n"
        "except ResourceError as error:\n    sys.exit(error.exit_code)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "x")], check=False).returncode == 4
    assert list(tmp_path.iterdir()) == []


def test_only_a_file_system_without_folder_sync_is_forgiven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """EINVAL means that there is no such thing; a real fault must be told."""
    monkeypatch.setattr(os, "fsync", failing(errno.EINVAL))
    fsync_folder(tmp_path)
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with pytest.raises(ResourceError, match="Input/output error"):
        fsync_folder(tmp_path)


def test_leftovers_are_told_from_other_files(tmp_path: Path) -> None:
    """Only our own temporary names are removed."""
    for name in (".tunesmith-00ff.tmp", ".tunesmith.toml", "model.tmp", "x"):
        (tmp_path / name).touch()
    assert remove_leftovers(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".tunesmith.toml", "model.tmp", "x"]
    with pytest.raises(ResourceError, match="missing"):
        remove_leftovers(tmp_path / "missing")
