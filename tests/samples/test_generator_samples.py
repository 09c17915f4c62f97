# SPDX-License-Identifier: MIT
"""Samples that generators draw: the same ones however they are read, in every framework."""

from __future__ import annotations

import copy
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from ganbench.errors import ConfigError, InputError, MissingDataError, UnknownNameError
from ganbench.evaluation.reference_statistics import cache_files
from ganbench.samples import open_samples
from ganbench.samples.generator_samples import DRAWN, latents


def noise(count, generator):
    return torch.rand(count, 3, 4, 4, generator=generator) * 2 - 1


def ring(count, generator):
    return torch.randn(count, 2, generator=generator)


@pytest.mark.parametrize("generate", [noise, ring])
@pytest.mark.parametrize("size", [1, 50, 64, 100, 1000])
def test_samples_do_not_depend_on_how_they_are_read(generate, size, gather, stacked):
    samples = open_samples(generate, count=150, seed=3)
    whole = stacked(samples)
    indices, values = gather(samples, size)
    assert indices == list(range(150))
    assert torch.equal(torch.stack(values), whole)
    assert all(len(chunk) == size for chunk in list(samples.chunks(size))[:-1])
    assert torch.equal(stacked(open_samples(generate, count=70, seed=3)), whole[:70])
    assert not torch.equal(stacked(open_samples(generate, count=150, seed=4)), whole)
    assert len(whole.unique(dim=0)) == 150


def test_what_is_known_of_them():
    assert len(open_samples(ring)) == DRAWN == 5000
    facts = open_samples(noise, count=3).facts
    assert (facts.name, facts.kind, facts.shape) == ("noise", "images", (3, 4, 4))
    assert open_samples(ring, count=3).facts.kind == "points"


def test_a_generator_is_pinned_by_its_weights_or_by_what_it_draws(script):
    def version(source, **options):
        facts = open_samples(source, count=3, **options).facts
        assert facts.drawn
        assert not cache_files(facts, "network", ())  # its samples are not pinned
        return facts.version

    assert version(noise) == version(noise) != version(lambda *call: -noise(*call))
    assert version(noise).startswith("drawn-")
    first = mlp(7, (3, 4, 4))
    second = copy.deepcopy(first)
    assert version(first) == version(second)
    with torch.no_grad():
        next(second.parameters()).view(-1)[0] += 1
    assert version(first) != version(second)
    assert version(first).startswith("weights-")
    example = torch.zeros(1, 7)
    scripted = version(script(first, example))
    assert scripted.startswith("file-")
    assert version(script(second, example)) != scripted


def test_floats_become_pixels_by_the_one_rule(stacked):
    values = torch.tensor([-1.0, -0.5, 0.0, 1.0]).view(1, 1, 2, 2)
    samples = open_samples(lambda count, generator: values.expand(count, -1, -1, -1), count=2)
    assert stacked(samples)[0].flatten().tolist() == [0, 64, 128, 255]
    assert open_samples(lambda n, g: torch.zeros(n, 1, 2, 2).byte(), count=1).facts.shape == (
        1,
        2,
        2,
    )


PIXELS = torch.randint(0, 256, (64, 3, 5, 6), generator=torch.Generator().manual_seed(0)).byte()
LAYOUTS = {
    "N,C,H,W": (lambda images: images, PIXELS),
    "N,H,W,C": (lambda images: images.permute(0, 2, 3, 1), PIXELS),
    "N,1,H,W": (lambda images: images[:, :1], PIXELS[:, :1]),
    "N,H,W,1": (lambda images: images[:, :1].permute(0, 2, 3, 1), PIXELS[:, :1]),
    "N,H,W": (lambda images: images[:, 0], PIXELS[:, :1]),
}
TYPES = {
    "uint8": (lambda images: images, None),
    "floats in [-1, 1]": (lambda images: images.float() / 127.5 - 1, None),
    "floats in [0, 1]": (lambda images: images.double() / 255, (0, 1)),
    "floats in [0, 255]": (lambda images: images.float(), (0, 255)),
    "arrays": (lambda images: (images.double() / 255).numpy(), (0, 1)),
}


class Fixed(nn.Module):
    """A generator that draws the same pixels whatever its latents are."""

    nz = 2

    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, latents):
        return self.change(PIXELS[: len(latents)])


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_generators_draw_images_of_every_layout_and_range(stacked, layout, kind):
    (arrange, expected), (convert, value_range) = LAYOUTS[layout], TYPES[kind]
    drawn = [lambda count, generator: convert(arrange(PIXELS))]
    if kind != "arrays":
        drawn.append(Fixed(lambda images: convert(arrange(images))))
    for source in drawn:
        samples = open_samples(source, count=80, value_range=value_range)
        assert samples.facts.shape == expected.shape[1:]
        assert torch.equal(stacked(samples, 7), torch.cat([expected, expected[:16]]))


@pytest.mark.parametrize("bad_batch", [0, 1])
def test_a_generator_outside_its_stated_range_is_refused(gather, bad_batch):
    calls = []

    def generate(count, generator):
        calls.append(count)
        return torch.full((count, 1, 2, 2), 1.5 if len(calls) > bad_batch else 0.5)

    with pytest.raises(
        InputError, match=r"output of generate has values .* 1\.5; floats in \[0, 1"
    ):
        gather(open_samples(generate, count=100, value_range=(0, 1)))


