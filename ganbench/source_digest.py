# SPDX-License-Identifier: MIT
"""The hash of source code that a user has defined, which is part of a run's identity."""

from __future__ import annotations

import copyreg
import dis
import hashlib
import inspect
import random
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

from ganbench.entries import FILE_MODULE
from ganbench.registry import Registry
from ganbench.siblings import file_digest, sibling_file

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), type(NotImplemented))
"""Types whose ``repr`` says all there is to say, and the same in every process."""
_HOLDERS = (property, staticmethod, classmethod, MethodType)
_HELD = ("fget", "fset", "fdel", "__func__", "__self__")
"""The attributes in which such objects hold functions and objects."""

Part = tuple[str, object]
"""What an object refers to, under a label such as the name of an attribute."""


def source_digest(registry: Registry[Any], name: str) -> str:
    """Return sixteen hex digits of the SHA-256 of the source of an entry.

    The source is the file that defines the entry; a user's file counts with the siblings that it
    imports. Code from a notebook or script is hashed by itself, together with everything it refers
    to, so that running another cell changes nothing: functions and classes of the same notebook,
    values of any kind, and the modules next to the notebook. Libraries are known by their versions,
    so their functions and classes count by name. The digest is the same in every process.
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
    """Return the texts of an object and of all that it refers to, in the order of the references.

    The texts are the source code of functions and classes of the object's own module and of the
    script or notebook, the names of those of libraries, the hash of the files next to the script,
    the values of numbers and texts, and the bytes of arrays. Objects are described as ``pickle``
    takes them apart. What cannot be taken apart counts by its type.
    """
    return _Description(value).texts()


class _Description:
    """The texts of an object and of what it refers to; each has a number, by which others name it.

    Args:
        root: The object.
        home: The modules whose code counts; None for the object's own, and ``__main__``.
        sets: The ids of the sets that are being described, which may hold each other.
    """

    def __init__(
        self, root: object, home: Collection[str] | None = None, sets: frozenset[int] = frozenset()
    ) -> None:
        self._home = {"__main__", _module_of(root)} if home is None else home
        self._sets = sets
        self._numbers: dict[int, int] = {}
        self._objects: list[object] = []  # kept alive, because another could get the same id
        self._modules: dict[str, str] = {}
        self._root = self._named(root)

    def texts(self) -> list[str]:
        """Return the texts, that of the object itself first."""
        texts = [self._root]
        for current in self._objects:  # grows on the way
            text, parts = self._described(current)
            names = (f"{label}={self._named(part)}" for label, part in parts)
            texts.append(f"{type(current).__qualname__} {text}: {', '.join(names)}")
        return texts

    def _named(self, part: object) -> str:
        """Return what stands for a part in the text of what refers to it."""
        if type(part) is bytes:
            return hashlib.sha256(part).hexdigest()  # may be those of a large array
        if type(part) in _PLAIN:
            return repr(part)
        if id(part) not in self._numbers:
            self._numbers[id(part)] = len(self._objects)
            self._objects.append(part)
        return f"#{self._numbers[id(part)]}"

    def _described(self, value: object) -> tuple[str, Iterable[Part]]:
        """Return what is said of an object itself, and what it refers to."""
        if isinstance(value, ModuleType):
            return self._library(value.__name__), ()
        if isinstance(value, FunctionType):
            module = str(value.__globals__.get("__name__"))  # wrappers copy their __module__
            if module in self._home:
                return _source(value), _parts_of_function(value)
            return f"{self._library(module)}.{value.__qualname__}", _closure(value)
        if isinstance(value, type):
            if value.__module__ in self._home:
                return _source(value), _parts_of_class(value)
            return f"{self._library(value.__module__)}.{value.__qualname__}", ()
        if isinstance(value, set | frozenset):
            return type(value).__qualname__, (("", text) for text in self._members(value))
        return _parts_of_object(value)

    def _library(self, module: str) -> str:
        """Return the text of a module; the files next to the script are read once."""
        if module not in self._modules:
            self._modules[module] = _library_text(module)
        return self._modules[module]

    def _members(self, value: Collection[object]) -> list[str]:
        """Return a text for each member of a set, sorted, because a set has no order of its own."""
        if id(value) in self._sets:
            return []
        around = self._sets | {id(value)}
        members = (_Description(member, self._home, around) for member in value)
        return sorted("\n".join(member.texts()) for member in members)


def _library_text(module: str) -> str:
    """Return the name of a module, with the hash of its file if it is next to the script."""
    file = getattr(sys.modules.get(module), "__file__", None)
    folder = _folder_of_session()
    path = sibling_file(folder, *module.split(".")) if file else None
    if path is None or path != Path(str(file)).resolve():
        return module
    return f"{module} {file_digest(path, folder)}"


def _folder_of_session() -> Path:
    """Return the folder of the script that runs, or that of the notebook."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    return Path(script).resolve().parent if script else Path.cwd()


