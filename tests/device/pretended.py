"""A device that is pretended: it computes on the CPU, and refuses all that a card would refuse.

Its tensors cannot be read as arrays, nor meet those of the CPU but for lone numbers, and its random numbers come from a
generator of its own. So whatever is left behind on the CPU, or taken for being there, is found without a card. It is
registered for good, so a process that pretends does nothing else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch.utils._pytree import tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "pretended"

_COPIES = ("aten::copy_", "aten::_copy_from")
"""Operations that may read one device and write another."""
_COMPOSITE = ("CompositeExplicitAutograd", "CompositeExplicitAutogradNonFunctional")
"""Kinds of kernels that would otherwise be taken before ours, and make tensors that hold no numbers."""
_IN_BF16 = ("addmm", "baddbmm", "bmm", "linear", "matmul", "mm", "scaled_dot_product_attention")
_has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
_lately: OrderedDict[int, torch.Tensor] = OrderedDict()
"""Numbers of the latest tensors by their storage: what autograd saves of an output is a tensor of torch's own."""
_N_LATELY = 50_000


class Seen(NamedTuple):
    """What was asked of the device."""

    seeds: list[int]
    """What its generator was seeded with, first to last."""
    in_bf16: list[str]
    """Products of numbers of bfloat16, by name."""


_seen = Seen([], [])


class _Far(torch.Tensor):
    """A tensor on the device; ``near`` holds its numbers."""

    near: torch.Tensor

    __torch_function__ = torch._C._disabled_torch_function_impl  # else all that comes of one would be of this class

    @staticmethod
    def __new__(cls: type[_Far], near: torch.Tensor) -> _Far:
        made = torch._C._acc.create_empty_tensor(near.shape, near.dtype)
        made.__class__ = cls
        return made

    def __init__(self, near: torch.Tensor) -> None:
        self.near = near
        _lately[self.untyped_storage()._cdata] = near
        if len(_lately) > _N_LATELY:
            _lately.popitem(last=False)


class _Module:
    """What torch asks a device for."""

    @staticmethod
    def is_available() -> bool:
        """It is there."""
        return True

    @staticmethod
    def get_amp_supported_dtype() -> list[torch.dtype]:
        """It computes in bfloat16."""
        return [torch.bfloat16]

    @staticmethod
    def manual_seed(seed: int) -> None:
        """Seed its generator."""
        _seen.seeds.append(seed)
        _generator.manual_seed(seed)

    @staticmethod
    def synchronize() -> None:
        """Nothing is ever under way."""

    @staticmethod
    def _is_in_bad_fork() -> bool:
        return False


_generator = torch.Generator()


def pretend() -> Seen:
    """Register the device with torch.

    Returns:
        What is asked of it from now on.
    """
    _setup_privateuseone_for_python_backend(NAME, backend_module=_Module())
    every = torch.library.Library("_", "IMPL")
    every.fallback(_computed, "PrivateUse1")
    aten = torch.library.Library("aten", "IMPL")
    for name in torch._C._dispatch_get_all_op_names():
        if name.startswith("aten::") and any(map(partial(_has_kernel, name), _COMPOSITE)):
            base, _, overload = name.removeprefix("aten::").partition(".")
            own = _moved if base == "_to_copy" else _computed
            operation = getattr(getattr(torch.ops.aten, base), overload or "default")
            aten.impl(name.removeprefix("aten::"), partial(own, operation), "PrivateUse1")
    every.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
    for name in _IN_BF16:
        operation = getattr(torch.ops.aten, name).default
        aten.impl(name, partial(_in_bf16, operation), "AutocastPrivateUse1")
    _kept.extend((every, aten))
    return _seen


_kept: list[Any] = []
"""Libraries of operations, which torch forgets with the object."""


def _computed(operation: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Compute on the CPU what the device is asked for."""
    name = operation.name()  # type: ignore[attr-defined]

    def near(value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.device.type == NAME:
            return _numbers(value, in_order=name.startswith("aten::_f"))  # of many at once, which go by addresses
        if isinstance(value, torch.Tensor) and value.dim() and name not in _COPIES:
            raise RuntimeError(f"{name}: a tensor {list(value.shape)} of the CPU meets the device")
        return torch.device("cpu") if isinstance(value, torch.device) else value

    if any(argument.name == "generator" for argument in operation._schema.arguments):  # type: ignore[attr-defined]
        named = {**named, "generator": _generator}
    with torch.inference_mode(False), torch.no_grad():
        compute = torch.ops.aten.reshape.default if name == "aten::view" else operation  # it takes all for contiguous
        found = compute(*tree_map(near, arguments), **tree_map(near, named))
        return tree_map(_far, found)


def _numbers(tensor: torch.Tensor, *, in_order: bool) -> torch.Tensor:
    """Give what a tensor of the device holds; torch takes all of them for contiguous, some operations rely on it."""
    found = tensor.near if isinstance(tensor, _Far) else _lately[tensor.untyped_storage()._cdata]
    if not in_order or found.is_contiguous():
        return found
    assert isinstance(tensor, _Far), "what is saved for a way back is not changed"
    tensor.near = _lately[tensor.untyped_storage()._cdata] = found.contiguous()
    return tensor.near


def _in_bf16(operation: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Do as a card does under autocast: what multiplies takes numbers of bfloat16."""
    _seen.in_bf16.append(operation.name())  # type: ignore[attr-defined]

    def narrow(value: Any) -> Any:
        return value.bfloat16() if isinstance(value, torch.Tensor) and value.is_floating_point() else value

    with torch.autocast(NAME, enabled=False):
        return operation(*tree_map(narrow, arguments), **tree_map(narrow, named))


def _moved(
    operation: Callable[..., Any],
    tensor: torch.Tensor,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | None = None,
    **named: Any,
) -> torch.Tensor:
    """Copy to the device, or away from it."""
    del operation, named
    values = tensor.near if isinstance(tensor, _Far) else tensor.detach()
    is_far = isinstance(tensor, _Far) if device is None else device.type == NAME
    with torch.inference_mode(False), torch.no_grad():
        copied = values.to(dtype or values.dtype, copy=True)
        return _far(copied) if is_far else copied


def _far(value: Any) -> Any:
    return _Far(value) if isinstance(value, torch.Tensor) and not isinstance(value, _Far) else value
