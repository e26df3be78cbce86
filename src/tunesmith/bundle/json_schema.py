"""JSON Schemas made from ``Facts``: of ``tunesmith.json``, one a kind, and of ``info --json``.

They are committed in ``tunesmith/schemas`` for whoever reads a bundle without this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from tunesmith.bundle.schema import Facts, Kind
from tunesmith.types import JSON

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_METRICS = {"$ref": "metrics.json"}
_FORMS = {"tokens": "TokenFacts", "base": "BaseFacts", "method": "MethodFacts", "runtime": "RuntimeFacts"}
_STAGES = {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/StageFacts"}}
_MUST: Mapping[Kind, tuple[str, ...]] = {
    "encoder": ("tokens", "base"),
    "adapter": ("tokens", "base", "method"),
    "network": ("tokens",),
    "runtime": ("tokens", "base", "runtime"),
    "static": ("tokens", "base"),
    "cascade": ("tokens", "base"),
}
"""Parts that a kind must say; those that it neither must nor may say are null."""
_MAY: Mapping[Kind, tuple[str, ...]] = {"network": ("base",)}


def facts_schema(kind: Kind) -> dict[str, JSON]:
    """Describe ``tunesmith.json`` of one kind of bundle.

    Args:
        kind: An encoder must say its tokens and its base model, and so must a static model; an adapter its method too,
            a runtime what runs it; a network must say its tokens, and its base model where its word vectors began as
            that model's; a bag of words has none of these. A cascade says its stages too.

    Returns:
        A JSON Schema, draft 2020-12; METRICS are those of ``metrics.json`` beside it.
    """
    schema = _schema(f"tunesmith.json of a bundle of kind {kind}")
    properties = schema["properties"]
    properties["kind"] |= {"const": kind, "enum": [kind]}
    must, may = _MUST.get(kind, ()), _MAY.get(kind, ())
    for name, form in _FORMS.items():
        told, reference = {"description": properties[name]["description"]}, {"$ref": f"#/$defs/{form}"}
        allowed = {"anyOf": [reference, {"type": "null"}]} if name in may else {"type": "null"}
        properties[name] = told | (reference if name in must else allowed)
    has_stages = kind == "cascade"
    properties["cascade"] = {"description": properties["cascade"]["description"]} | (
        _STAGES if has_stages else {"type": "null"}
    )
    schema["required"] += (*must, *(["cascade"] if has_stages else []))
    absent = {form for name, form in _FORMS.items() if name not in (*must, *may)}
    absent = absent - {"RuntimeFacts"} if has_stages else absent | {"StageFacts"}
    schema["$defs"] = {name: part for name, part in schema["$defs"].items() if name not in absent}
    return schema


def info_schema() -> dict[str, JSON]:
    """Describe ``info --json``: ``tunesmith.json`` of any kind, and the size of the folder.

    Returns:
        A JSON Schema, draft 2020-12; METRICS are those of ``metrics.json`` beside it.
    """
    schema = _schema("tunesmith info --json")
    schema["properties"]["size_mib"] = {"description": "Of all files of the folder.", "type": "number", "minimum": 0}
    schema["required"] = list(schema["properties"])
    return schema


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out titles that only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def _schema(title: str) -> dict[str, Any]:
    made: dict[str, Any] = Facts.model_json_schema(schema_generator=_WithoutTitles)
    made["title"] = title
    for name, metrics in (("metrics", _METRICS), ("test_metrics", {"anyOf": [_METRICS, {"type": "null"}]})):
        made["properties"][name] = {"description": made["properties"][name]["description"], **metrics}
    return {"$schema": _DIALECT, **made}
