# SPDX-License-Identifier: MIT
"""What only a GPU can show: the same training, the device's own clock, data beyond its memory."""

from contextlib import contextmanager
from dataclasses import fields

import numpy as np
import pytest
import torch
from comparing import differing, tensors_of

from ganbench import registry
from ganbench.config import parse_trick
from ganbench.data import dataset as datasets
from ganbench.data import open_dataset
from ganbench.data.batches import Batches
from ganbench.evaluation.extract import NetworkNeeds, extract
from ganbench.evaluation.math.neighborhoods import sweep_neighborhoods
from ganbench.harness.plan import plan
from ganbench.records.speed_record import SpeedProtocol
from ganbench.runtime.execution import Execution, arithmetic
from ganbench.runtime.inference import Compute
from ganbench.samples.sample_set import of_tensor
from ganbench.speed.bench import Workload
from ganbench.speed.meter import STEP_PARTS, Meter
from ganbench.speed.roofline import measure_roofline
from ganbench.speed.throughput import measure
from ganbench.step import gradients
from ganbench.training.checkpoint import load_checkpoint, save_checkpoint

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

DIGITS = "mnist5k"


def meter(device, model="dcgan", tricks=(), execution=Execution(), **settings):  # noqa: B008
    config = plan(
        model,
        DIGITS,
        tricks=[parse_trick(trick) for trick in tricks],
        settings={"recipe.batch_size": 16, **settings},
    ).config
    return Meter(config, open_dataset(DIGITS).load("train"), torch.device(device), execution)


@pytest.mark.parametrize(
    ("model", "tricks"), [("vanilla", ()), ("wgan-gp", ()), ("dcgan", ("spectral-norm", "r1"))]
)
def test_the_gradient_is_that_of_the_cpu(model, tricks):
    """In fp32 nothing is rounded to TF32: the same weights and latents give the same gradient."""
    on_cpu, on_gpu = (
        generators_gradient(meter(device, model, tricks)) for device in ("cpu", "cuda")
    )
    assert (on_cpu - on_gpu).norm() < 5e-3 * on_cpu.norm()


def generators_gradient(measured):
    """The gradient of the generator's first turn, on latents that no random stream makes."""
    latents = (
        torch.linspace(-1, 1, 16 * measured.state.recipe.latent_dim)
        .view(16, -1)
        .to(measured.device)
    )
    measured.state.draw_latents = lambda count: latents
    with arithmetic("fp32"):
        gradients(measured.state, "generator", measured.next_batch())
    return torch.cat(
        [weight.grad.flatten().cpu() for weight in measured.state.parameters("generator")]
    )


def test_events_agree_with_the_clock():
    on_gpu = meter("cuda")
    on_gpu.iterate(20)
    on_gpu.clock.now()
    speed = on_gpu.train(1.0)
    split = on_gpu.split(50)
    assert set(split) == set(STEP_PARTS)
    # Of the same size: other programs may keep the processor from feeding the GPU for a while.
    assert 1 / 3 < sum(split.values()) / (16 / speed) < 3


def test_a_case_on_a_gpu_has_its_memory_and_its_name():
    case = Workload(plan("dcgan", DIGITS).config, (), "cuda", 1)
    document = measure([case], SpeedProtocol(rounds=2, seconds=0.2, latencies=4))
    (row,) = document["cases"]
    assert row["status"] == "ok", row["problem"]
    assert row["device_name"] == torch.cuda.get_device_name()
    assert 0 < row["memory_mib"]["allocated"] <= row["memory_mib"]["reserved"]
    assert 0 < row["share_of_ceiling"] < 1


def test_rounding_to_tf32_raises_the_ceiling():
    device = torch.device("cuda")
    full, rounded = (measure_roofline(device, precision) for precision in ("fp32", "medium"))
    assert rounded.gflops > full.gflops


def test_data_that_has_no_room_stays_with_the_host(monkeypatch):
    device = torch.device("cuda")
    data = open_dataset(DIGITS).load("train")
    near, indices = data.to(device), torch.arange(8)
    monkeypatch.setattr(datasets, "ROOM", 0.0)
    far = data.to(device)
    assert far.values.device.type == "cpu"
    sent = far.batch(indices)
    assert sent.images.device.type == sent.labels.device.type == "cuda"
    assert torch.equal(sent.images, near.batch(indices.to(device)).images)


