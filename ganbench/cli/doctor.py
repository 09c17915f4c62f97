# SPDX-License-Identifier: MIT
"""``ganbench doctor``: is this machine ready, and how does it compute fastest?"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from ganbench.cli import options
from ganbench.cli.idle_options import refuse_idle
from ganbench.cli.options import WHAT
from ganbench.cli.output import console, print_json, remark

EXAMPLES = """\
Examples:

ganbench doctor

ganbench doctor --json

ganbench doctor --tune --model dcgan
"""


def command(
    context: typer.Context,
    tune: Annotated[
        bool,
        typer.Option(
            "--tune",
            help="Measure how models compute fastest here, for run --precision auto.",
            metavar="",
            rich_help_panel=WHAT,
        ),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Models to tune, separated by commas (default: all that the dataset suits).",
            metavar="NAMES",
            rich_help_panel=WHAT,
        ),
    ] = None,
    dataset: options.DatasetName = "mnist5k",
    data_root: options.DataRoot = None,
    device: options.Device = "auto",
    as_json: options.JsonFlag = False,
    quiet: options.Quiet = False,
) -> None:
    """Check this machine: versions, devices, data, weights and writable folders.

    With --tune it measures which precision, memory format, number of threads and compilation
    train each model fastest here, and keeps the result for later runs.
    """
    if tune:
        models = None if model is None else options.some_names("--model", model)
        _tune(models, dataset, device, data_root, as_json=as_json, quiet=quiet)
        return
    refuse_idle(context, {"model", "dataset", "device"}, "without --tune")
    checks = [*_software(), *_devices(), *_data(data_root), *_weights(), *_folders()]
    problems = [check for check in checks if check["status"] == "problem"]
    if as_json:
        print_json({"checks": checks, "problems": len(problems)})
    else:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        for _ in ("what", "detail"):
            table.add_column(overflow="fold")  # a path or a number is broken, and never cut
        colors = {"ok": "green", "absent": "yellow", "problem": "red"}
        for check in checks:
            color = colors[check["status"]]
            status = Text(check["status"], style=color)
            table.add_row(status, check["what"], check["detail"])
        console().print(table)
    if problems:
        raise typer.Exit(1)


def _tune(
    models: tuple[str, ...] | None,
    dataset_name: str,
    device_name: str,
    data_root: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find, print and keep the fastest way to compute each model.

    Raises:
        ConfigError: A model that was named does not suit the dataset, or none of all models does.
    """
    from dataclasses import asdict

    from ganbench import registry
    from ganbench.cli.progress_bars import WorkBar
    from ganbench.data import open_dataset
    from ganbench.errors import ConfigError
    from ganbench.harness.plan import plan
    from ganbench.runtime.device import choose_device
    from ganbench.speed.autotune import keep, tune

    device = choose_device(device_name)
    source = open_dataset(dataset_name, data_root)
    dataset = source.load(source.splits[0])
    configs = []
    left_out = {}
    for name in models or registry.models.names():
        try:
            configs.append(plan(name, dataset_name, data_root=data_root).config)
        except ConfigError as error:
            if models:
                raise
            left_out[name] = error.message
            if not quiet:
                remark(f"{name} is left out: {error.message}")
    if not configs:
        raise ConfigError(f"No model suits {dataset_name}.", "Name another one with --dataset.")
    tunings = {}
    for config in configs:
        with WorkBar(quiet=quiet) as bar:
            tuning = tune(config, dataset, device, compiling=True, progress=bar)
        keep(config, device, tuning)
        tunings[config.model] = tuning
        if not as_json:
            speedups = ", ".join(f"{label} {times:.2f}" for label, times in tuning.speedups.items())
            console().print(
                f"{config.model}, batch {config.recipe.batch_size}, {device}: "
                f"{tuning.way.label}, {tuning.images_per_second:,.0f} images/s, "
                f"{tuning.speedup:.2f} times as fast as usual."
            )
            console().print(f"  {speedups}", style="dim")
    if as_json:
        choices = {name: asdict(tuning) for name, tuning in tunings.items()}
        print_json({"choices": choices, "left_out": left_out})


