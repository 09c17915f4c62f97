# SPDX-License-Identifier: MIT
"""The functions to call from Python: runs, evaluations and comparisons from plain arguments."""

import json
import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

import ganbench
from ganbench import registry
from ganbench.errors import ConfigError, GanbenchError, InputError
from ganbench.harness.backends import cells_at_a_time
from ganbench.harness.scheduler import Scheduler


def test_lists_are_the_registries():
    for plural, entries in registry.KINDS.items():
        assert getattr(ganbench, f"list_{plural}")() == sorted(entries.entries())
    assert {"vanilla", "dcgan"} <= set(ganbench.list_models())
    assert "hinge" in ganbench.list_losses()
    assert "resnet" in ganbench.list_backbones()


# -- runs ----------------------------------------------------------------------------------------


def test_a_run_from_plain_words(train, tmp_path):
    run = train(tricks=["ema", "r1:weight=0.1"], seed=5)
    assert run.path.parent == tmp_path
    assert run.path.name.startswith("vanilla+ema+r1-ring8-seed5-")
    assert run.status == run["status"] in {"done", "collapsed"}
    assert run.config.seed == 5
    assert run.config.recipe.kimg == 0.3
    assert [trick.name for trick in run.config.tricks] == ["ema", "r1"]
    assert run.config.tricks[1].parameters["weight"] == 0.1
    assert dict(run) == json.loads((run.path / "result.json").read_text())
    assert set(run.metrics) == {"modes", "high-quality", "reverse-kl"}
    assert run.metrics["modes"]["value"] == run["metrics"]["modes"]["value"]
    assert "modes" in repr(run)
    assert "<td>modes ↑</td>" in run.metrics._repr_html_()
    assert run.history[-1]["kimg"] == 0.3


def test_keys_of_settings_may_leave_the_recipe_out(train):
    short = train(settings={"kimg": 0.2, "learning_rate": 1e-3, "loss": "hinge"})
    long = train(settings={"recipe.kimg": 0.2, "recipe.batch_size": 20, "loss": "hinge"})
    assert short.config.recipe.kimg == long.config.recipe.kimg == 0.2
    assert short.config.recipe.generator_optimizer.learning_rate == 1e-3
    assert short.config.loss == long.config.loss == "hinge"


def test_a_finished_run_is_returned_on_resume(train):
    first = train()
    again = train(resume=True)
    assert again.path == first.path
    assert again.result == first.result


def test_a_finished_run_goes_on(train, squares):
    first = train("vanilla", squares, tricks=["ema"], seed=3, value_range=(0, 1))
    longer = train(first, None, settings={"kimg": 0.5})
    assert longer.config.origin.run == first.config.identity
    assert (longer.config.seed, longer.config.dataset) == (3, first.config.dataset)
    assert [trick.name for trick in longer.config.tricks] == ["ema"]
    assert longer["kimg"] == 0.5
    assert len(longer.sample(3)) == 3
    with pytest.raises(ConfigError, match="kimg counts from its start"):
        train(longer, None)


def test_progress_is_heard_by_an_object(train, capsys):
    class Shares(ganbench.Progress):
        def __init__(self):
            self.shares = []

        def tick(self, row, share, seconds_left):
            self.shares.append(share)

    progress = Shares()
    train(progress=progress)
    assert progress.shares[-1] == 1.0
    train(progress=True, seed=1)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "vanilla on ring8, seed 1: 100%" in captured.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"samples": 1}, "The number of samples must be at least 2, not 1."),
        ({"evaluations": -1}, "The number of evaluations must be at least 0, not -1."),
        ({"threads": 0}, "The number of threads must be at least 1, not 0."),
        ({"threads": 5000}, "The number of threads must be at most 1,024, not 5,000."),
        ({"samples": 2.5}, "The number of samples must be a whole number, not 2.5."),
        ({"model": "vanila"}, "Unknown model 'vanila'. Did you mean 'vanilla'?"),
        ({"data": "ring9"}, "Unknown dataset 'ring9'. Did you mean 'ring8'"),
        ({"tricks": [3]}, "3 is not a trick; a name, an object or a class was expected."),
        ({"tricks": ["emma"]}, "Unknown trick 'emma'. Did you mean 'ema'?"),
        ({"settings": {"kimgs": 3}}, "Unknown setting 'kimgs'. Did you mean 'kimg'?"),
        ({"settings": {"loss": "hing"}}, "Unknown loss 'hing'. Did you mean 'hinge'?"),
        ({"model": 3}, "3 is not a model."),
    ],
)
def test_what_is_wrong_is_one_sentence(train, arguments, sentence):
    with pytest.raises(GanbenchError) as raised:
        train(**arguments)
    assert raised.value.message.startswith(sentence)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"count": 0}, "The number of samples must be at least 1, not 0."),
        ({"seed": -1}, "The seed must be at least 0, not -1."),
    ],
)
def test_what_cannot_be_drawn_is_said(words, sentence):
    run = ganbench.load_run("dcgan@mnist5k")
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        run.sample(**words)
    measured = {"samples": words.get("count", 20), "seed": words.get("seed", 0)}
    for fake in (run, np.zeros((20, 2))):
        with pytest.raises(ConfigError, match=re.escape(sentence)):
            ganbench.evaluate(fake=fake, real=np.zeros((20, 2)), progress=False, **measured)


