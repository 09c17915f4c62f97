# SPDX-License-Identifier: MIT
"""How a network is computed: by torch as it is, compiled, or by OpenVINO; in fp32 or bf16."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ganbench.errors import ConfigError, MissingDataError, suggest
from ganbench.runtime.memory import keep_freed_memory

InferencePrecision = Literal["fp32", "bf16"]
INFERENCE_ENGINES = ("torch", "compile", "openvino")
PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True)
class Compute:
    """Where and how networks compute.

    ``engine`` is one of ``ENGINES``. ``precision`` bf16 computes convolutions and products in
    bfloat16; it moves values, and is part of the protocol. It is faster on GPUs, and on CPUs that
    multiply bfloat16 (AMX, AVX-512 BF16); on others it is slower than fp32. ``batch_size`` None
    leaves the choice to the network. On CUDA, TF32 is off and the kernels are deterministic.

    Raises:
        ConfigError: an engine or a precision that is unknown, a batch size below 1, or OpenVINO
            anywhere but on the CPU.
    """

    device: str = "cpu"
    engine: str = "torch"
    precision: InferencePrecision = "fp32"
    batch_size: int | None = None

    def __post_init__(self) -> None:
        _known("engine", self.engine, INFERENCE_ENGINES)
        _known("precision", self.precision, PRECISIONS)
        if self.batch_size is not None and self.batch_size < 1:
            raise ConfigError(f"A batch holds at least one image, not {self.batch_size}.")
        if self.engine == "openvino" and torch.device(self.device).type != "cpu":
            raise ConfigError(
                f"The engine openvino computes on the CPU, not on {self.device}.",
                "Leave --engine out, or add --device cpu.",
            )


ROWS_PER_STREAM = 4
"""Rows of a batch that one stream of OpenVINO takes at once."""

Forward = Callable[[Tensor], tuple[Tensor, ...]]
"""Maps a prepared batch to features (B, d), or to features and logits (B, K)."""

_forwards: WeakKeyDictionary[nn.Module, dict[tuple[object, ...], Forward]] = WeakKeyDictionary()
"""What was compiled, so that networks that share a module share it."""


def forward_of(module: nn.Module, example: Tensor, compute: Compute) -> Forward:
    """Return a frozen module as a function of batches like ``example``, as ``compute`` says.

    The function takes any number of rows; what has been compiled for a module is made once, for
    the example's shape. It leaves torch's global settings as they were.

    Raises:
        ConfigError: torch cannot compile on this machine.
        MissingDataError: the engine is not installed; the hint is the command that installs it.
    """
    # Only what torch compiles is bound to a number of rows.
    bound = (compute.batch_size or len(example)) if compute.engine == "compile" else None
    key = (compute.device, compute.engine, compute.precision, example.shape[1:], bound)
    made = _forwards.setdefault(module, {})
    if key not in made:
        make = {"torch": _plain, "compile": _compiled, "openvino": _openvino}[compute.engine]
        made[key] = make(module, example, compute)
    return made[key]


def _plain(module: nn.Module, example: Tensor, compute: Compute) -> Forward:
    """Run the module as it is, its convolutions on channels-last memory."""
    return _as_torch(module, module, compute)


def _compiled(module: nn.Module, example: Tensor, compute: Compute) -> Forward:
    """Compile the module for one number of rows, and see that it works before it is relied on."""
    rows = compute.batch_size or len(example)
    compiled = torch.compile(module, dynamic=False)
    forward = padded(_as_torch(module, compiled, compute), rows)
    try:
        forward(example[:1])
    except RuntimeError as error:  # what torch's compilers raise comes from it
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"torch cannot compile the network on this machine: {reason}",
            "Use --engine torch, or install a C++ compiler.",
        ) from error
    return forward


def _as_torch(module: nn.Module, call: Callable[[Tensor], Any], compute: Compute) -> Forward:
    device = torch.device(compute.device)
    half = compute.precision == "bf16"
    if device.type == "cpu":
        keep_freed_memory()
    module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(inputs: Tensor) -> tuple[Tensor, ...]:
        module.to(device)  # another engine may have moved it since
        if inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        with (
            torch.inference_mode(),
            reference_arithmetic(),
            torch.autocast(device.type, torch.bfloat16, enabled=half),
        ):
            outputs = call(inputs)
        # Cloned outside of inference mode, they are tensors like any others.
        return tuple(output.clone() for output in _tuple(outputs))

    return forward


def _tuple(outputs: Any) -> tuple[Tensor, ...]:
    return tuple(outputs) if isinstance(outputs, tuple | list) else (outputs,)


@contextmanager
def reference_arithmetic() -> Iterator[None]:
    """Switch TF32 off and cuDNN to deterministic kernels, and restore what was set before."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def padded(forward: Forward, rows: int) -> Forward:
    """Return a function of any number of rows from one that must always get ``rows`` of them."""

    def whole(inputs: Tensor) -> tuple[Tensor, ...]:
        pieces = []
        for piece in torch.split(inputs, rows):
            missing = rows - len(piece)
            # The last row again, not zeros: its values are of the kind that the network expects.
            filled = torch.cat([piece, piece[-1:].expand(missing, *piece.shape[1:])])
            pieces.append([output[: len(piece)] for output in forward(filled)])
        return tuple(torch.cat(outputs) for outputs in zip(*pieces, strict=True))

    return whole


def _openvino(module: nn.Module, example: Tensor, compute: Compute) -> Forward:
    """Compile the module with OpenVINO, in streams that each take a few rows of a batch.

    Streams beat all threads working on the same rows, as those wait for each other at every
    layer: by 7 % on two quiet cores, by more on busy ones.
    """
    openvino = import_openvino()
    shape = openvino.PartialShape([-1, *example.shape[1:]])
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", FutureWarning)  # torch deprecates the tracing it uses
        model = openvino.convert_model(
            module.to("cpu"), example_input=example.cpu()[:1].repeat_interleave(2, 0), input=[shape]
        )
    rows = compute.batch_size or len(example)
    streams = max(1, min(torch.get_num_threads(), rows // ROWS_PER_STREAM))
    compiled = openvino.Core().compile_model(
        model,
        "CPU",
        {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[compute.precision],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "NUM_STREAMS": streams,
        },
    )
    queue = openvino.AsyncInferQueue(compiled, streams)

    def forward(inputs: Tensor) -> tuple[Tensor, ...]:
        pieces = torch.split(inputs.contiguous(), ROWS_PER_STREAM)
        found: list[list[Tensor]] = [[] for _ in pieces]

        def keep(request: Any, index: int) -> None:
            found[index] = [torch.from_numpy(one.data.copy()) for one in request.output_tensors]

        queue.set_callback(keep)
        for index, piece in enumerate(pieces):
            queue.start_async({0: piece.numpy()}, index)
        queue.wait_all()
        return tuple(torch.cat(outputs) for outputs in zip(*found, strict=True))

    return forward


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which would report each import and conversion.

    Raises:
        MissingDataError: it is not installed.
    """
    if "openvino" not in sys.modules:
        # OpenVINO does without the package where that cannot be imported.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise MissingDataError(
            "The engine openvino is not installed.", 'pip install "ganbench[openvino]"'
        ) from error
    return openvino


def _known(kind: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        sentences = (f"Unknown {kind} '{value}'.", suggest(value, known))
        raise ConfigError(" ".join(filter(None, sentences)), f"There are: {', '.join(known)}.")
