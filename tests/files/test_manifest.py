"""A folder with a manifest is whole and unchanged, or the file that is not is named."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tunesmith.errors import ArtifactError
from tunesmith.files.atomic import write_json
from tunesmith.files.manifest import file_digest, verify_manifest, write_manifest
from tunesmith.files.tensors import save_tensors


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A small finished folder with a folder in it and one recorded file."""
    folder = tmp_path / "tickets.model"
    (folder / "1_Pooling").mkdir(parents=True)
    save_tensors(folder / "model.safetensors", {"weight": np.arange(6.0).reshape(2, 3)})
    write_json(folder / "config.json", {"hidden_size": 3})
    write_json(folder / "1_Pooling" / "config.json", {"mean": True})
    write_json(folder / "costs.json", {"seconds": 24.1})
    write_manifest(folder, record=["costs.json"])
    return folder


def test_a_finished_folder_verifies_and_tells_digests_and_sizes(bundle: Path) -> None:
    """The manifest lists every other file, sorted, in its section."""
    files = ["1_Pooling/config.json", "config.json", "costs.json", "model.safetensors"]
    assert verify_manifest(bundle) == files
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert list(manifest["files"]) == ["1_Pooling/config.json", "config.json", "model.safetensors"]
    assert list(manifest["record"]) == ["costs.json"]
    content = (bundle / "config.json").read_bytes()
    assert manifest["files"]["config.json"] == {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    assert file_digest(bundle / "config.json") == hashlib.sha256(content).hexdigest()


def test_the_same_folder_gives_the_same_manifest(bundle: Path, tmp_path: Path) -> None:
    """Files made in another order, and an older manifest in place, change nothing."""
    before = (bundle / "manifest.json").read_bytes()
    write_manifest(bundle, record=["costs.json"])
    assert (bundle / "manifest.json").read_bytes() == before
    other = tmp_path / "other"
    for name in ("costs.json", "model.safetensors", "config.json", "1_Pooling/config.json"):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_bytes((bundle / name).read_bytes())
    write_manifest(other, record=["costs.json"])
    assert (other / "manifest.json").read_bytes() == before


def test_every_flipped_bit_is_refused_and_its_file_named(bundle: Path) -> None:
    """Every bit of the manifest's own text and 400 of the others, one at a time."""
    random = np.random.default_rng(0)
    places = [(bundle / "manifest.json", bit) for bit in range((bundle / "manifest.json").stat().st_size * 8)]
    others = [path for path in sorted(bundle.rglob("*")) if path.is_file() and path.name != "manifest.json"]
    places = places[::7] + [
        (path, int(bit)) for path in others for bit in random.integers(0, path.stat().st_size * 8, 100)
    ]
    n_named = 0
    for path, bit in places:
        sound = path.read_bytes()
        flipped = bytearray(sound)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(ArtifactError, match=r"error\[(bundle-changed|newer-format|pickle-refused)\]") as caught:
            verify_manifest(bundle)
        n_named += caught.value.where == str(path)
        path.write_bytes(sound)
    verify_manifest(bundle)
    assert n_named == len(places) > 900


def add(bundle: Path) -> None:
    (bundle / ".DS_Store").touch()


def add_folder(bundle: Path) -> None:
    (bundle / "runtime").mkdir()
    (bundle / "runtime" / "x.json").write_text("{}")


def remove(bundle: Path) -> None:
    (bundle / "config.json").unlink()


def rename(bundle: Path) -> None:
    (bundle / "config.json").rename(bundle / "config2.json")


def swap(bundle: Path) -> None:
    first, second = bundle / "config.json", bundle / "costs.json"
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])


def lengthen(bundle: Path) -> None:
    with (bundle / "costs.json").open("a") as file:
        file.write("\n")


def link(bundle: Path) -> None:
    (bundle / "config.json").rename(bundle.parent / "config.json")
    (bundle / "config.json").symlink_to(bundle.parent / "config.json")


def link_folder(bundle: Path) -> None:
    (bundle / "1_Pooling").rename(bundle.parent / "elsewhere")
    (bundle / "1_Pooling").symlink_to(bundle.parent / "elsewhere")


def link_manifest(bundle: Path) -> None:
    (bundle / "manifest.json").rename(bundle.parent / "manifest.json")
    (bundle / "manifest.json").symlink_to(bundle.parent / "manifest.json")


def pipe(bundle: Path) -> None:
    os.mkfifo(bundle / "queue")


def replace_by_folder(bundle: Path) -> None:
    (bundle / "config.json").unlink()
    (bundle / "config.json").mkdir()


def pickle_by_name(bundle: Path) -> None:
    (bundle / "rng_state.pth").write_bytes(b"")


def pickle_by_content(bundle: Path) -> None:
    (bundle / "notes.txt").write_bytes(b"\x80\x04\x95....")


def pickle_in_place(bundle: Path) -> None:
    (bundle / "model.safetensors").write_bytes(b"PK\x03\x04....")


def lose_manifest(bundle: Path) -> None:
    (bundle / "manifest.json").unlink()


def empty_manifest(bundle: Path) -> None:
    (bundle / "manifest.json").write_bytes(b"")


