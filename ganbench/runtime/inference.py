# SPDX-License-Identifier: MIT
"""How a network is computed: by torch as it is, compiled, or by OpenVINO; in fp32 or bf16."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal
from weakref import ref

import torch
from torch import Tensor, nn

from ganbench.errors import ConfigError, MissingDataError, suggest
from ganbench.runtime.memory import keep_freed_memory

InferencePrecision = Literal["fp32", "bf16"]
INFERENCE_ENGINES = ("torch", "compile", "openvino")
PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True)
class Compute:
    """Where and how networks compute. On CUDA, TF32 is off and the kernels are deterministic.

    Args:
        device: A device of torch, such as ``cpu`` or ``cuda:0``.
        engine: One of ``INFERENCE_ENGINES``.
        precision: ``bf16`` computes convolutions and products in bfloat16. It moves values, and is
            part of the protocol. It is faster on GPUs, and on CPUs that multiply bfloat16 (AMX,
            AVX-512 BF16); on other CPUs it is slower than ``fp32``.
        batch_size: Images that go through a network at once; None leaves the choice to the
            network.

    Raises:
        ConfigError: The engine or the precision is unknown, the batch size is below 1, or OpenVINO
            is to compute anywhere but on the CPU.
    """

    device: str = "cpu"
    engine: str = "torch"
    precision: InferencePrecision = "fp32"
    batch_size: int | None = None

    def __post_init__(self) -> None:
        _check_known("engine", self.engine, INFERENCE_ENGINES)
        _check_known("precision", self.precision, PRECISIONS)
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

_FORWARDS = "_ganbench_forwards"
"""The attribute of a module that holds its ``_Forwards``."""


class _Forwards(dict[tuple[object, ...], Forward]):
    """The functions made of a module, which networks that share the module share.

    They refer to the module, so the module itself holds them: both go together. A copy of the
    module has none.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._module = ref(module)

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return dict, ()

    @staticmethod
    def of(module: nn.Module) -> _Forwards:
        """Return those of a module."""
        forwards = vars(module).get(_FORWARDS)
        if not isinstance(forwards, _Forwards) or forwards._module() is not module:
            forwards = vars(module)[_FORWARDS] = _Forwards(module)
        return forwards


def forward_of(module: nn.Module, example: Tensor, compute: Compute) -> Forward:
    """Return a frozen module as a function of batches, computed as ``compute`` says.

    The function takes any number of rows. It is made once for a module and a shape of rows, and
    leaves torch's global settings as they were.

    Args:
        module: A module in evaluation mode.
        example: A prepared batch (B, ...) of the shape that the function will get, B aside.
        compute: Where and how the module computes.

    Raises:
        ConfigError: torch cannot compile on this machine.
        MissingDataError: The engine is not installed; the hint is the command that installs it.
    """
    # Only a function that torch compiles is bound to a number of rows.
    rows = (compute.batch_size or len(example)) if compute.engine == "compile" else None
    key = (compute.device, compute.engine, compute.precision, example.shape[1:], rows)
    forwards = _Forwards.of(module)
    if key not in forwards:
        make = {"torch": _plain, "compile": _compiled, "openvino": _openvino}[compute.engine]
        forwards[key] = make(module, example, compute)
    return forwards[key]


def _plain(module: nn.Module, example: Tensor, compute: Compute) -> Forward:
    """Run the module as it is, with its convolutions on channels-last memory."""
    return _as_torch(module, module, compute)


def _compiled(module: nn.Module, example: Tensor, compute: Compute) -> Forward:
    """Compile the module for one number of rows, and check that it works before it is used."""
    rows = compute.batch_size or len(example)
    compiled = torch.compile(module, dynamic=False)
    forward = padded(_as_torch(module, compiled, compute), rows)
    try:
        forward(example[:1])
    except RuntimeError as error:  # the base of all errors of torch's compilers
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"torch cannot compile the network on this machine: {reason}",
            "Use --engine torch, or install a C++ compiler.",
        ) from error
    return forward


def _as_torch(module: nn.Module, call: Callable[[Tensor], Any], compute: Compute) -> Forward:
    device = torch.device(compute.device)
    bf16 = compute.precision == "bf16"
    if device.type == "cpu":
        keep_freed_memory()
    module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    # With its number, as tensors have it.
    device = torch.empty(0, device=device).device

    def forward(inputs: Tensor) -> tuple[Tensor, ...]:
        if _device_of(module) not in {None, device}:
            module.to(device)  # another engine has moved it since
        if inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        with (
            torch.inference_mode(),
            reference_arithmetic(),
            torch.autocast(device.type, torch.bfloat16, enabled=bf16),
        ):
            outputs = call(inputs)
        # Cloned outside of inference mode, the outputs are ordinary tensors.
        return tuple(output.clone() for output in _tuple(outputs))

    return forward


def _device_of(module: nn.Module) -> torch.device | None:
    """Return where a module is; None where it holds nothing."""
    held = next(chain(module.parameters(), module.buffers()), None)
    return None if held is None else held.device


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
    """Return a function of any number of rows from a function of exactly ``rows`` of them."""

    def of_any_number(inputs: Tensor) -> tuple[Tensor, ...]:
        outputs = []
        for piece in torch.split(inputs, rows):
            missing = rows - len(piece)
            # The last row again, not zeros: its values are of the kind that the network expects.
            filled = torch.cat([piece, piece[-1:].expand(missing, *piece.shape[1:])])
            outputs.append([output[: len(piece)] for output in forward(filled)])
        return _joined(outputs)

    return of_any_number


def _joined(pieces: Sequence[Sequence[Tensor]]) -> tuple[Tensor, ...]:
    """Join the outputs of the pieces of a batch, each output by itself."""
    return tuple(torch.cat(outputs) for outputs in zip(*pieces, strict=True))


def _openvino(module: nn.Module, example: Tensor, compute: Compute) -> Forward:
    """Compile the module with OpenVINO, in streams that each take a few rows of a batch.

    Streams are faster than all threads on the same rows, which wait for each other at every
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
        outputs: list[list[Tensor]] = [[] for _ in pieces]

        def keep(request: Any, index: int) -> None:
            outputs[index] = [
                torch.from_numpy(output.data.copy()) for output in request.output_tensors
            ]

        queue.set_callback(keep)
        for index, piece in enumerate(pieces):
            queue.start_async({0: piece.numpy()}, index)
        queue.wait_all()
        return _joined(outputs)

    return forward


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which would report each import and conversion.

    Raises:
        MissingDataError: OpenVINO is not installed.
    """
    if "openvino" not in sys.modules:
        # OpenVINO works without this package where it cannot be imported.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise MissingDataError(
            "The engine openvino is not installed.", 'pip install "ganbench[openvino]"'
        ) from error
    return openvino


def _check_known(kind: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        sentences = (f"Unknown {kind} '{value}'.", suggest(value, known))
        raise ConfigError(" ".join(filter(None, sentences)), f"There are: {', '.join(known)}.")
