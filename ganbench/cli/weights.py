# SPDX-License-Identifier: MIT
"""``ganbench weights``: list, fetch, import and verify the weights of feature networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganbench.cli import options
from ganbench.cli.options import WHAT, Verb
from ganbench.cli.output import complain, console, megabytes, print_json
from ganbench.cli.progress_bars import DownloadBar

if TYPE_CHECKING:
    from collections.abc import Sequence

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


@weights_app.command("ls", cls=Verb)
def list_all(as_json: options.JsonFlag = False) -> None:
    """List the networks: metrics that need them, size, license, origin, and state here."""
    from ganbench import paths
    from ganbench.weights.catalogue import CATALOGUE

    rows = [_row(entry) for entry in CATALOGUE.values()]
    if as_json:
        print_json({"folder": str(paths.weights()), "weights": rows})
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "state", "size", "license", "from"):
        table.add_column(heading, justify="right" if heading == "size" else "left", overflow="fold")
    table.add_column("metrics")
    for row in rows:
        whole = [f"{metric} (whole)" for metric in row["whole_metrics"]]
        table.add_row(
            Text(row["name"], style="bold"),
            _STATES.get(row["state"], row["state"]),
            megabytes(row["size_bytes"]),
            row["licence"],
            "\n".join([_host(row["address"]), *filter(None, [row["package"]])]),
            ", ".join(row["metrics"] + whole),
        )
    screen = console()
    screen.print_table(table)
    screen.print(f"\nThe store is {paths.weights()}; addresses: ganbench weights ls --json")


@weights_app.command("fetch", cls=Verb)
def fetch_command(
    names: Annotated[
        list[str], typer.Argument(help="Names of networks (see ganbench weights ls).")
    ],
    whole: Annotated[
        bool,
        typer.Option(
            "--whole",
            help="Get all of the official file, its upper layers included.",
            metavar="",
            rich_help_panel=WHAT,
        ),
    ] = False,
    quiet: options.Quiet = False,
    as_json: options.JsonFlag = False,
) -> None:
    """Download weights from the official address, or as a package of the Python index."""
    from ganbench import weights
    from ganbench.errors import MissingDataError
    from ganbench.weights.catalogue import find_weights

    for name in names:
        find_weights(name)
    records: list[WeightsRecord] = []
    failures: list[MissingDataError] = []
    for name in names:
        try:
            with DownloadBar(name, quiet=quiet or as_json) as bar:
                records.append(weights.fetch(name, whole=whole, progress=bar))
        except MissingDataError as error:  # the other networks may still be available
            failures.append(error)
    _finish(records, failures, as_json=as_json)


@weights_app.command("import", cls=Verb)
def import_path(
    path: Annotated[Path, typer.Argument(help="A downloaded file.")],
    as_json: options.JsonFlag = False,
) -> None:
    """Import weights from a file that was downloaded by other means; its SHA-256 says which."""
    from ganbench import weights

    _finish(weights.import_file(path), [], as_json=as_json)


@weights_app.command("verify", cls=Verb)
def verify_command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of networks (default: all that are here).")
    ] = None,
    as_json: options.JsonFlag = False,
) -> None:
    """Hash the stored weights again, and compare with the recorded hash."""
    from ganbench import weights
    from ganbench.errors import InputError, MissingDataError
    from ganbench.weights import store
    from ganbench.weights.catalogue import CATALOGUE, find_weights

    for name in names or ():
        find_weights(name)
    here = [name for name, entry in CATALOGUE.items() if store.path_of(entry).is_file()]
    records: list[WeightsRecord] = []
    failures: list[GanbenchError] = []
    for name in names or here:
        try:
            records.append(weights.verify(name))
        except (InputError, MissingDataError) as error:  # the others are verified all the same
            failures.append(error)
    if not names and not here and not as_json:
        console().print("There are no weights in the store.")
    _finish(records, failures, as_json=as_json)


def _row(entry: Weights) -> dict[str, Any]:
    """Return all that is known of a network's weights."""
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
    """Print the records of stored weights, and all failures; the first says the exit code.

    Raises:
        typer.Exit: There are failures.
    """
    from dataclasses import asdict

    if as_json:
        document: dict[str, Any] = {"weights": [asdict(record) for record in records]}
        if failures:
            errors = [
                {"kind": failure.kind, "message": failure.message, "hint": failure.hint}
                for failure in failures
            ]
            document |= {"error": errors[0], "errors": errors}
        print_json(document)
    else:
        for record in records:
            line = f"{record.name}  {record.part}  {record.weights_sha256[:8]}  {record.source}"
            console().print(line, soft_wrap=True)
        for failure in failures:
            complain(failure.message, failure.hint)
    if failures:
        raise typer.Exit(failures[0].exit_code)


def _host(address: str) -> str:
    return address.split("/")[2]