def _check(status: str, subject: str, detail: str) -> dict[str, str]:
    """Return a check as it stands in the JSON; its status is ``ok``, ``absent`` or ``problem``."""
    return {"status": status, "what": subject, "detail": detail}


def _software() -> list[dict[str, str]]:
    """Check that every dependency imports, with its version."""
    import importlib
    import platform
    from importlib.metadata import PackageNotFoundError, version

    checks = [_check("ok", "python", platform.python_version())]
    for package, module in _MODULES.items():
        try:
            importlib.import_module(module)
            checks.append(_check("ok", package, version(package)))
        except (ImportError, OSError, PackageNotFoundError) as error:
            checks.append(_check("problem", package, f"{error}; pip install {package}"))
    return checks


_MODULES = {
    "torch": "torch",
    "torchvision": "torchvision",
    "numpy": "numpy",
    "scipy": "scipy",
    "scikit-learn": "sklearn",
    "mlxtend": "mlxtend",
    "altair": "altair",
    "vl-convert-python": "vl_convert",
    "safetensors": "safetensors",
}
"""The module that is imported of each package."""


def _devices() -> list[dict[str, str]]:
    """List the devices that torch sees."""
    import torch

    from ganbench.runtime.device import device_facts

    cpu = device_facts(torch.device("cpu"))
    checks = [_check("ok", "cpu", f"{cpu['threads']} threads, {cpu['cpu_capability']}")]
    gpus = torch.cuda.device_count()
    checks += [
        _check("ok", f"cuda:{index}", torch.cuda.get_device_name(index)) for index in range(gpus)
    ]
    if not gpus:
        checks.append(_check("absent", "cuda", "torch sees no GPU; training runs on the CPU"))
    if torch.backends.mps.is_available():
        checks.append(_check("ok", "mps", "Apple GPU"))
    return checks


def _data(data_root: Path | None) -> list[dict[str, str]]:
    """List the datasets that need no download, and the folders that may hold others."""
    from ganbench import paths

    folders = ", ".join(str(folder) for folder in paths.data_roots(data_root) if folder.is_dir())
    return [
        _check(
            "ok",
            "datasets without download",
            "mnist5k, digits, gaussian, grid25, ring8, stacked-mnist5k",
        ),
        _check("ok" if folders else "absent", "folders with data", folders or "none"),
    ]


def _weights() -> list[dict[str, str]]:
    """List the feature networks whose weights are here, and the metrics that lack theirs."""
    from ganbench import weights
    from ganbench.weights.catalogue import CATALOGUE
    from ganbench.weights.store import BUNDLED

    bundled = sorted(path.stem for path in BUNDLED.glob("*.safetensors"))
    checks = [_check("ok", f"network {name}", "weights in the package") for name in bundled]
    for name, entry in CATALOGUE.items():
        fetch = f"ganbench weights fetch {name}"
        status, detail = {
            "missing": ("absent", f"{', '.join(entry.metrics)}: {fetch}"),
            "damaged": ("problem", f"delete the file, then: {fetch}"),
            "cached": ("ok", "in torch's cache"),
            "trunk": ("ok", f"trunk only; for {', '.join(entry.whole_metrics)}: {fetch} --whole"),
            "whole": ("ok", "whole"),
        }[weights.state(name)]
        checks.append(_check(status, f"weights {name}", detail))
    return checks


def _folders() -> list[dict[str, str]]:
    """Check that ganbench can write to its folders, and how much fits."""
    import tempfile

    from ganbench import paths

    checks = []
    folders = {"runs": paths.runs(), "cache": paths.cache(), "weights": paths.weights()}
    for purpose, folder in folders.items():
        nearest = folder.absolute()
        while not nearest.exists():
            nearest = nearest.parent
        try:
            with tempfile.TemporaryFile(dir=nearest):
                free_gib = shutil.disk_usage(nearest).free / 2**30
        except OSError as error:
            problem = f"{folder}: {error.strerror}"
            checks.append(_check("problem", f"folder for {purpose}", problem))
            continue
        status = "ok" if free_gib > 1 else "problem"
        checks.append(_check(status, f"folder for {purpose}", f"{folder}, {free_gib:.0f} GiB free"))
    return checks