def test_a_folder_without_a_run_is_said(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        ganbench.load_run(tmp_path)


# -- data as an object ---------------------------------------------------------------------------


@pytest.fixture
def squares():
    """Gray images (60, 8, 8) in [0, 1]: a bright square at one of four places."""
    random = np.random.default_rng(0)
    images = random.uniform(0, 0.1, size=(60, 8, 8)).astype(np.float32)
    for index in range(60):
        top, left = 4 * (index % 2), 4 * (index // 2 % 2)
        images[index, top : top + 4, left : left + 4] = 1
    return images


def test_an_array_is_trained_on_sampled_and_measured(train, squares):
    run = train(data=squares, value_range=(0, 1), metrics=["fid@pixels"], samples=30)
    assert run.config.dataset == "array"
    assert run.metrics["fid@pixels"]["value"] > 0
    assert run.sample(3).shape == (3, 1, 8, 8)
    again = train(data=squares, value_range=(0, 1), metrics=["fid@pixels"], samples=30, resume=True)
    assert again.path == run.path
    loaded = ganbench.load_run(run.path, data=ganbench.open_dataset(squares, value_range=(0, 1)))
    assert torch.equal(loaded.sample(3), run.sample(3))
    assert torch.equal(ganbench.load_run(run.path).sample(3), run.sample(3))
    result = ganbench.evaluate(fake=run, metrics=["fid@pixels"], samples=30, progress=False)
    assert result.metrics["fid@pixels"]["value"] == run.metrics["fid@pixels"]["value"]


def test_other_content_is_another_run(train, squares):
    first = train(data=squares, value_range=(0, 1), metrics=[])
    other = train(data=squares[::-1].copy(), value_range=(0, 1), metrics=[])
    assert first.config.identity != other.config.identity


def test_floats_out_of_their_range_are_refused(train, squares):
    with pytest.raises(GanbenchError, match="array has values from") as raised:
        train(data=255 * squares)
    assert "value_range=(0, 255)" in raised.value.hint


def test_data_as_an_object_are_compared_on(squares, tmp_path):
    pictures = [(255 * image).astype(np.uint8) for image in squares]
    comparison = ganbench.compare(
        "vanilla", tricks=["none", "ema"], data=pictures, seeds=[0, 1], metrics=["fid@pixels"],
        settings={"kimg": 0.3, "batch_size": 20}, out=tmp_path,
    )  # fmt: skip
    assert len(comparison.runs) == 4
    assert {row["variant"] for row in comparison["comparisons"]} == {"vanilla + ema"}


# -- evaluation and comparison ---------------------------------------------------------------------


def test_a_run_is_measured_as_an_object_and_by_its_path(train):
    run = train()
    of_run = ganbench.evaluate(fake=run, metrics=["modes"], samples=200, progress=False)
    of_path = ganbench.evaluate(fake=run.path, metrics=["modes"], samples=200, progress=False)
    assert of_run.metrics["modes"] == of_path.metrics["modes"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"tricks": ["emma"]}, "Unknown trick 'emma'"),
        ({"metric": "modez"}, "'modez' is not among the metrics that are measured"),
        ({"metric": "fid@points"}, "'fid@points' is not among the metrics that are measured"),
        ({"baseline": "emma"}, "No variant is called 'emma'"),
        ({"tricks": ["ema"], "baseline": "vanilla"}, "No variant is called 'vanilla'"),
        ({"seeds": [-1]}, "seeds: Input should be greater than or equal to 0, not -1"),
        ({"seeds": [0, 2**63]}, "seeds: Input should be less than"),
        ({"seeds": []}, "'seeds' is empty"),
        ({"samples": 1}, "samples: Input should be greater than or equal to 2"),
        ({"jobs": 0}, "The number of jobs must be at least 1, not 0."),
        ({"threads": 5000}, "The number of threads must be at most 1,024, not 5,000."),
        ({"settings": {"seed": 7}}, "'seed' is no setting of a matrix"),
        ({"vary": {"seed": [1, 2]}}, "'seed' is no setting of a matrix"),
        ({"vary": {"kimg": "1..3"}}, "is a range, from which values are drawn in a search only"),
    ],
    ids=str,
)
def test_mistakes_of_a_comparison_are_said_before_anything_is_trained(
    tmp_path, arguments, sentence
):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        ganbench.compare("vanilla", data="ring8", out=tmp_path, **arguments)
    assert not list(tmp_path.iterdir())


