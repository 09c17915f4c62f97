# SPDX-License-Identifier: MIT
"""``ganbench weights``: what feature networks need, whether it is here, and how it gets here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.output import complain, console, print_json
from ganbench.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress as RichProgress

    from ganbench.errors import GanbenchError
    from ganbench.weights.catalogue import Weights
    from ganbench.weights.store import WeightsRecord

EXAMPLES = """\
Examples:

ganbench weights ls

ganbench weights fetch inception alexnet vgg16

ganbench weights import Downloads/weights-inception-2015-12-05-6726825d.pth

ganbench weights verify
"""

weights_app = typer.Typer(
    no_args_is_help=True,
    help="Get, import and check the weights of feature networks.",
    epilog=EXAMPLES,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@weights_app.command("ls")
def list_all(as_json: options.JsonFlag = False) -> None:
    """List the networks: which metrics need them, size, licence, origin, and what is here."""
    from ganbench import paths
    from ganbench.weights.catalogue import CATALOGUE

    rows = [_row(entry) for entry in CATALOGUE.values()]
    if as_json:
        print_json({"folder": str(paths.weights()), "weights": rows})
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("name", "state", "size", "licence", "from"):
        table.add_column(title, justify="right" if title == "size" else "left", overflow="fold")
    table.add_column("metrics")
    for row in rows:
        whole = [f"{metric} (whole)" for metric in row["whole_metrics"]]
        table.add_row(
            f"[bold]{row['name']}[/bold]",
            _STATES.get(row["state"], row["state"]),
            _megabytes(row["size_bytes"]),
            row["licence"],
            "\n".join([_host(row["address"]), *filter(None, [row["package"]])]),
            ", ".join(row["metrics"] + whole),
        )
    screen = console()
    screen.print(table)
    screen.print(f"\nThe store is {paths.weights()}; addresses: ganbench weights ls --json")


@weights_app.command(
    "fetch",
)
def fetch_command(
    names: Annotated[
        list[str], typer.Argument(help="Names of networks (see ganbench weights ls).")
    ],
    whole: Annotated[
        bool,
        typer.Option("--whole", help="All of the official file: the upper layers, too."),
    ] = False,
    quiet: options.Quiet = False,
    as_json: options.JsonFlag = False,
) -> None:
    """Download weights: from the official address, else as a package through pip."""
    from ganbench import weights
    from ganbench.errors import MissingDataError
    from ganbench.weights.catalogue import find_weights

    for name in names:
        find_weights(name)
    records: list[WeightsRecord] = []
    failures: list[MissingDataError] = []
    for name in names:
        try:
            with _Shown(name, quiet=quiet or as_json) as shown:
                records.append(weights.fetch(name, whole=whole, progress=shown))
        except MissingDataError as error:  # the others may be had all the same
            failures.append(error)
    _finish(records, failures, as_json=as_json)


@weights_app.command("import")
def import_path(
    path: Annotated[Path, typer.Argument(help="A file that was downloaded by other means.")],
    as_json: options.JsonFlag = False,
) -> None:
    """Take over weights from a file, which is recognized by its SHA-256."""
    from ganbench import weights

    _finish(weights.import_file(path.expanduser()), [], as_json=as_json)


@weights_app.command(
    "verify",
)
def verify_command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of networks; all that are here by default.")
    ] = None,
    as_json: options.JsonFlag = False,
) -> None:
    """Hash what is stored anew, and compare."""
    from ganbench import weights
    from ganbench.errors import InputError
    from ganbench.weights import store
    from ganbench.weights.catalogue import CATALOGUE

    here = [name for name, entry in CATALOGUE.items() if store.path_of(entry).is_file()]
    records: list[WeightsRecord] = []
    failures: list[InputError] = []
    for name in names or here:
        try:
            records.append(weights.verify(name))
        except InputError as error:
            failures.append(error)
    if not names and not here and not as_json:
        typer.echo("There are no weights in the store.")
    _finish(records, failures, as_json=as_json)


def _row(entry: Weights) -> dict[str, Any]:
    """Say everything about a network's weights."""
    from ganbench import weights
    from ganbench.weights import store

    record = store.record_of(entry)
    return {
        "name": entry.name,
        "summary": entry.summary,
        "metrics": list(entry.metrics),
        "whole_metrics": list(entry.whole_metrics),
        "size_bytes": entry.size_bytes,
        "licence": entry.licence,
        "address": entry.address,
        "sha256": entry.sha256,
        "package": entry.package.requirement if entry.package else None,
        "package_licence": entry.package.licence if entry.package else None,
        "state": weights.state(entry.name),
        "path": str(store.path_of(entry)) if record else None,
        "source": record.source if record else None,
        "weights_sha256": record.weights_sha256 if record else None,
    }


_STATES = {"trunk": "trunk only", "cached": "in torch's cache"}


def _finish(
    records: list[WeightsRecord], failures: Sequence[GanbenchError], *, as_json: bool
) -> None:
    """Print what is in the store, and what went wrong."""
    from dataclasses import asdict

    if as_json:
        if failures:
            raise failures[0]
        print_json({"weights": [asdict(record) for record in records]})
        return
    for record in records:
        typer.echo(f"{record.name}  {record.part}  {record.weights_sha256[:8]}  {record.source}")
    for failure in failures[:-1]:
        complain(failure.message, failure.hint)
    if failures:
        raise failures[-1]


def _host(address: str) -> str:
    return address.split("/")[2]


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB"


class _Shown(Progress):
    """Shows a download on stderr: a bar on a terminal, a line per step elsewhere."""

    def __init__(self, name: str, *, quiet: bool) -> None:
        self._name = name
        self._quiet = quiet
        self._screen = console(stderr=True)
        self._bar: RichProgress | None = None
        self._said = -1

    def __enter__(self) -> _Shown:
        if self._screen.is_terminal and not self._screen.is_dumb_terminal and not self._quiet:
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )
            from rich.progress import Progress as RichProgress

            self._bar = RichProgress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(compact=True),
                console=self._screen,
                expand=True,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._name, total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, sentence: str) -> None:
        """Show what is done now."""
        if not self._quiet:
            self._screen.print(sentence, style="dim", soft_wrap=True)

    def advance(self, what: str, done: int, total: int) -> None:
        """Show how much has arrived: on the bar, or a line for every tenth."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)
            return
        tenth = 10 * done // total
        if tenth != self._said and not self._quiet:
            self._said = tenth
            self._screen.print(
                f"{self._name}: {_megabytes(done)} of {_megabytes(total)}", style="dim"
            )
