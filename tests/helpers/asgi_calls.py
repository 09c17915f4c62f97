# SPDX-License-Identifier: MIT
"""Requests and sockets of an ASGI application, called in this process with any headers."""

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str


def _scope(kind, path, headers):
    path, _, query = path.partition("?")
    return {
        "type": kind,
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "scheme": "http" if kind == "http" else "ws",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }


async def _called(app, scope, first):
    sent, pending = [], [first]

    async def receive():
        return pending.pop() if pending else {"type": f"{scope['type']}.disconnect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent


def request(app, path, *headers, method="GET"):
    """Return the answer to a request with these headers, pairs of name and value."""
    scope = {**_scope("http", path, headers), "method": method}
    sent = asyncio.run(_called(app, scope, {"type": "http.request", "body": b""}))
    fields = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], fields, body.decode())


def socket_status(app, path, *headers):
    """Return 101 if a socket with these headers is accepted, otherwise the status that refuses."""
    sent = asyncio.run(
        _called(app, _scope("websocket", path, headers), {"type": "websocket.connect"})
    )
    return 101 if sent[0]["type"] == "websocket.accept" else sent[0].get("status", 403)