def _module_of(value: object) -> str:
    """Return the module of a user's function or class, whose code counts; empty for a library's."""
    module = str(getattr(value, "__module__", ""))
    return "" if module.startswith("ganbench.") else module


def _source(value: FunctionType | type) -> str:
    """Return the source code of a function or class, or what stands for it."""
    try:
        text = inspect.getsource(value)
    except (OSError, TypeError):  # typed at a prompt, or made by a program: no text is kept
        text = ""
    # The text of a lambda is its line, on which there may be others.
    if isinstance(value, type) or (text and value.__name__ != "<lambda>"):
        return text or value.__qualname__
    codes = (f"{code.co_name} {code.co_code.hex()} {code.co_names}" for code in _nested(value))
    return "\n".join([text, *codes])


def _parts_of_function(function: FunctionType) -> Iterator[Part]:
    """Yield what a function refers to: globals, constants, its closure, defaults, attributes."""
    scope = function.__globals__
    for code in _nested(function):
        for instruction in dis.get_instructions(code):
            name = instruction.argval
            # Attributes are no references, though they may be called like a global.
            if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"} and name in scope:
                yield name, scope[name]
        yield from (("", part) for part in code.co_consts if not isinstance(part, CodeType))
    yield from _closure(function)
    yield "defaults", function.__defaults__
    yield "defaults", function.__kwdefaults__
    yield from vars(function).items()


def _closure(function: FunctionType) -> Iterator[Part]:
    """Yield the variables of a function that belong to the functions around it."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # nothing is assigned yet
            yield name, None


def _parts_of_class(kind: type) -> Iterator[Part]:
    """Yield what a class consists of: its methods and attributes, its bases, its metaclass."""
    for name, part in vars(kind).items():
        # Python and its decorators keep records in special attributes; what acts are functions.
        special = name.startswith("__") and name.endswith("__")
        if not special or isinstance(part, FunctionType | property | staticmethod | classmethod):
            yield name, part
    yield from (("base", base) for base in kind.__bases__)
    yield "metaclass", type(kind)


def _parts_of_object(value: object) -> tuple[str, Iterable[Part]]:
    """Return what is said of an object that is no code, and what it refers to."""
    kind = type(value)
    if kind in {list, tuple}:
        return "", (("", item) for item in value)  # type: ignore[attr-defined]
    if isinstance(value, MappingProxyType) or kind is dict:
        return "", (("", part) for pair in value.items() for part in pair)  # type: ignore[attr-defined]
    if isinstance(value, _HOLDERS):
        return "", ((name, getattr(value, name, None)) for name in _HELD)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return f"{value.dtype} {tuple(value.shape)}", [("", _bytes_of_tensor(value))]
    if kind.__module__.startswith("numpy.random") or isinstance(value, random.Random):
        return "", [("kind", kind)]  # a stream's position moves when the model is built
    return "", _taken_apart(value)


def _taken_apart(value: object) -> Iterator[Part]:
    """Yield what ``pickle`` would make an object of; only its type and attributes if it cannot."""
    kind = type(value)
    attributes = getattr(value, "__dict__", None)
    pieces: Any = None
    with suppress(Exception):  # a user's class may do anything; locks and open files say no
        reduce = copyreg.dispatch_table.get(kind)
        pieces = reduce(value) if reduce else value.__reduce_ex__(4)
    if isinstance(pieces, str):  # a function in C, or a wrapper, by its name
        yield "name", f"{getattr(value, '__module__', '')}.{pieces}"
    elif pieces is not None:
        for piece in pieces:
            # The items of lists and of dictionaries come as iterators.
            yield "", list(piece) if isinstance(piece, Iterator) else piece
        return
    yield "kind", kind
    yield "attributes", attributes


def _bytes_of_tensor(tensor: Any) -> bytes | None:
    """Return the bytes of a tensor's values; None for a tensor that has none."""
    try:
        values = tensor.detach().cpu().to_dense().resolve_conj().resolve_neg().contiguous()
        raw: bytes = values.reshape(-1).view(sys.modules["torch"].uint8).numpy().tobytes()
    except (RuntimeError, TypeError, ValueError):  # on the meta device, or quantized
        return None
    return raw


def _nested(function: FunctionType) -> Iterator[CodeType]:
    """Yield the code of a function and of the functions inside it."""
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        yield code
        waiting += [part for part in code.co_consts if isinstance(part, CodeType)]
