# SPDX-License-Identifier: MIT
"""``ganbench doctor``: what this machine can do, and what it lacks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import typer

from ganbench.cli import options
from ganbench.cli.output import console, print_json

EXAMPLES = """\
Examples:

ganbench doctor

ganbench doctor --json
"""


def command(
    data_root: options.DataRoot = None,
    as_json: options.Json = False,
) -> None:
    """Say what this machine has: versions, devices, data, folders that can be written."""
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

    from ganbench.harness.device import facts

    cpu: dict[str, Any] = facts(torch.device("cpu"))
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
    from ganbench.features import weights
    from ganbench.features.catalogue import CATALOGUE
    from ganbench.features.digit_cnn import WEIGHTS

    packed = sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))
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
