"""The reference of the recipe follows the settings: every key of every section and member, and nothing else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import get_args

import pytest
from docs.recipe_reference import TRANSLATIONS, english_texts, families, flags_of_keys, recipe_reference

from tunesmith.config import Settings
from tunesmith.config.recipe import Recipe
from tunesmith.ladder.rungs import RUNGS
from tunesmith.models.poolings import fixed_poolings
from tunesmith.tasks import TASKS

every_language = pytest.mark.parametrize("language", ["en", "zh"])


def sections_of(page: str) -> dict[str, str]:
    """Anchor of each heading to what stands below it."""
    parts = re.split(r"^#{2,3} .*? \{#([\w-]+)\}$", page, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def keys_of(section: str) -> list[str]:
    """Keys of the table below a heading."""
    return re.findall(r"^\| `(\w+)`", section, re.M)


def settings() -> Iterator[tuple[str, type[Settings]]]:
    """Every heading that has keys, with what declares them."""
    for name, field in Recipe.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            yield name, field.annotation
    yield from ((f"task-{name}", TASKS.member(name).Options) for name in TASKS.names())
    seen = []
    for name in (*Recipe().ladder.rungs, *RUNGS.names()):
        if RUNGS.member(name).Options not in seen:
            seen.append(RUNGS.member(name).Options)
            yield f"rung-{name}", RUNGS.member(name).Options
    for kind, family in families():
        yield from ((f"{kind}-{name}", family.member(name).Options) for name in family.names())


@every_language
def test_every_key_is_there(language: str) -> None:
    """In the order in which it is declared, with its bounds and its default."""
    sections = sections_of(recipe_reference(language))
    n_keys = 0
    for anchor, declared in settings():
        assert keys_of(sections[anchor]) == list(declared.model_fields), anchor
        n_keys += len(declared.model_fields)
    assert n_keys > 50
    assert {f"rung-{name}" for name in RUNGS.names()} <= sections.keys()
    (row,) = re.findall(r"^\| `min_gain`.*$", sections["ladder"], re.M)
    assert "| `0.2` |" in row
    assert "≥ 0.0, ≤ 100.0" in row


@every_language
def test_every_choice_is_there(language: str) -> None:
    """The values of a literal, and the members of a family, wherever a key takes one of them."""
    sections = sections_of(recipe_reference(language))
    for anchor, declared in settings():
        for name, field in declared.model_fields.items():
            (row,) = re.findall(rf"^\| `{name}`.*$", sections[anchor], re.M)
            choices = [value for value in get_args(field.annotation) if isinstance(value, str)]
            members = dict(families()).get(name)
            if members and anchor.startswith("rung") and not choices:
                choices += fixed_poolings() if name == "poolings" else members.names()
            assert [choice for choice in choices if f"`{choice}`" not in row] == []


def test_families_are_found_by_the_options_that_name_them() -> None:
    """One of a kind first, then lists of several; what no option of a rung names has no chapter."""
    found = dict(families())
    assert {"loss", "optimiser", "schedule", "poolings", "pairings"} <= found.keys()
    assert {family.kind for family in found.values()} & {"rung", "task", "head", "encoder"} == set()
    assert found["poolings"].kind == "pooling"


def test_flags_are_found() -> None:
    """Those that are shortcuts for a key, whatever they are called; a key without one has none."""
    flags = flags_of_keys()
    assert len(flags) > 15
    assert flags["data.text"] == "--text"
    assert flags["base.name"] == "--base"
    assert flags["run.seed"] == "--seed"
    assert "ladder.min_gain" not in flags
    values = {section: keys for section, keys in Recipe().model_dump().items() if section not in ("rung", "task")}
    known = {f"{section}.{key}" for section, keys in values.items() for key in keys}
    known |= {f"task.{name}.{key}" for name in TASKS.names() for key in TASKS.member(name).Options.model_fields}
    known |= {f"rung.{name}.{key}" for name in RUNGS.names() for key in RUNGS.member(name).Options.model_fields}
    assert flags["task.binary.positive"] == "--positive"
    assert flags["rung.finetune.method"] == "--method"
    assert flags.keys() <= known


def test_no_translation_is_stale() -> None:
    """Every English text of the table is in the sources; a text without Chinese stays English."""
    table = tomllib.loads(TRANSLATIONS.read_text("utf-8"))["texts"]
    assert sorted(table.keys() - english_texts()) == []
    page = recipe_reference("zh")
    assert all(chinese.replace("|", "\\|") in page for chinese in table.values())
