# SPDX-License-Identifier: MIT
"""The hash of source code that a user has defined, which is part of a run's identity."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ganbench.entries import FILE_MODULE
from ganbench.registry import Registry
from ganbench.siblings import file_digest, sibling_file

_PLAIN = (bool, int, float, complex, str, bytes, tuple, frozenset, type(None))


def source_digest(registry: Registry[Any], name: str) -> str:
    """Return sixteen hex digits of the SHA-256 of the source of an entry.

    The source is the file that defines the entry; a user's file counts with the siblings that it
    imports. Code from a notebook or script is hashed by itself, together with everything it refers
    to in the same notebook, so that running another cell changes nothing, and with the modules
    next to the notebook that it refers to.
    """
    entry = registry.entry(name)
    if entry.path and entry.module.startswith(FILE_MODULE):
        return file_digest(entry.path)[:16]
    if entry.path:
        source = entry.path.read_bytes()
    else:
        source = "\n".join(source_texts(registry.get(name))).encode()
    return hashlib.sha256(source).hexdigest()[:16]


def source_texts(value: object) -> list[str]:
    """Return the texts of an object and of all that it refers to in its own module, sorted.

    The texts are the source code of functions and classes, and the ``repr`` of plain values. For
    a module in the folder of the script or notebook, it is the digest of its file.
    """
    home = {"__main__", getattr(value, "__module__", "")}
    texts: dict[int, str] = {}
    helpers: set[Path] = set()
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if id(current) not in texts:
            texts[id(current)] = _text(current)
            parts = list(_references(current))
            waiting += [part for part in parts if _is_followed(part, home)]
            helpers |= {path for part in parts if (path := _helper_of(part, home))}
    digests = [file_digest(path, _folder_of_session()) for path in helpers]
    return sorted([*texts.values(), *digests])


def _folder_of_session() -> Path:
    """Return the folder of the script that runs, or that of the notebook."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    return Path(script).resolve().parent if script else Path.cwd()


def _helper_of(part: object, home: set[str]) -> Path | None:
    """Return the file of a reference to a module next to the script or notebook, or into it."""
    name = part.__name__ if isinstance(part, ModuleType) else getattr(part, "__module__", None)
    file = getattr(sys.modules.get(str(name)), "__file__", None)
    if name in home or not file:
        return None
    path = sibling_file(_folder_of_session(), *str(name).split("."))
    return path if path is not None and path == Path(file).resolve() else None


def _is_followed(part: object, home: set[str]) -> bool:
    """Tell whether a reference is followed: code in libraries is known by their versions."""
    module = str(getattr(part, "__module__", ""))
    return isinstance(part, _PLAIN) or module in home or module.startswith("ganbench.")


def _text(value: object) -> str:
    """Return the text that stands for one object in the hash."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if not isinstance(value, type | FunctionType):
        return type(value).__qualname__
    if value.__module__.startswith("ganbench."):
        return value.__qualname__
    try:
        return inspect.getsource(value)
    except (OSError, TypeError):  # typed at a prompt, or made by a program: no text is kept
        codes = [value.__code__] if isinstance(value, FunctionType) else _codes_of_class(value)
        return "\n".join(f"{code.co_name} {code.co_code.hex()} {code.co_names}" for code in codes)


def _references(value: object) -> Iterator[object]:
    """Yield the parts of a function, a class or an object: globals, closures, attributes."""
    if isinstance(value, type | FunctionType) and value.__module__.startswith("ganbench."):
        closure = value.__closure__ if isinstance(value, FunctionType) else ()
        yield from (cell.cell_contents for cell in closure or ())
    elif isinstance(value, FunctionType):
        for code in _nested(value.__code__):
            names = value.__globals__
            yield from (names[name] for name in code.co_names if name in names)
            yield from (part for part in code.co_consts if isinstance(part, _PLAIN))
        yield from (cell.cell_contents for cell in value.__closure__ or ())
    elif isinstance(value, type):
        yield from (part for part in vars(value).values() if isinstance(part, FunctionType))
        yield from value.__bases__
    elif not isinstance(value, _PLAIN):
        yield from getattr(value, "__dict__", {}).values()


def _nested(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and those of the functions inside it."""
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _nested(part)


def _codes_of_class(kind: type) -> list[CodeType]:
    """Return the code of every method of a class."""
    return [part.__code__ for part in vars(kind).values() if isinstance(part, FunctionType)]