def test_code_that_ignores_its_stream_is_the_same_each_time_and_leaves_the_global_one(stacked):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    samples = open_samples(lambda count, generator: torch.randn(count, 2), count=100)
    first = stacked(samples)
    assert torch.equal(first, stacked(samples))
    assert len(first.unique(dim=0)) == 100
    assert torch.equal(before, torch.get_rng_state())


def test_numpy_and_tuples_are_taken(stacked):
    def generate(count, generator):
        return np.zeros((count, 2)), "and more"

    assert stacked(open_samples(generate, count=2)).tolist() == [[0, 0], [0, 0]]


def raises(count, generator):
    raise KeyError("weights")


@pytest.mark.parametrize(
    ("generate", "sentence"),
    [
        (lambda n, g: torch.full((n, 2), torch.nan), "64 of 64 samples hold values that are NaN"),
        (lambda n, g: torch.full((n, 3, 2, 2), -torch.inf), "NaN or infinite"),
        (lambda n, g: torch.rand(n, 1, 2, 2), "values from 0.* to .* in its first 64 images"),
        (lambda n, g: torch.rand(n, 1, 2, 2) * 255, "in its first 64 images"),
        (lambda n, g: torch.randn(n, 1, 2, 2) * 3, "in its first 64 images"),
        (lambda n, g: torch.zeros(n, 1, 2, 2).long(), r"type torch\.int64"),
        (lambda n, g: torch.zeros(n, 2).byte(), "points as floats"),
        (lambda n, g: torch.zeros(n, 4, 4, 4), r"images \(N, H, W\), .*1 or 3 channels"),
        (lambda n, g: torch.zeros(n - 1, 2), r"returned \(63, 2\) when 64 samples"),
        (lambda n, g: torch.tensor(3.0), r"returned \(\)"),
        (lambda n, g: [1.0] * n, "returned float"),
        (lambda n, g: None, "returned NoneType"),
        (lambda n: torch.zeros(n, 2), "failed to draw: TypeError"),
        (raises, "raises failed to draw: KeyError: 'weights'"),
    ],
)
def test_generators_that_fail_are_one_sentence(generate, sentence):
    with pytest.raises(InputError, match=sentence):
        open_samples(generate, count=10)


def test_a_generator_that_fails_later(gather):
    calls = []

    def generate(count, generator):
        calls.append(count)
        late = len(calls) > 1
        return torch.full((count, 2), torch.nan) if late else torch.zeros(count, 2)

    samples = open_samples(generate, count=200)
    with pytest.raises(InputError, match="NaN"):
        gather(samples)
    calls[:] = []
    changing = open_samples(lambda n, g: torch.zeros(n, 2 + len(calls)), count=200)
    calls.append(1)
    with pytest.raises(InputError, match=r"shape \(2,\) first, and \(3,\) later"):
        gather(changing)


@pytest.mark.parametrize("count", [0, -1])
def test_counts_and_seeds_below_the_least(count):
    with pytest.raises(ConfigError, match="at least 1"):
        open_samples(ring, count=count)
    with pytest.raises(ConfigError, match="at least 0"):
        open_samples(ring, seed=-1)


FILE = """
import helper_beside
import torch
from dataclasses import dataclass
def draw(count, generator):
    return helper_beside.scale * torch.randn(count, 2, generator=generator)
class Draw:
    def __call__(self, count, generator):
        return draw(count, generator)
instance = Draw()
number = 3
"""


@pytest.fixture
def generator_file(tmp_path, monkeypatch):
    (tmp_path / "mine_for_tests.py").write_text(FILE)
    (tmp_path / "helper_beside.py").write_text("scale = 2.0")
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "mine_for_tests.py"
    for name in ("mine_for_tests", "helper_beside", "ganbench_generator_mine_for_tests"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "form", ["{path}:draw", "./mine_for_tests.py:instance", "mine_for_tests:draw"]
)
def test_functions_by_name(generator_file, stacked, form):
    before = list(sys.path)
    samples = open_samples(form.format(path=generator_file), count=5, seed=1)
    assert sys.path == before
    torch.testing.assert_close(stacked(samples), 2 * stacked(open_samples(ring, count=5, seed=1)))
    assert samples.facts.name in {"draw", "instance"}


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        ("./mine_for_tests.py:drew", InputError, "defines no function 'drew'"),
        ("mine_for_tests:number", InputError, "defines no function 'number'"),
        ("./other.py:draw", MissingDataError, r"no file other\.py"),
        ("no_such_module_at_all:draw", MissingDataError, "no module 'no_such_module_at_all'"),
        ("mine_for_tests.inner:draw", MissingDataError, "no module 'mine_for_tests.inner'"),
        ("broken_for_tests:draw", InputError, "cannot be imported: ZeroDivisionError"),
        ("./broken_for_tests.py:draw", InputError, "cannot be imported: ZeroDivisionError"),
        ("lacking_for_tests:draw", InputError, "cannot be imported: ModuleNotFoundError"),
        ("./mine_for_tests.py", InputError, "registers no dataset"),
        ("mnist6k:test", UnknownNameError, None),
    ],
)
def test_names_that_are_wrong(generator_file, name, kind, sentence):
    (generator_file.parent / "broken_for_tests.py").write_text("1 / 0")
    (generator_file.parent / "lacking_for_tests.py").write_text("import no_such_package")
    if name == "mnist6k:test":
        with pytest.raises(MissingDataError, match="Did you mean 'mnist5k'"):
            open_samples(name)
        return
    with pytest.raises(kind, match=sentence):
        open_samples(name, count=2)


