# SPDX-License-Identifier: MIT
"""Earlier runs as objects: samples, pictures and status."""

import torch

import ganbench


def test_samples_of_a_run_are_repeatable_and_of_its_seed(train):
    run = train()
    first = run.sample(10)
    assert first.shape == (10, 2)
    assert torch.equal(first, ganbench.load_run(run.path).sample(10))
    assert torch.equal(first, run.sample(10, seed=0))
    assert not torch.equal(first, run.sample(10, seed=1))
    assert run.grid().size == (480, 480)
    assert run._repr_png_().startswith(b"\x89PNG")


def test_an_unfinished_run_says_so(train):
    run = train()
    (run.path / "result.json").unlink()
    assert ganbench.load_run(run.path).status == "unfinished"
