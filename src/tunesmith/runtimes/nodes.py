"""An ONNX graph, written node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Products: TypeAlias = Literal["int8", "float32"]
Dialect: TypeAlias = Literal["onnx", "onnxruntime"]
"""Operations of the standard alone, and all weights in the model; or ONNX Runtime's own operations, where those take
less time, and weights that it takes from memory."""

OPSET, _IR = 20, 9
"""Versions of the operations and of the format."""
OWN_DOMAIN, _OWN_OPSET = "com.microsoft", 1
"""Of ONNX Runtime's own operations."""
FLOAT, WHOLE = 1, 7
"""float32 and int64 as ONNX numbers them."""
_LARGE = 4096
"""Bytes from which on a constant may be apart."""

Inputs: TypeAlias = Mapping[str, tuple[int, Sequence[str | int]]]
"""What a graph reads, by name: a type (``FLOAT``, ``WHOLE``) and sizes, a word for one that is left open."""
Outputs: TypeAlias = Mapping[str, Sequence[str | int]]
"""What a graph gives, in order, by name: sizes; all are float32."""


class Graph(NamedTuple):
    """A model as a graph."""

    model: bytes
    """An ONNX model, serialized."""
    weights: dict[str, NDArray[Any]]
    """Its large constants by name, where they are not in the model."""


class Nodes:
    """The nodes and constants of a graph that is being written.

    Args:
        products: What is multiplied.
        dialect: Whose operations, and whether large constants are named alone.
    """

    def __init__(self, *, products: Products = "float32", dialect: Dialect = "onnx") -> None:
        from onnx import helper, numpy_helper

        self._helper, self._numpy = helper, numpy_helper
        self.products, self.dialect = products, dialect
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._weights: dict[str, NDArray[Any]] = {}

    def constant(self, values: NDArray[Any] | Sequence[int] | float) -> str:
        """Hold an array.

        Args:
            values: Whole numbers in a list are int64, a number alone is float32.

        Returns:
            Its name.
        """
        array = np.asarray(values, dtype=np.float32 if isinstance(values, float) else None, order="C")
        name = f"c{len(self._constants)}"
        if self.dialect == "onnxruntime" and array.nbytes >= _LARGE:
            self._weights[name] = array
            self._constants.append(self._named(name, array))
        else:
            self._constants.append(self._numpy.from_array(array, name))
        return name

    def _named(self, name: str, array: NDArray[Any]) -> Any:
        """A constant whose values are handed over beside the graph."""
        from onnx import TensorProto

        kind = self._helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor = TensorProto(name=name, dims=array.shape, data_type=kind, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="memory")
        return tensor

    def __call__(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output.

        Args:
            operation: As ONNX names it.
            inputs: Names of what it reads.
            attributes: Its own, and ``domain``, where the operation is not of the standard.

        Returns:
            Name of what it gives.
        """
        (name,) = self.several(operation, *inputs, n_outputs=1, **attributes)
        return name

    def several(self, operation: str, *inputs: str, n_outputs: int, **attributes: Any) -> list[str]:
        """Add a node of several outputs.

        Args:
            operation: As ONNX names it.
            inputs: Names of what it reads.
            n_outputs: How many it gives.
            attributes: Its own.

        Returns:
            Names of what it gives.
        """
        names = [f"n{len(self._nodes)}_{number}" for number in range(n_outputs)]
        self._nodes.append(self._helper.make_node(operation, inputs, names, **attributes))
        return names

    def call(self, values: str, name: str) -> None:
        """Give what a node gives a name of its own, by which others ask for it.

        Args:
            values: Name that it has.
            name: Name that it shall have as well.
        """
        self._nodes.append(self._helper.make_node("Identity", [values], [name]))

    def graph(self, inputs: Inputs, outputs: Outputs) -> Graph:
        """Finish the graph.

        Args:
            inputs: What it reads.
            outputs: What it gives.

        Returns:
            The graph.
        """
        given = [self._helper.make_tensor_value_info(name, kind, sizes) for name, (kind, sizes) in inputs.items()]
        made = [self._helper.make_tensor_value_info(name, FLOAT, sizes) for name, sizes in outputs.items()]
        graph = self._helper.make_graph(self._nodes, "model", given, made, self._constants)
        operations = [self._helper.make_opsetid("", OPSET), self._helper.make_opsetid(OWN_DOMAIN, _OWN_OPSET)]
        known = operations[: 1 + (self.dialect == "onnxruntime")]
        model = self._helper.make_model(graph, opset_imports=known, ir_version=_IR)
        return Graph(model.SerializeToString(), self._weights)