def mlp(latent, shape):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(latent, int(np.prod(shape))), nn.Tanh(), nn.Unflatten(1, shape))


class Conditional(nn.Module):
    def __init__(self):
        super().__init__()
        self.latent_dim = 6

    def forward(self, z, labels):
        return (labels.view(-1, 1, 1, 1) / 5.0 - 1.0) + 0 * z.sum().view(1, 1, 1, 1)


@pytest.fixture
def script(tmp_path):
    """Save a module as TorchScript."""

    def save(module, *example, name="generator.pt", extra=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scripted = torch.jit.trace(module, example) if example else torch.jit.script(module)
            torch.jit.save(scripted, tmp_path / name, _extra_files=extra or {})
        return tmp_path / name

    return save


@pytest.mark.parametrize("name", ["generator.pt", "generator.ts", "g.torchscript"])
def test_a_torchscript_archive_draws_what_its_module_does(script, stacked, name, recwarn):
    module = mlp(7, (3, 4, 4))
    path = script(module, torch.zeros(1, 7), name=name)
    recwarn.clear()
    samples = open_samples(path, count=70, seed=2)
    assert not recwarn.list
    z = torch.cat([latents(index, (7,), 2) for index in range(2)])[:70]
    expected = (127.5 * module(z) + 128).clamp(0, 255).to(torch.uint8)
    assert (stacked(samples).int() - expected.int()).abs().max() <= 1  # tanh, batch by batch
    assert torch.equal(stacked(samples), stacked(open_samples(module, count=70, seed=2)))


def test_the_latent_size_is_found_or_asked_for(script, stacked):
    convolutions = nn.Sequential(nn.ConvTranspose2d(9, 3, 4), nn.Tanh())
    assert open_samples(convolutions, count=2).facts.shape == (3, 4, 4)
    assert (
        open_samples(script(convolutions, torch.zeros(1, 9, 1, 1)), count=2).facts.kind == "images"
    )

    class Plain(nn.Module):
        def forward(self, z):
            return z[:, :4].reshape(-1, 1, 2, 2).tanh()

    path = script(Plain(), torch.zeros(1, 5))
    with pytest.raises(ConfigError, match=r"latent size of generator\.pt is not known") as caught:
        open_samples(path)
    assert "--latent-dim" in caught.value.hint
    assert open_samples(path, latent_dim=5, count=2).facts.shape == (1, 2, 2)
    with_metadata = script(Plain(), torch.zeros(1, 5), extra={"ganbench.json": '{"latent_dim": 5}'})
    assert open_samples(with_metadata, count=2).facts.shape == (1, 2, 2)
    with pytest.raises(InputError, match=r"draws no samples from latents \(64, 8\)"):
        open_samples(mlp(7, (3, 4, 4)), latent_dim=8)
    broken = script(Plain(), torch.zeros(1, 5), extra={"ganbench.json": "{"})
    with pytest.raises(InputError, match="not valid JSON"):
        open_samples(broken)


def test_a_module_is_in_evaluation_mode():
    module = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.9))
    open_samples(module, count=5)
    assert not module.training


def test_conditional_modules_get_every_class(script, stacked):
    path = script(Conditional())
    samples = open_samples(path, count=1000, classes=10)
    assert np.bincount(samples.labels).min() > 50
    assert len(samples.labels) == 1000
    assert samples.facts.classes == 10
    drawn = stacked(samples)[:, 0, 0, 0].numpy()
    expected = ((127.5 * (samples.labels / 5.0 - 1.0)) + 128).clip(0, 255).astype(np.uint8)
    assert np.abs(drawn.astype(int) - expected).max() <= 1
    with pytest.raises(InputError, match="draws no samples from latents") as caught:
        open_samples(path)
    assert "classes" in caught.value.hint


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth"])
def test_files_that_are_no_torchscript(tmp_path, name):
    for content in ("state", "text", "empty"):
        path = tmp_path / name
        if content == "state":
            torch.save({"a": torch.zeros(3)}, path)
        else:
            path.write_text("x" * 1000 if content == "text" else "")
        with pytest.raises(InputError, match="is no TorchScript archive") as caught:
            open_samples(path)
        assert "torch.jit.trace" in caught.value.hint


def test_options_that_a_function_does_not_have():
    for options in ({"latent_dim": 3}, {"classes": 3}, {"labels": [1]}, {"split": "test"}):
        with pytest.raises(ConfigError):
            open_samples(ring, **options)
