"""What each module of a layer is for, by the end of its name in transformers."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.models.places import Role

_BERT: Mapping[str, Role] = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "attention_out",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "grow",
    "output.dense": "shrink",
    "output.LayerNorm": "output_norm",
}
_DISTILBERT: Mapping[str, Role] = {
    "attention.q_lin": "query",
    "attention.k_lin": "key",
    "attention.v_lin": "value",
    "attention.out_lin": "attention_out",
    "sa_layer_norm": "attention_norm",
    "ffn.lin1": "grow",
    "ffn.lin2": "shrink",
    "output_layer_norm": "output_norm",
}
_ALBERT: Mapping[str, Role] = {
    "attention.query": "query",
    "attention.key": "key",
    "attention.value": "value",
    "attention.dense": "attention_out",
    "attention.LayerNorm": "attention_norm",
    "ffn": "grow",
    "ffn_output": "shrink",
    "full_layer_layer_norm": "output_norm",
}
_DEBERTA: Mapping[str, Role] = {
    **{name: role for name, role in _BERT.items() if not name.startswith("attention.self")},
    "attention.self.query_proj": "query",
    "attention.self.key_proj": "key",
    "attention.self.value_proj": "value",
}
_MPNET: Mapping[str, Role] = {
    "attention.attn.q": "query",
    "attention.attn.k": "key",
    "attention.attn.v": "value",
    "attention.attn.o": "attention_out",
    "attention.LayerNorm": "attention_norm",
    "intermediate.dense": "grow",
    "output.dense": "shrink",
    "output.LayerNorm": "output_norm",
}
_MODERNBERT: Mapping[str, Role] = {  # it normalises before each part, so no norm stands at the end of one
    "attn.Wqkv": "qkv",
    "attn.Wo": "attention_out",
    "mlp.Wi": "grow",
    "mlp.Wo": "shrink",
}
_OTHERS: Mapping[str, Mapping[str, Role]] = {
    "albert": _ALBERT,
    "deberta-v2": _DEBERTA,
    "distilbert": _DISTILBERT,
    "modernbert": _MODERNBERT,
    "mpnet": _MPNET,
}


def role_of(name: str, model_type: str) -> Role | None:
    """Tell what a module of transformers is for; None of one that is not in the list of its architecture."""
    roles = _OTHERS.get(model_type, _BERT)
    fitting = [end for end in roles if name.endswith(f".{end}")]
    return roles[max(fitting, key=len)] if fitting else None
