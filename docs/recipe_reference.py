"""The reference of the recipe, made from the settings themselves: every key, its flag, default, range and meaning.

python -m docs.recipe_reference [en|zh]
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from typer.main import get_command

import tunesmith.cli
from tunesmith.cli.app import app
from tunesmith.config import Family, Settings
from tunesmith.config.recipe import Recipe
from tunesmith.ladder.rungs import RUNGS
from tunesmith.models.poolings import fixed_poolings
from tunesmith.tasks import TASKS

TRANSLATIONS = Path(__file__).parent / "recipe_zh.toml"
_RUNGS_KEY, _TASKS_KEY = "rung", "task"

_WORDS = {
    "en": {
        "header": "| key | default | allowed | meaning |",
        "left out": "left out",
        "secret": "text, never written down",
        "text": "text",
        "texts": "list of texts",
        "bool": "true, false",
        "int": "whole number",
        "float": "number",
        "table": "table of options",
        "any": "any value",
        "rungs": "Rungs",
        "tasks": "Tasks",
        "task table": "Options of a task stand in `[task.NAME]`.",
        "rung table": "Options of a rung stand in `[rung.NAME]`.",
        "named": '`{0} = "NAME"` chooses one, `{0}_options = {{…}}` sets its options.',
        "listed": '`{} = ["NAME", …]` names those to try.',
        "same": "The same options as `rung.{}`.",
        "none": "No options.",
        "members": {
            "method": "Methods",
            "loss": "Losses",
            "optimiser": "Optimisers",
            "schedule": "Schedules",
            "poolings": "Poolings",
            "pairings": "Pairings",
        },
    },
    "zh": {
        "header": "| 键 | 默认值 | 允许的取值 | 含义 |",
        "left out": "不设",
        "secret": "文本，不会写入任何文件",
        "text": "文本",
        "texts": "文本列表",
        "bool": "true、false",
        "int": "整数",
        "float": "数值",
        "table": "选项表",
        "any": "任意值",
        "rungs": "级别",
        "tasks": "任务",
        "task table": "各任务的选项写在 `[task.名称]`。",
        "rung table": "各级别的选项写在 `[rung.名称]`。",
        "named": '用 `{0} = "名称"` 选择，选项写在 `{0}_options = {{…}}`。',
        "listed": '用 `{} = ["名称", …]` 列出要尝试的。',
        "same": "选项与 `rung.{}` 相同。",
        "none": "没有选项。",
        "members": {
            "method": "训练方法",
            "loss": "损失函数",
            "optimiser": "优化器",
            "schedule": "学习率曲线",
            "poolings": "池化方式",
            "pairings": "文本对的组合方式",
        },
    },
}
_BOUNDS = (("ge", "≥ {}"), ("gt", "> {}"), ("le", "≤ {}"), ("lt", "< {}"))


class Reference:
    """Writes the reference in one language.

    Args:
        language: ``en`` or ``zh``.
    """

    def __init__(self, language: str) -> None:
        self.words: dict[str, Any] = _WORDS[language]
        self.translated = tomllib.loads(TRANSLATIONS.read_text("utf-8"))["texts"] if language == "zh" else {}
        self.flags = flags_of_keys()
        self.said: set[str] = set()
        """Every text that was taken from the sources."""

    def pages(self) -> Iterator[str]:
        """Write all sections: the common ones, the rungs, and the families that rungs choose from.

        Yields:
            Lines of Markdown.
        """
        for name, field in Recipe.model_fields.items():
            section = field.annotation
            if isinstance(section, type) and issubclass(section, Settings):
                yield from (f"## `[{name}]` {{#{name}}}", "", self._said(inspect.getdoc(section) or ""), "")
                yield from self._table(section, f"{name}.")
        yield from (f"## {self.words['tasks']} {{#{_TASKS_KEY}}}", "", self.words["task table"], "")
        for name in TASKS.names():
            yield from self._member(TASKS, name, f"task-{name}", f"task.{name}.")
        yield from (f"## {self.words['rungs']} {{#{_RUNGS_KEY}}}", "", self.words["rung table"], "")
        yield from self._rungs()
        for key, family in families():
            how = self.words["named" if key == family.kind else "listed"].format(key)
            yield from (f"## {self.words['members'].get(key, key)} {{#{key}}}", "", how, "")
            for member in family.names():
                yield from self._member(family, member, f"{key}-{member}")

    def _rungs(self) -> Iterator[str]:
        seen: dict[type[Settings], str] = {}
        climbed = Recipe().ladder.rungs
        for name in (*climbed, *sorted(set(RUNGS.names()) - set(climbed))):
            options = RUNGS.member(name).Options
            if options in seen:
                yield from (f"### `{name}` {{#rung-{name}}}", "", self._said(_first_line(RUNGS.member(name))), "")
                yield from (self.words["same"].format(seen[options]), "")
                continue
            seen[options] = name
            yield from self._member(RUNGS, name, f"rung-{name}")

    def _member(self, family: Family, name: str, anchor: str, prefix: str = "") -> Iterator[str]:
        module = family.member(name)
        yield from (f"### `{name}` {{#{anchor}}}", "", self._said(_first_line(module)), "")
        if module.Options.model_fields:
            yield from self._table(module.Options, prefix)
        else:
            yield from (self.words["none"], "")

    def _table(self, settings: type[Settings], prefix: str) -> Iterator[str]:
        yield from (self.words["header"], "|---|---|---|---|")
        for name, field in settings.model_fields.items():
            flag = self.flags.get(prefix + name)
            key = f"`{name}`" + (f"<br>`{flag}`" if flag else "")
            said = self._said(field.description or "")
            yield f"| {key} | {self._default(field)} | {self._allowed(prefix + name, field)} | {said} |"
        yield ""

    def _said(self, text: str) -> str:
        text = " ".join(text.split()).replace("``", "`")
        self.said.add(text)
        return str(self.translated.get(text, text)).replace("|", "\\|")

    def _default(self, field: FieldInfo) -> str:
        value = field.get_default(call_default_factory=True)
        if value is None or value in ((), {}, ""):
            return str(self.words["left out"])
        return f"`{json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)}`"

    def _allowed(self, key: str, field: FieldInfo) -> str:
        members = {**dict(families()), "ladder.rungs": RUNGS, "run.task": TASKS}
        if key in members and get_origin(field.annotation) is not Literal:
            names = fixed_poolings() if key == "poolings" else members[key].names()  # the probe learns no weights
            return ", ".join(f"`{name}`" for name in names)
        bounds = [
            text.format(_number(getattr(mark, name)))
            for mark in field.metadata
            for name, text in _BOUNDS
            if getattr(mark, name, None) is not None
        ]
        return ", ".join([self._kind(field.annotation), *bounds])

    def _kind(self, annotation: Any) -> str:
        origin, parts = get_origin(annotation), get_args(annotation)
        if origin is Literal:
            return ", ".join(f"`{value}`" for value in parts)
        if origin in (Union, UnionType):
            return self._kind(next(part for part in parts if part is not NoneType))
        if origin is dict:
            return str(self.words["table"])
        if origin in (tuple, list):
            return str(self.words["texts"])
        names = {str: "text", bool: "bool", int: "int", float: "float", SecretStr: "secret"}
        return str(self.words[names.get(annotation, "any")])


@cache
def families() -> list[tuple[str, Family]]:
    """Find the families whose members an option of a rung names: it is called as the kind, or as several of them.

    Returns:
        Name of that option and the family.
    """
    by_key = {key: family for family in _all_families() for key in (family.kind, f"{family.kind}s")}
    keys = [key for name in RUNGS.names() for key in RUNGS.member(name).Options.model_fields if key in by_key]
    in_order = sorted(dict.fromkeys(keys), key=lambda key: (key != by_key[key].kind, keys.index(key)))
    return [(key, by_key[key]) for key in in_order]


def _all_families() -> Iterator[Family]:
    """Every family of the package, told by the assignments of its modules."""
    package = Path(tunesmith.__file__).parent
    for path in sorted(package.rglob("__init__.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("Family("):
                module = ".".join(path.parent.relative_to(package.parent).parts)
                yield getattr(importlib.import_module(module), ast.unparse(node.targets[0]))


def flags_of_keys() -> dict[str, str]:
    """Find the flag of ``tunesmith train`` for each recipe key that has one, in the sources of the commands.

    Returns:
        Dotted key to flag.
    """
    options = {parameter.name: parameter.opts[0] for parameter in get_command(app).commands["train"].params}  # type: ignore[attr-defined]
    found = {f"run.{name}": options[name] for name in Recipe().run.model_dump() if name in options}
    for path in sorted(Path(tunesmith.cli.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Dict):
                found |= dict(_flags_in(node, options))
    return found


def _flags_in(node: ast.Dict, options: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Take from ``{"data.text": options.columns_asked(text)}`` that the flag of ``text`` sets ``data.text``."""
    for key, value in zip(node.keys, node.values, strict=True):
        names = [part.id for part in ast.walk(value) if isinstance(part, ast.Name) and part.id in options]
        if isinstance(key, ast.Constant) and "." in str(key.value) and names and options[names[-1]].startswith("--"):
            yield str(key.value), options[names[-1]]


def english_texts() -> set[str]:
    """Collect every text that the reference takes from the sources, which may be translated.

    Returns:
        Texts in one line each.
    """
    reference = Reference("en")
    list(reference.pages())
    return reference.said


def recipe_reference(language: str) -> str:
    """Write the reference.

    Args:
        language: ``en`` or ``zh``.

    Returns:
        Markdown.
    """
    return "\n".join(Reference(language).pages())


def _first_line(module: Any) -> str:
    """The summary of a member's module, without its name in front."""
    line = (module.__doc__ or "").strip().splitlines()[0]
    name, separator, rest = line.partition("``: ")
    said = rest if separator and name.startswith("``") else line
    return said[:1].upper() + said[1:]


def _number(value: float) -> str:
    return f"{value:,}" if value < 2**31 else "2³¹"


if __name__ == "__main__":
    sys.stdout.write(recipe_reference(sys.argv[1] if len(sys.argv) > 1 else "en"))
