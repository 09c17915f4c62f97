# SPDX-License-Identifier: MIT
"""The memory of a batch is known before it is allocated."""

from dataclasses import replace

import pytest
import torch

from ganbench.config import override
from ganbench.errors import MemoryShortageError
from ganbench.gan import DataSpec
from ganbench.harness.plan import plan
from ganbench.runtime import control_groups, memory
from ganbench.training import batch_memory
from ganbench.training.batch_memory import bytes_of_example, check_batch_memory
from ganbench.training.build import create

CPU = torch.device("cpu")
PAIRS = DataSpec("pairs", "1", (3, 32, 32), source=(1, 32, 32))
COLOR = replace(PAIRS, source=(3, 32, 32))


def check(planned, batch_size, processes=1):
    recipe = override(planned.config.recipe, {"batch_size": batch_size})
    config = planned.config.model_copy(update={"recipe": recipe})
    check_batch_memory(planned.source.spec, config, CPU, planned.gan_with_tricks, processes)


def bytes_kept(planned):
    """What a pass through both networks keeps of each example in this precision."""
    state = planned.build(CPU)
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    weights = {
        weight.data_ptr()
        for weight in (*state.generator.parameters(), *state.discriminator.parameters())
    }
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), state.autocast():
        latents = torch.randn(8, planned.config.recipe.latent_dim)
        state.discriminate(state.generate(latents)[0])
    shapes = {
        weight.shape for role in ("generator", "discriminator") for weight in state.parameters(role)
    }
    return (
        sum(
            tensor.nbytes
            for pointer, tensor in kept.items()
            if pointer not in weights
            and tensor.shape not in shapes | {shape[::-1] for shape in shapes}
        )
        // 8
    )


def test_what_a_pair_of_layers_keeps_is_counted():
    """Of an MLP that maps 100 to 2 by layers of 128, and judges 2, by hand: vanilla on ring8."""
    planned = plan("vanilla", "ring8")
    counted = bytes_of_example(planned.gan, planned.source.spec, planned.config.recipe)
    assert counted == bytes_kept(planned)


@pytest.mark.parametrize(
    ("model", "dataset"), [("vanilla", "ring8"), ("dcgan", "mnist5k"), ("wgan-gp", "mnist5k")]
)
def test_the_bound_is_no_more_than_what_bfloat16_keeps(model, dataset):
    planned = plan(model, dataset, settings={"precision": "bf16"})
    recipe = planned.config.recipe
    full, half = (
        bytes_of_example(planned.gan, planned.source.spec, recipe, precision)
        for precision in ("fp32", "bf16")
    )
    assert full / 2 <= half <= bytes_kept(planned) < full


def test_a_batch_beyond_memory_is_refused_and_what_fits_is_said(monkeypatch):
    planned = plan("vanilla", "ring8")
    each = bytes_of_example(planned.gan, planned.source.spec, planned.config.recipe)
    monkeypatch.setattr(batch_memory, "available_memory", lambda device: 1000 * each + 7)
    check(planned, 1000)
    with pytest.raises(MemoryShortageError, match=r"A batch of 1,001 needs") as raised:
        check(planned, 1001)
    assert raised.value.hint == "At most 1,000 fit: --batch-size 1000."
    check(planned, 2000, processes=2)
    monkeypatch.setattr(batch_memory, "available_memory", lambda device: 1000 * each + each // 2)
    with pytest.raises(MemoryShortageError) as raised:
        check(planned, 2002, processes=2)
    assert raised.value.hint == "At most 2,000 fit: --batch-size 2000."
    check(replace(planned, config=planned.config.model_copy(update={"precision": "bf16"})), 2000)


@pytest.mark.parametrize("trick", ["unet-discriminator:width=2", "multi-scale", "layer-norm"])
def test_the_networks_are_those_with_the_tricks(trick):
    """A smaller discriminator leaves room for a larger batch."""
    plain, planned = plan("dcgan", "mnist5k"), plan("dcgan", "mnist5k", tricks=[trick])
    each = bytes_of_example(planned.gan_with_tricks(), planned.source.spec, planned.config.recipe)
    assert each > 0
    assert each != bytes_of_example(plain.gan, plain.source.spec, plain.config.recipe)


def test_sources_have_a_shape_of_their_own():
    recipe = create("pix2pix", PAIRS).recipe
    gan = create("pix2pix", PAIRS)
    gray = bytes_of_example(gan, PAIRS, recipe)
    assert gray > 0
    assert gray < bytes_of_example(create("pix2pix", COLOR), COLOR, recipe) < 2 * gray


def test_a_network_that_cannot_be_called_without_values_is_not_refused():
    planned = plan("vanilla", "ring8")
    gan = replace(planned.gan, generator=lambda size: 1 / 0)
    assert bytes_of_example(gan, planned.source.spec, planned.config.recipe) == 0


def test_building_without_memory_leaves_random_numbers_alone():
    planned = plan("dcgan", "mnist5k")
    torch.manual_seed(3)
    before = torch.get_rng_state()
    bytes_of_example(planned.gan, planned.source.spec, planned.config.recipe)
    assert torch.equal(torch.get_rng_state(), before)


def test_no_more_is_available_than_any_bound_allows(monkeypatch, tmp_path):
    assert 0 < memory.available_memory(CPU) < 2**50
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    (group / "memory.max").write_text("1000\n")
    (group / "memory.current").write_text("700\n")
    (group / "memory.stat").write_text("anon 500\ninactive_file 150\n")
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    assert memory.available_memory(CPU) == 450
    (group / "memory.max").write_text("max\n")
    assert memory.available_memory(CPU) > 450
    with pytest.raises(MemoryShortageError, match="100 samples need"):
        memory.require_memory(2**60, CPU, "100 samples")
