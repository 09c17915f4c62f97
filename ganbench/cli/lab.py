# SPDX-License-Identifier: MIT
"""``ganbench lab``: a local page on which one sees a GAN learn."""

from __future__ import annotations

import signal
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganbench.cli import options
from ganbench.cli.idle_options import refuse_idle
from ganbench.cli.options import OUTPUT, WHAT, WHERE
from ganbench.cli.output import remark

if TYPE_CHECKING:
    from ganbench.lab.lab_recipe import LabRecipe

EXAMPLES = """\
Examples:

ganbench lab

ganbench lab wgan-gp

ganbench lab recipe.toml --no-browser

ganbench lab runs/vanilla-ring8-seed0-1a2b3c4d

ganbench lab --record runs/vanilla-ring8-seed0-1a2b3c4d --out page.html
"""


def command(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            help="A recipe.toml, the folder of a run, or the name of a GAN (see ganbench ls "
            "models).",
            metavar="RECIPE",
        ),
    ] = "vanilla",
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            "-d",
            help="Name or path of data: points, images or sequences (default: ring8).",
            metavar="NAME",
            rich_help_panel=WHAT,
        ),
    ] = None,
    trick: options.TrickNames = None,
    assignments: options.Assignments = None,
    data_root: options.DataRoot = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; others than this machine can then reach it.",
            metavar="NAME",
            rich_help_panel=WHERE,
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            help="Port to listen on (default: 8765, or any that is free).",
            min=1,
            max=65535,
            metavar="N",
            rich_help_panel=WHERE,
        ),
    ] = None,
    no_browser: Annotated[
        bool,
        typer.Option(
            "--no-browser",
            help="Print the address, and open no browser.",
            metavar="",
            rich_help_panel=WHERE,
        ),
    ] = False,
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help="Train it once more, and write one page that plays it offline.",
            metavar="",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    frames: Annotated[
        int,
        typer.Option(
            help="Frames of a recording, evenly over the run.",
            min=2,
            max=2000,
            metavar="N",
            rich_help_panel=OUTPUT,
        ),
    ] = 300,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder of the runs that are saved (default: runs); with --record, the page.",
            metavar="PATH",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Open a page on which one sees a GAN learn, live.

    The page shows fakes and real data, what the discriminator thinks, and what goes wrong; it
    plays, pauses, steps, goes back, and changes settings while the run goes on. The address that
    is printed lets one browser in. Ctrl-C ends everything.
    """
    from ganbench import paths

    if record:
        refuse_idle(context, {"host", "port", "no_browser"}, "with --record, which opens no page")
    else:
        refuse_idle(context, {"frames", "quiet"}, "without --record")
        _require_packages()
    settings = options.collect_settings(assignments)
    recipe = _recipe(what, dataset, trick or [], settings, data_root)
    if record:
        threads = threads or _threads_of_run(what)  # another number would add in another order
        _record(recipe, out or Path("lab.html"), frames, device, threads, data_root, quiet=quiet)
        return
    from ganbench.lab.lab_options import LabOptions
    from ganbench.lab.lab_server import bind, serve
    from ganbench.lab.two_sides import Lab

    address = bind(host, port)
    with _ending_in_order(), tempfile.TemporaryDirectory(prefix="ganbench-lab-") as folder:
        lab_options = LabOptions(
            folder=Path(folder),
            runs=(out or paths.runs()).absolute(),
            device=device,
            threads=threads,
            data_root=data_root,
        )
        lab = Lab(recipe.values(), lab_options)
        if host not in {"127.0.0.1", "localhost", "::1"}:
            remark(f"Warning: everyone who reaches {host} can try to open this lab.")
        remark(f"The lab is at {address.link}")
        remark("The address lets one browser in. Ctrl-C ends the lab.")
        if not no_browser:  # in a thread, for a browser in this terminal stays until it is closed
            threading.Thread(target=webbrowser.open, args=(address.link,), daemon=True).start()
        try:
            serve(lab, address)
        except KeyboardInterrupt:
            remark("The lab is closed.")
        finally:
            lab.end()


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let SIGTERM, and a terminal that is closed, end the lab as Ctrl-C does."""

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    def hang_up(number: int, frame: object) -> None:
        signal.raise_signal(signal.SIGTERM)  # which the server hears while it serves

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, end)}
    if hasattr(signal, "SIGHUP"):
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, hang_up)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _record(
    recipe: LabRecipe,
    out: Path,
    frames: int,
    device: str,
    threads: int | None,
    data_root: Path | None,
    *,
    quiet: bool,
) -> None:
    """Write the page of a recorded run."""
    from ganbench.cli.output import console
    from ganbench.cli.progress_bars import WorkBar
    from ganbench.lab.recording import is_recorded_page, recipe_title, record_run, recorded_page
    from ganbench.records.atomic_files import check_writable, replacing
    from ganbench.records.own_files import check_target

    check_target(out, is_recorded_page)  # before anything is trained
    check_writable(out.parent)
    with WorkBar(quiet=quiet) as bar:
        recording = record_run(
            recipe,
            frames=frames,
            device=device,
            threads=threads,
            data_root=data_root,
            progress=bar,
        )
    page = recorded_page(recording, recipe_title(recipe))
    with replacing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    console().print(f"{out}: {len(page) / 1e6:.1f} MB, opens in any browser.", soft_wrap=True)


def _require_packages() -> None:
    """Refuse to start where the packages of the lab are missing.

    Raises:
        MissingDataError: They are.
    """
    from importlib.util import find_spec

    from ganbench.errors import MissingDataError

    missing = [name for name in ("starlette", "uvicorn", "websockets") if not find_spec(name)]
    if missing:
        raise MissingDataError(
            f"The lab needs {' and '.join(missing)}.", "pip install 'ganbench[lab]'"
        )


def _threads_of_run(what: str) -> int | None:
    """Return the number of threads of a run, if one is named; a recipe and a model have none."""
    from ganbench.harness.begun_run import recorded_threads
    from ganbench.paths import expand
    from ganbench.records.exported_run import find_run

    path = expand(what)
    return recorded_threads(find_run(path)) if path.is_dir() else None


def _recipe(
    what: str,
    dataset: str | None,
    tricks: list[str],
    settings: dict[str, object],
    data_root: Path | None,
) -> LabRecipe:
    """Return the recipe of a file, a run or a model, with what else was typed."""
    from dataclasses import replace

    from ganbench.errors import InputError
    from ganbench.lab.lab_recipe import LabRecipe
    from ganbench.paths import expand
    from ganbench.typed_values import changed_settings, read_toml

    path = expand(what)
    if path.suffix == ".toml":
        if not path.is_file():
            raise InputError(f"There is no recipe {path}.", "Name a GAN: ganbench lab vanilla")
        recipe = LabRecipe.read(read_toml(path))
    elif path.is_dir():
        from ganbench.lab.run_recipe import recipe_of_run

        recipe = recipe_of_run(path, data_root)
    else:
        from ganbench import registry

        recipe = LabRecipe(model=registry.models.entry(what).name if ".py" not in what else what)
    if dataset is not None:
        recipe = replace(recipe, dataset=dataset)
    changed = {
        "tricks": [*recipe.tricks, *tricks],
        "set": changed_settings(recipe.settings, settings),
    }
    return LabRecipe.read({**recipe.values(), **changed})
