"""A CUDA device that is none, for machines without one: it counts how often the host waits.

Its tensors say that they are on ``cuda:0``, and are computed by the CPU. So values are the CPU's to
the last bit, and what is tested is the order of copies and waits, and that operands are together.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

aten = torch.ops.aten
WAITING = (aten._local_scalar_dense.default, aten.nonzero.default, aten.equal.default)
"""Operations whose result the host cannot have before the device has done all it was given."""
MIXING = (aten._to_copy.default, aten.copy_.default, aten.index.Tensor)


@dataclass
class FakeCard:
    """What happened: ``up`` and ``down`` for copies, ``wait`` for a copy's event, ``stop``.

    A ``stop`` is a wait for all that the device was given, as in ``.item()`` and ``.cpu()``.
    """

    log: list[str] = field(default_factory=list)
    sent_bytes: int = 0

    @property
    def stops(self):
        return self.log.count("stop")

    def forget(self):
        self.log.clear()
        self.sent_bytes = 0

    def call(self, func, args, kwargs):
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        near = [tensor for tensor in tensors if isinstance(tensor, OnCard)]
        far = [tensor for tensor in tensors if not isinstance(tensor, OnCard) and tensor.ndim]
        if near and far and func not in MIXING:
            raise RuntimeError(f"{func} got tensors on cuda:0 and on the CPU.")
        named = kwargs.get("device")
        on_card = bool(near) if named is None else torch.device(named).type == "cuda"
        if func is aten._to_copy.default:
            self.note_copy(args[0], on_card, kwargs.get("non_blocking", False))
        elif near and (func in WAITING or far):
            self.log.append("stop")
        result = func(*tree_map(on_cpu, args), **tree_map(on_cpu, kwargs))
        return tree_map(self.own, result) if on_card else result

    def note_copy(self, tensor, to_card, non_blocking):
        if to_card == isinstance(tensor, OnCard):
            return
        without_waiting = non_blocking and (not to_card or getattr(tensor, "is_fixed", False))
        self.log.append(("up" if to_card else "down") if without_waiting else "stop")
        self.sent_bytes += tensor.nbytes if to_card else 0

    def own(self, leaf):
        wraps = isinstance(leaf, torch.Tensor) and not isinstance(leaf, OnCard)
        return OnCard(leaf, self) if wraps else leaf


class OnCard(torch.Tensor):
    """A tensor of the fake card."""

    @staticmethod
    def __new__(cls, held, card):
        tensor = torch.Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), dtype=held.dtype, device="cuda:0"
        )
        tensor.held, tensor.card = held, card
        return tensor

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        leaves = tree_leaves((args, kwargs))
        card = next(leaf.card for leaf in leaves if isinstance(leaf, OnCard))
        return card.call(func, args, kwargs or {})


def on_cpu(leaf):
    if isinstance(leaf, OnCard):
        return leaf.held
    return torch.device("cpu") if isinstance(leaf, torch.device) else leaf


class _Calls(TorchDispatchMode):
    def __init__(self, card):
        super().__init__()
        self.card = card

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return self.card.call(func, args, kwargs or {})


@contextmanager
def fake_card(monkeypatch):
    """Give this thread a fake card, on a machine that has no real one."""
    if torch.cuda.is_available():
        pytest.skip("there is a real card, and its own tests")
    card = FakeCard()

    class Event:
        def __init__(self, **options): ...

        def record(self, stream): ...

        def synchronize(self):
            card.log.append("wait")

    def pin_memory(tensor):
        fixed = tensor.clone()
        fixed.is_fixed = True
        return fixed

    torch._C._ensureCUDADeviceGuardSet()  # without a driver, one that does nothing
    replaced = {
        "_lazy_init": lambda: None,
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "mem_get_info": lambda device=None: (2**30, 2**30),
        "memory_reserved": lambda device=None: 0,
        "memory_allocated": lambda device=None: 0,
        "current_stream": lambda device=None: None,
        "Event": Event,
    }
    with monkeypatch.context() as patch, _Calls(card):
        for name, value in replaced.items():
            patch.setattr(torch.cuda, name, value)
        patch.setattr(torch.Tensor, "pin_memory", pin_memory)
        # Parameters that are moved become tensors of the card themselves.
        patch.setattr(torch.__future__, "_overwrite_module_params_on_conversion", True)
        yield card
