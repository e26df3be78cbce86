"""Every family of the package, found by import, knows its members and has a suite of its own here."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import tunesmith
from tunesmith.config import Family
from tunesmith.errors import ConfigError

SUITES = sorted(path for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))


def families() -> dict[str, Family]:
    """The registries of the package, by their names."""
    packages = [each.name for each in pkgutil.walk_packages(tunesmith.__path__, "tunesmith.") if each.ispkg]
    return {
        name: value
        for package in packages
        for name, value in vars(importlib.import_module(package)).items()
        if isinstance(value, Family)
    }


def without_a_suite(names: list[str], suites: list[str]) -> list[str]:
    """Registries over whose members none of these suites runs its tests."""
    return [name for name in names if not any(f"{name}.names()" in suite for suite in suites)]


FAMILIES = families()
MEMBERS = {f"{registry}.{name}": (family, name) for registry, family in FAMILIES.items() for name in family.names()}
every_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def test_families_are_found() -> None:
    """Those of the ladder, of the models and of training among them."""
    assert {"RUNGS", "TASKS", "KINDS", "SOLVERS", "ENCODERS", "POOLINGS", "HEADS", "LOSSES"} <= FAMILIES.keys()
    assert len({family.kind for family in FAMILIES.values()}) == len(FAMILIES), "two families of one word"


def test_every_family_has_a_suite() -> None:
    """Whose tests run over all of its members, also over those to come."""
    assert without_a_suite(list(FAMILIES), [path.read_text("utf-8") for path in SUITES]) == []


def test_a_family_without_a_suite_is_found() -> None:
    """A suite that lists members by hand does not count."""
    assert without_a_suite(["RUNGS", "TASKS"], ["RUNGS.names()", 'TASKS.member("single_label")']) == ["TASKS"]


@every_family
def test_members_are_found_by_their_files(family: Family) -> None:
    """Sorted, none of them private, and at least one."""
    names = family.names()
    assert names
    assert list(names) == sorted(names)
    assert not any(name.startswith("_") for name in names)


@pytest.mark.parametrize(("family", "name"), MEMBERS.values(), ids=MEMBERS)
def test_a_member_is_a_module_that_says_what_it_is_for(family: Family, name: str) -> None:
    """By the name of its file, imported when asked for, the same each time."""
    member = family.member(name)
    assert isinstance(member, ModuleType)
    assert member.__name__.rpartition(".")[2] == name
    assert family.member(name) is member
    assert (member.__doc__ or "").strip()


@every_family
def test_an_unknown_member_is_told_with_the_nearest(family: Family) -> None:
    """A misspelt member names the one that was most likely meant, under a code of the family's own."""
    right = family.names()[0]
    with pytest.raises(ConfigError, match=f"{right}x") as caught:
        family.member(f"{right}x")
    assert caught.value.code == f"unknown-{family.kind}"
    assert right in (caught.value.allowed or "")
    assert f"'{right}'" in (caught.value.advice or "")
