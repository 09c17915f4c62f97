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


def test_a_notebook_shows_a_run_with_its_samples_and_numbers(train):
    run = train(evaluations=2)
    shown = run._repr_html_()
    assert "data:image/png;base64," in shown
    assert all(name in shown for name in run.metrics)
    assert str(run.path) in shown


def test_the_chart_of_a_run_holds_its_recorded_losses(train):
    run = train(evaluations=2)
    chart = run.plot().to_dict()
    drawn = [row for rows in chart["datasets"].values() for row in rows]
    recorded = {row["loss/generator/adversarial"] for row in run.history}
    values = {value for row in drawn for value in row.values() if isinstance(value, float)}
    assert recorded
    assert all(any(abs(value - loss) < 1e-3 for value in values) for loss in recorded)
    assert list(run.to_pandas()["kimg"]) == [row["kimg"] for row in run.history]