def test_compiled_networks_train():
    compiled = meter("cuda", "vanilla", execution=Execution(compile=True))
    usual = meter("cuda", "vanilla")
    for each in (compiled, usual):
        each.iterate(3)
    for weight, other in zip(
        compiled.state.parameters("generator"), usual.state.parameters("generator"), strict=True
    ):
        assert torch.allclose(weight, other, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("tricks", [(), ("ema", "instance-noise", "r1")])
def test_a_checkpoint_goes_on_bit_for_bit(tmp_path, tricks):
    whole = meter("cuda", "vanilla", tricks)
    whole.iterate(4)
    save_checkpoint(whole.state, tmp_path / "checkpoint.safetensors", {})
    resumed = meter("cuda", "vanilla", tricks)
    load_checkpoint(resumed.state, tmp_path / "checkpoint.safetensors")
    for each in (whole, resumed):
        each.iterate(4)
    assert not differing(tensors_of(whole.state), tensors_of(resumed.state))


def test_a_matrix_trains_on_the_gpu(cli, tmp_path):
    """Its processes are forked from one that must not have touched the GPU."""
    words = ("-m", "vanilla", "-d", "ring8", "--kimg", "0.3", "--seeds", "0-1", "-j", "2")
    done = cli("compare", *words, "--device", "cuda", "--out", tmp_path / "matrix", "--json", "-q")
    assert done.code == 0, done.err
    for path in (tmp_path / "matrix").glob("*/environment.json"):
        assert "NVIDIA" in path.read_text()


def test_a_run_is_sampled_and_measured_alike_twice(cli, tmp_path):
    words = ("-m", "dcgan", "--kimg", "0.5", "--samples", "100", "--json", "-q")
    run = cli("run", *words, "--device", "cuda", "--out", tmp_path / "runs").document["run"]
    first, second = (tmp_path / name for name in "ab")
    for folder in (first, second):
        words = ("--count", "50", "--format", "npz", "--out", folder)
        assert cli("sample", run, *words).code == 0
    assert first.with_suffix(".npz").read_bytes() == second.with_suffix(".npz").read_bytes()
    wanted = (run, "--samples", "100", "--metrics", "fid@mnist-cnn", "--json", "-q")
    on_gpu, on_cpu = (
        cli("eval", *wanted, "--device", device).document["metrics"]["fid@mnist-cnn"]["value"]
        for device in ("cuda", "cpu")
    )
    assert on_gpu == pytest.approx(on_cpu, rel=1e-3)


def test_a_function_draws_the_same_on_every_device(cli, tmp_path):
    """Its stream is on the CPU, so that the plainest code works on a machine with a GPU."""
    (tmp_path / "noise.py").write_text(
        "import torch\n"
        "def draw(count, generator):\n"
        "    return torch.rand(count, 1, 28, 28, generator=generator) * 2 - 1\n"
    )
    words = (f"{tmp_path / 'noise.py'}:draw", "--real", "mnist5k", "--samples", "60")
    values = [
        cli(
            "eval", *words, "--metrics", "fid@mnist-cnn", "--device", device, "--json", "-q"
        ).document["metrics"]["fid@mnist-cnn"]["value"]
        for device in ("cuda", "cpu")
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-3)


@contextmanager
def no_waiting():
    """Raise where the host would wait for all that the GPU was given."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def described(device, values, name="mnist-cnn", **settings):
    need = {"it": NetworkNeeds(registry.networks.get(name)(), frozenset({"moments", "features"}))}
    return extract(of_tensor(values), need, compute=Compute(device, **settings))["it"]


@pytest.mark.parametrize("batch_size", [None, 64])
def test_features_are_those_of_the_cpu(batch_size):
    values = open_dataset(DIGITS).load("test").values[:300]
    on_gpu, on_cpu = (
        described(device, values, batch_size=batch_size) for device in ("cuda", "cpu")
    )
    for found, expected in (
        (on_gpu.features, on_cpu.features),
        (on_gpu.moments.covariance, on_cpu.moments.covariance),
    ):
        assert np.linalg.norm(found - expected) < 1e-4 * np.linalg.norm(expected)


def test_features_are_computed_while_the_host_goes_on():
    network, values = registry.networks.get("mnist-cnn")(), torch.zeros(40, 3, 20, 24).byte()
    compute = Compute("cuda", batch_size=8)
    expected = network.extract(values, compute=compute).features
    with no_waiting():
        numbers = network.begin(values, compute=compute, channelwise=False)
    assert torch.equal(numbers().features, expected)


def test_neighborhoods_are_those_of_the_cpu():
    digits = open_dataset(DIGITS).load("train").values
    reals, fakes = (described("cpu", part).features for part in (digits[:1500], digits[1500:2800]))
    on_gpu, on_cpu = (
        sweep_neighborhoods(reals, fakes, device=device) for device in ("cuda", "cpu")
    )
    for field in fields(on_cpu):
        assert np.array_equal(getattr(on_gpu, field.name), getattr(on_cpu, field.name))


def test_batches_are_sent_ahead_without_waiting(monkeypatch):
    device = torch.device("cuda")
    data = open_dataset(DIGITS).load("train")
    near = Batches(data.to(device), 64, 0)
    monkeypatch.setattr(datasets, "ROOM", 0.0)
    far = Batches(data.to(device), 64, 0)
    far.at(0)
    with no_waiting():
        batches = [far.at(64 * index) for index in range(4)]
    for index, batch in enumerate(batches):
        assert torch.equal(batch.images, near.at(64 * index).images)