def test_a_comparison_with_the_plain_model_says_how_to_have_it(tmp_path):
    with pytest.raises(ConfigError) as raised:
        ganbench.compare("vanilla", data="ring8", tricks=["ema"], baseline="none", out=tmp_path)
    assert "Add none to --tricks" in raised.value.hint


def test_a_comparison_takes_seeds_and_axes_as_arrays(tmp_path):
    compared = ganbench.compare(
        "vanilla",
        data="ring8",
        seeds=np.arange(2),
        settings={"kimg": 0.1, "loss": ganbench.losses.hinge},
        vary={"learning_rate": np.array([1e-4, 2e-4])},
        samples=100,
        out=tmp_path,
    )
    assert len(compared.runs) == 4
    assert {run.config.loss for run in compared.runs} == {"hinge"}


def test_runs_in_this_process_are_not_divided_among_jobs(squares, tmp_path, monkeypatch):
    slots = []
    monkeypatch.setattr(Scheduler, "settle_threads", lambda self, count: slots.append(count))
    pictures = (255 * squares).astype(np.uint8)
    words = {"seeds": [0], "settings": {"kimg": 0.1, "batch_size": 8}, "metrics": ["fid@pixels"]}
    with pytest.warns(UserWarning, match="jobs=4 changed nothing: the data 'array' exists in this"):
        ganbench.compare("vanilla", data=pictures, jobs=4, out=tmp_path, samples=16, **words)
    assert slots == [1]
    assert (cells_at_a_time("local", 4), cells_at_a_time("inline", 4)) == (4, 1)
    assert (cells_at_a_time("local", None), cells_at_a_time("ray", 3)) == (1, 3)


@ganbench.register("broken")
@dataclass(frozen=True)
class Broken(ganbench.Trick):
    """Fails in the first update, unless the environment says that it is mended."""

    def discriminator_terms(self, turn):
        """Raise an error."""
        if "MENDED" not in os.environ:
            raise ValueError("it broke")
        return {}


def test_runs_that_fail_are_told_and_can_be_tried_again(tmp_path, monkeypatch):
    def compare(**words):
        return ganbench.compare(
            "vanilla",
            tricks=["none", Broken()],
            data="ring8",
            seeds="0-1",
            settings={"kimg": 0.1, "batch_size": 20},
            samples=50,
            out=tmp_path,
            **words,
        )

    head = "2 of 4 runs failed; retry_failed=True tries them again."
    reason = "vanilla + broken on ring8, seed 0 and 1 more: "
    with pytest.warns(UserWarning, match=re.escape(head)) as told:
        failed = compare()
    assert len([warning for warning in told if head in str(warning.message)]) == 1
    assert reason in str(told[0].message)
    assert "ValueError: it broke" in str(told[0].message)
    for shown in (repr(failed), failed._repr_html_()):
        assert head in shown
        assert reason in shown
    monkeypatch.setenv("MENDED", "yes")
    with pytest.warns(UserWarning, match="2 of 4 runs failed"):
        assert len(compare().runs) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        mended = compare(retry_failed=True)
    assert (len(mended.runs), mended.failures) == (4, [])


def test_a_trick_of_this_process_is_compared_in_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MENDED", "yes")
    with pytest.warns(UserWarning, match="jobs=2 changed nothing: the trick 'broken' exists"):
        compared = ganbench.compare(
            "vanilla",
            tricks=["none", Broken()],
            data="ring8",
            seeds=0,
            settings={"kimg": 0.1, "batch_size": 20},
            samples=50,
            jobs=2,
            out=tmp_path,
        )
    assert compared.failures == []


def test_the_home_folder_is_expanded(tmp_path, monkeypatch, train):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    words = {"settings": {"kimg": 0.1, "batch_size": 20}, "samples": 50}
    run = train(out="~/mine", **words)
    assert run.path.parent == tmp_path / "mine"
    compared = ganbench.compare("vanilla", data="ring8", seeds=[0], out="~/compared", **words)
    assert [made.path.parent for made in compared.runs] == [tmp_path / "compared"]
    assert run.export("safetensors", "~/made") == tmp_path / "made.safetensors"
    assert ganbench.paths.data_roots("~/data")[0] == tmp_path / "data"
    assert not Path("~").exists()


def test_a_single_name_stands_for_a_list_of_itself(train, tmp_path):
    run = train(tricks="ema", metrics="modes", samples=50)
    assert [trick.name for trick in run.config.tricks] == ["ema"]
    assert set(run.metrics) == {"modes"}
    result = ganbench.evaluate(fake=run, metrics="modes", samples=50, progress=False)
    assert set(result.metrics) == {"modes"}
    with pytest.raises(ConfigError, match="Unknown logger 'tensorbord'"):
        train(log="tensorbord", seed=1)
