# SPDX-License-Identifier: MIT
"""The server of the lab: the page's own files, and one socket."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from ganbench.errors import ConfigError, GanbenchError
from ganbench.lab.gate import HTTP_PORT, NOBODY, Gate
from ganbench.lab.lab_hub import Page
from ganbench.lab.page_files import page_files
from ganbench.lab.page_messages import MOST_BYTES, read_message
from ganbench.lab.two_sides import Lab
from ganbench.records.json_values import strict_json

USUAL_PORT = 8765
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
EVERYWHERE = frozenset({"0.0.0.0", "::"})
"""The hosts that stand for every address of this machine."""
MOST_PAGES = 64
TOKEN_BYTES = 32


@dataclass(frozen=True)
class Address:
    """Where a lab listens, and the address to open."""

    socket: socket.socket
    host: str
    port: int
    token: str

    @property
    def link(self) -> str:
        """The address with the token, which lets one browser in."""
        return f"http://{_in_address(self.host)}:{self.port}/?token={self.token}"


def bind(host: str = "127.0.0.1", port: int | None = None) -> Address:
    """Take a port: the one that is asked for, otherwise the usual one or any that is free.

    Raises:
        ConfigError: The port is taken, or the host is not of this machine.
    """
    for wanted in [USUAL_PORT, 0] if port is None else [port]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, wanted))
            listener.listen()  # a browser that comes before the server is ready waits
        except (OSError, TypeError, ValueError) as error:  # a host may hold a null character
            listener.close()
            if wanted == USUAL_PORT and port is None:
                continue
            raise ConfigError(
                f"The lab cannot listen on {host}, port {wanted}: "
                f"{getattr(error, 'strerror', None) or 'no such host'}.",
                "Leave --port out, so that a free one is taken.",
            ) from error
        token = secrets.token_urlsafe(TOKEN_BYTES)
        return Address(listener, host, listener.getsockname()[1], token)
    raise AssertionError


class LabApp:
    """The application of a lab: the page's files, and a socket for each page.

    Args:
        lab: What pages talk to.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def behind_gate(self, address: Address, framed_by: str = NOBODY) -> ASGIApp:
        """Return the application behind its gate."""
        routes = [
            Route(path, partial(_file, content, kind), methods=["GET"])
            for path, (content, kind) in page_files().items()
        ]
        inner = Starlette(
            routes=[*routes, WebSocketRoute("/socket", self._talk)], lifespan=self._living
        )
        cookie = f"ganbench-lab-{address.port}"
        return Gate(
            inner,
            hosts=_hosts(address),
            any_address_at=address.port if address.host in EVERYWHERE else None,
            token=address.token,
            cookie_name=cookie,
            framed_by=framed_by,
        )

    @contextlib.asynccontextmanager
    async def _living(self, app: Starlette) -> AsyncIterator[None]:
        self._lab.listen(asyncio.get_running_loop())
        try:
            yield
        finally:
            self._lab.end()

    async def _talk(self, websocket: WebSocket) -> None:
        """Talk to a page until it is gone."""
        hub = self._lab.hub
        if len(hub.pages) >= MOST_PAGES:
            await websocket.close(1013)
            return
        await websocket.accept()
        page = hub.open()
        sending = asyncio.create_task(_send(websocket, page))
        try:
            async for text in _texts(websocket):
                self._hear(page, text)
        finally:
            sending.cancel()
            hub.close(page)
            if not hub.pages:  # nobody looks
                self._lab.hear(page, {"kind": "pause"})

    def _hear(self, page: Page, text: str) -> None:
        """Do what a page asks for, or say why not."""
        try:
            self._lab.hear(page, read_message(text))
        except GanbenchError as error:
            message = {"kind": "error", "message": error.message, "hint": error.hint}
            page.tell(strict_json(message))


async def _file(content: bytes, kind: str, request: Request) -> Response:
    return Response(content, media_type=kind)


async def _texts(websocket: WebSocket) -> AsyncIterator[str]:
    """Yield what a page sends, until it is gone or sends bytes."""
    # Around this call alone: an error in acting on a message is a fault, and must show.
    with contextlib.suppress(WebSocketDisconnect, KeyError, RuntimeError):
        while True:
            yield await websocket.receive_text()


async def _send(websocket: WebSocket, page: Page) -> None:
    """Send a page what is for it, until it is given up or gone."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it is gone
        while (item := await page.next()) is not None:
            if isinstance(item, bytes):
                await websocket.send_bytes(item)
            else:
                await websocket.send_text(item)
        await websocket.close(1008)


def serve(lab: Lab, address: Address) -> None:
    """Serve a lab until Ctrl-C."""
    lab_server(lab, address).run(sockets=[address.socket])


def lab_server(lab: Lab, address: Address, framed_by: str = NOBODY) -> uvicorn.Server:
    """Return the server of a lab.

    Args:
        lab: What pages talk to.
        address: Where it listens.
        framed_by: Which pages may show it in a frame, as a content security policy says it.
    """
    config = uvicorn.Config(
        LabApp(lab).behind_gate(address, framed_by),
        ws="websockets-sansio",
        ws_max_size=MOST_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=20.0,
        ws_ping_timeout=60.0,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _hosts(address: Address) -> frozenset[str]:
    """Return the hosts with ports that requests to an address may name, in lower case."""
    names = [_in_address(address.host)]
    if address.host in {"127.0.0.1", "localhost", "::1", *EVERYWHERE}:
        names += LOCAL_HOSTS
    if address.host in EVERYWHERE:
        names += [socket.gethostname(), socket.getfqdn()]
    hosts = {f"{name.lower()}:{address.port}" for name in names}
    if address.port == HTTP_PORT:  # which browsers leave out
        hosts |= {name.lower() for name in names}
    return frozenset(hosts)


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
