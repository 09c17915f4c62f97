# SPDX-License-Identifier: MIT
"""``ganbench doctor``: what this machine can do, and what it lacks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.output import console, print_json

EXAMPLES = """\
Examples:

ganbench doctor

ganbench doctor --json

ganbench doctor --tune --model dcgan
"""


def command(
    tune: Annotated[
        bool,
        typer.Option(
            "--tune", help="Measure how models compute fastest here, for run --precision auto."
        ),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Models to tune (default: all).", metavar="NAMES"),
    ] = None,
    dataset: options.DatasetName = "mnist5k",
    device: options.Device = "auto",
    data_root: options.DataRoot = None,
    as_json: options.JsonFlag = False,
    quiet: options.Quiet = False,
) -> None:
    """Say what this machine has: versions, devices, data, folders that can be written.

    With --tune it measures instead, for each model, which precision, memory format, number of
    threads and compilation train it fastest here, and keeps the choice.
    """
    if tune:
        _tune(options.names(model), dataset, device, data_root, as_json=as_json, quiet=quiet)
        return
    checks = [*_software(), *_devices(), *_data(data_root), *_weights(), *_folders()]
    problems = [check for check in checks if check["status"] == "problem"]
    if as_json:
        print_json({"checks": checks, "problems": len(problems)})
    else:
        from rich.table import Table

        table = Table(box=None, pad_edge=False, show_header=False)
        colors = {"ok": "green", "absent": "yellow", "problem": "red"}
        for check in checks:
            color = colors[check["status"]]
            table.add_row(f"[{color}]{check['status']}[/{color}]", check["what"], check["detail"])
        console().print(table)
    if problems:
        raise typer.Exit(1)


def _tune(
    models: tuple[str, ...] | None,
    dataset: str,
    device: str,
    data_root: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure and keep the fastest way of each model; a model that cannot go is said."""
    from dataclasses import asdict

    from ganbench import registry
    from ganbench.cli.progress_bars import Counter
    from ganbench.data import open_dataset
    from ganbench.harness.plan import plan
    from ganbench.runtime.device import choose_device
    from ganbench.speed.autotune import keep, tune

    place = choose_device(device)
    source = open_dataset(dataset, data_root)
    data = source.load(source.splits[0])
    configs = [
        plan(name, dataset, data_root=data_root).config
        for name in models or registry.models.names()
    ]
    found = {}
    for config in configs:
        with Counter(quiet=quiet) as counter:
            choice = tune(config, data, place, compiling=True, progress=counter)
        keep(config, place, choice)
        found[config.model] = choice
        if not as_json:
            ways = ", ".join(f"{way} {ratio:.2f}" for way, ratio in choice.speedups.items())
            console().print(
                f"[bold]{config.model}[/bold], batch {config.recipe.batch_size}, {place}: "
                f"{choice.way.label}, {choice.images_per_second:,.0f} images/s, "
                f"{choice.speedup:.2f} times as fast as usual."
            )
            console().print(f"  {ways}", style="dim")
    if as_json:
        print_json({"choices": {name: asdict(choice) for name, choice in found.items()}})


def _check(status: str, what: str, detail: str) -> dict[str, str]:
    return {"status": status, "what": what, "detail": detail}


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


def _devices() -> list[dict[str, str]]:
    """Say which devices torch sees."""
    import torch

    from ganbench.runtime.device import device_facts

    cpu: dict[str, Any] = device_facts(torch.device("cpu"))
    checks = [_check("ok", "cpu", f"{cpu['threads']} threads, {cpu['cpu_capability']}")]
    count = torch.cuda.device_count()
    checks += [
        _check("ok", f"cuda:{index}", torch.cuda.get_device_name(index)) for index in range(count)
    ]
    if not count:
        checks.append(_check("absent", "cuda", "torch sees no GPU; training runs on the CPU"))
    if torch.backends.mps.is_available():
        checks.append(_check("ok", "mps", "Apple GPU"))
    return checks


def _data(root: Path | None) -> list[dict[str, str]]:
    """Say which datasets are at hand."""
    from ganbench import paths

    folders = ", ".join(str(one) for one in paths.data_roots(root) if one.is_dir())
    checks = [
        _check("ok", "datasets without download", "mnist5k, digits, ring8, grid25, stacked-mnist5k")
    ]
    checks.append(_check("ok" if folders else "absent", "folders with data", folders or "none"))
    return checks


def _weights() -> list[dict[str, str]]:
    """Say which feature networks' weights are at hand, and which metrics lack theirs."""
    from ganbench import weights
    from ganbench.weights.catalogue import CATALOGUE
    from ganbench.weights.store import BUNDLED

    packed = sorted(path.stem for path in BUNDLED.glob("*.safetensors"))
    checks = [_check("ok", f"network {name}", "weights in the package") for name in packed]
    for name, entry in CATALOGUE.items():
        command = f"ganbench weights fetch {name}"
        status, detail = {
            "missing": ("absent", f"{', '.join(entry.metrics)}: {command}"),
            "damaged": ("problem", f"delete the file, then: {command}"),
            "cached": ("ok", "in torch's cache"),
            "trunk": ("ok", f"trunk only; for {', '.join(entry.whole_metrics)}: {command} --whole"),
            "whole": ("ok", "whole"),
        }[weights.state(name)]
        checks.append(_check(status, f"weights {name}", detail))
    return checks


def _folders() -> list[dict[str, str]]:
    """Check that the folders that ganbench writes to can be written, and how much fits."""
    import tempfile

    from ganbench import paths

    checks = []
    folders = {"runs": paths.runs(), "cache": paths.cache(), "weights": paths.weights()}
    for what, folder in folders.items():
        nearest = folder.absolute()
        while not nearest.exists():
            nearest = nearest.parent
        try:
            with tempfile.TemporaryFile(dir=nearest):
                free = shutil.disk_usage(nearest).free / 2**30
        except OSError as error:
            checks.append(_check("problem", f"folder for {what}", f"{folder}: {error.strerror}"))
            continue
        status = "ok" if free > 1 else "problem"
        checks.append(_check(status, f"folder for {what}", f"{folder}, {free:.0f} GiB free"))
    return checks