def unlist(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    del manifest["files"]["config.json"]
    write_json(bundle / "manifest.json", manifest)


def space_manifest(bundle: Path) -> None:
    text = (bundle / "manifest.json").read_text()
    (bundle / "manifest.json").write_text(text + " ")


def list_manifest(bundle: Path) -> None:
    write_json(bundle / "manifest.json", [])


def odd_section(bundle: Path) -> None:
    write_json(bundle / "manifest.json", {"format": 1, "sha256": "", "files": {"config.json": 3}, "record": {}})


def newer(bundle: Path) -> None:
    write_json(bundle / "manifest.json", {"format": 2, "chunks": []})


@pytest.mark.parametrize(
    ("change", "code", "name"),
    [
        (add, "file-unexpected", ".DS_Store"),
        (add_folder, "file-unexpected", "runtime/x.json"),
        (remove, "bundle-incomplete", "config.json"),
        (rename, "bundle-incomplete", "config.json"),
        (swap, "bundle-changed", "config.json"),
        (lengthen, "bundle-changed", "costs.json"),
        (link, "symlink-refused", "config.json"),
        (link_folder, "symlink-refused", "1_Pooling"),
        (link_manifest, "symlink-refused", "manifest.json"),
        (pipe, "not-a-file", "queue"),
        (replace_by_folder, "bundle-incomplete", "config.json"),
        (pickle_by_name, "pickle-refused", "rng_state.pth"),
        (pickle_by_content, "pickle-refused", "notes.txt"),
        (pickle_in_place, "pickle-refused", "model.safetensors"),
        (lose_manifest, "bundle-incomplete", "manifest.json"),
        (empty_manifest, "bundle-changed", "manifest.json"),
        (unlist, "bundle-changed", "manifest.json"),
        (space_manifest, "bundle-changed", "manifest.json"),
        (list_manifest, "bundle-changed", "manifest.json"),
        (odd_section, "bundle-changed", "manifest.json"),
        (newer, "newer-format", "manifest.json"),
    ],
)
def test_every_change_is_refused_and_names_the_file(
    bundle: Path, change: Callable[[Path], None], code: str, name: str
) -> None:
    """One change at a time; the message begins with the code and the exact file."""
    change(bundle)
    with pytest.raises(ArtifactError, match="error") as caught:
        verify_manifest(bundle)
    assert caught.value.render().startswith(f"error[{code}]: {bundle / name}: ")


def test_a_renamed_file_is_told_with_its_new_name(bundle: Path) -> None:
    """The reader of the message should see at once what happened."""
    rename(bundle)
    with pytest.raises(ArtifactError, match=r'there but not listed: "config2\.json"'):
        verify_manifest(bundle)


def test_a_name_that_no_terminal_should_print_is_escaped(bundle: Path) -> None:
    """A file name is somebody's text: no control characters reach the screen, no broken bytes stop the message."""
    (bundle / "a\x1b[31m\udcff").touch()
    with pytest.raises(ArtifactError, match="file-unexpected") as caught:
        verify_manifest(bundle)
    assert caught.value.where == f"{bundle}/a\\x1b[31m\\udcff"


@pytest.mark.parametrize(
    ("change", "code"), [(link, "symlink-refused"), (pickle_by_name, "pickle-refused"), (pipe, "not-a-file")]
)
def test_no_manifest_is_written_for_what_would_be_refused(
    bundle: Path, change: Callable[[Path], None], code: str
) -> None:
    """A folder that could never be loaded must not be finished; the old manifest stays."""
    before = (bundle / "manifest.json").read_bytes()
    change(bundle)
    with pytest.raises(ArtifactError, match=code):
        write_manifest(bundle)
    assert (bundle / "manifest.json").read_bytes() == before


def test_a_recorded_file_must_be_there(bundle: Path) -> None:
    """A wrong name in ``record`` is our caller's slip and must not pass in silence."""
    with pytest.raises(ArtifactError, match=r"bundle-incomplete.*cost\.json"):
        write_manifest(bundle, record=["cost.json"])


def test_folders_that_are_not_there_or_empty(tmp_path: Path) -> None:
    """No folder is incomplete; an empty folder can be finished."""
    with pytest.raises(ArtifactError, match=r"bundle-incomplete.*missing: .*\n.*no such folder"):
        verify_manifest(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    write_manifest(tmp_path / "empty")
    verify_manifest(tmp_path / "empty")


def test_a_bundle_may_hold_bundles(bundle: Path, tmp_path: Path) -> None:
    """A cascade keeps whole bundles in ``stages``: their manifests are files like others."""
    outer = tmp_path / "cascade"
    (outer / "stages").mkdir(parents=True)
    bundle.rename(outer / "stages" / "0")
    write_manifest(outer)
    verify_manifest(outer)
    verify_manifest(outer / "stages" / "0")
    (outer / "stages" / "0" / "manifest.json").unlink()
    with pytest.raises(ArtifactError, match=r"stages/0/manifest\.json"):
        verify_manifest(outer)


def test_every_file_and_folder_is_synced_before_the_manifest(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wrote the files, after a power cut a folder with a manifest must be whole."""
    synced: list[str] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(str(Path(f"/dev/fd/{descriptor}").resolve().relative_to(bundle.parent)))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    write_manifest(bundle)
    names = {name.removeprefix("tickets.model/") for name in synced[:-2]}
    assert names == {"1_Pooling/config.json", "config.json", "costs.json", "model.safetensors", "1_Pooling"}
    assert ".tmp" in synced[-2]
    assert synced[-1] == "tickets.model"
