"""Pickles are recognised in order to be refused by name; nothing here or elsewhere ever opens one."""

from __future__ import annotations

from tunesmith.errors import ArtifactError

PICKLE_ENDINGS = (".pkl", ".pickle", ".bin", ".pt", ".pth", ".ckpt", ".joblib", ".npy", ".npz")
"""Names that stand for files which the usual loaders unpickle."""

HEAD_BYTES = 16
"""How much of a file's beginning ``refuse_pickle`` wants to see."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")  # torch.save, npz
_NUMPY = b"\x93NUMPY"
_PROTOCOL = 0x80
_HIGHEST_PROTOCOL = 5


def refuse_pickle(name: str, head: bytes, *, where: str) -> None:
    """Refuse a file whose name or first bytes are those of a pickle or of a container of pickles.

    Args:
        name: Name of the file, for its ending.
        head: The first ``HEAD_BYTES`` bytes, or fewer if the file is shorter.
        where: The file as messages name it.

    Raises:
        ArtifactError: ``pickle-refused``, with what gave the file away.

    Example:
        >>> refuse_pickle("model.safetensors", b"{}", where="model.safetensors")
    """
    ending = next((ending for ending in PICKLE_ENDINGS if name.lower().endswith(ending)), None)
    content = _content(head)
    if ending is None and content is None:
        return
    raise ArtifactError(
        "pickle-refused",
        "this file can run code when it is opened, so it is never opened",
        where=where,
        found=content if ending is None else f"a name that ends in {ending}",
        allowed="weights as .safetensors, settings as .json",
        advice="convert the weights to safetensors where they came from, or remove the file",
    )


def _content(head: bytes) -> str | None:
    """Say what kind of pickle the first bytes belong to, or None."""
    if head.startswith(_ZIP):
        return "the first bytes of a zip archive, as torch.save and numpy write them"
    if head.startswith(_NUMPY):
        return "the first bytes of a numpy file, which may hold pickled objects"
    is_pickle = len(head) >= 2 and head[0] == _PROTOCOL and head[1] <= _HIGHEST_PROTOCOL
    # a safetensors file begins with the length of its header, which may happen to start with these two bytes too
    is_safetensors = head[4:9] == b"\0\0\0\0{"
    return f"the first bytes of a pickle of protocol {head[1]}" if is_pickle and not is_safetensors else None
