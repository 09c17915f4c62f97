# SPDX-License-Identifier: MIT
"""Errors of code that is not ganbench's own."""

import pytest
import torch

from ganbench.errors import (
    ConfigError,
    InputError,
    MemoryShortageError,
    error_text,
    foreign_errors,
    memory_shortage,
)


@pytest.mark.parametrize("error", [KeyError("a"), SystemExit(0), RecursionError("deep"), OSError()])
def test_whatever_foreign_code_raises_becomes_the_sentence(error):
    with (
        pytest.raises(InputError, match=f"It failed: {type(error).__name__}") as raised,
        foreign_errors(lambda problem: InputError(f"It failed: {error_text(problem)}.")),
    ):
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", [ConfigError("Mine."), ZeroDivisionError(), KeyboardInterrupt()])
def test_sentences_interrupts_and_a_chosen_kind_pass(error):
    with (
        pytest.raises(type(error)) as raised,
        foreign_errors(lambda problem: InputError("No."), passing=ZeroDivisionError),
    ):
        raise error
    assert raised.value is error


def test_memory_that_cannot_be_had_is_told_as_such():
    """The errors are real: of Python, numpy, torch's allocator, and as CUDA words them."""
    import numpy as np

    def allocated(make):
        with pytest.raises((MemoryError, RuntimeError)) as raised:
            make()
        return raised.value

    errors = [
        allocated(lambda: bytearray(2**60)),
        allocated(lambda: np.empty(2**57)),
        allocated(lambda: torch.empty(2**57)),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    ]
    for error in errors:
        assert "too little memory" in memory_shortage(error).message
        with (
            pytest.raises(MemoryShortageError),
            foreign_errors(lambda problem: InputError("Something else.")),
        ):
            raise error
    assert memory_shortage(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None


def test_the_reason_is_on_one_line():
    assert error_text(ValueError("first\n  second")) == "ValueError: first"
    assert error_text(ValueError("\n first.\n")) == "ValueError: first"
    script = "The following operation failed in the TorchScript interpreter.\nat x\nshapes differ"
    assert error_text(RuntimeError(script)) == "RuntimeError: shapes differ"
    assert error_text(StopIteration()) == "StopIteration"
