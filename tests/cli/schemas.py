"""The committed JSON Schemas, as somebody without this package would use them.

``python -m tests.cli.schemas`` writes anew those that are made from the code.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tunesmith.bundle.json_schema import facts_schema, info_schema
from tunesmith.types import JSON

FOLDER = Path(str(files("tunesmith"))) / "schemas"
MADE = {
    "bundle-encoder.json": lambda: facts_schema("encoder"),
    "bundle-adapter.json": lambda: facts_schema("adapter"),
    "bundle-network.json": lambda: facts_schema("network"),
    "bundle-bag_of_words.json": lambda: facts_schema("bag_of_words"),
    "bundle-runtime.json": lambda: facts_schema("runtime"),
    "bundle-static.json": lambda: facts_schema("static"),
    "bundle-cascade.json": lambda: facts_schema("cascade"),
    "info.json": info_schema,
}
"""File to what makes its content."""


def committed(name: str) -> dict[str, JSON]:
    """Read one schema."""
    content: dict[str, JSON] = json.loads((FOLDER / name).read_text("utf-8"))
    return content


def problems(name: str, value: JSON) -> list[str]:
    """Validate a value; one sentence a problem."""
    beside = [(path.name, Resource.from_contents(committed(path.name))) for path in FOLDER.glob("*.json")]
    validator = Draft202012Validator(committed(name), registry=Registry().with_resources(beside))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def rendered(schema: JSON) -> str:
    """Lay a schema out as it is committed."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, make in MADE.items():
        (FOLDER / name).write_text(rendered(make()), "utf-8")
