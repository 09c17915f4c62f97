# SPDX-License-Identifier: MIT
"""Who may talk to the lab: this machine's own page, opened by the address with the token.

A page of another site that a browser shows could ask a server on this machine for anything, and
sockets are not covered by the rules that keep sites apart. So every request must name a host that
is the lab's own, which defends against rebound names; a socket must come from the lab's own page;
and everything needs a cookie, which only the address that was printed gives, once.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HTTP_PORT = 80
"""The port that browsers leave out of the host."""

NOBODY = "'none'"
"""Which pages may show the lab in a frame, usually."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {NOBODY}; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer says: nothing but the page's own files, for nobody else, not kept."""

_POLICY = "Content-Security-Policy"

COOKIE_BYTES = 32


class Gate:
    """Lets in who has the right host, the right origin and the cookie; all others get 403.

    Args:
        app: What is behind the gate.
        hosts: The hosts with ports that requests may name in lower case, such as
            ``127.0.0.1:8000``.
        any_address_at: A port at which requests may name any address in numbers. Another site's
            name can be made to lead here, an address cannot.
        token: The token that gives the cookie, once.
        cookie_name: The name of the cookie, which differs from lab to lab on one machine.
        framed_by: Which pages may show it in a frame, as a content security policy says it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str],
        token: str,
        cookie_name: str,
        framed_by: str = NOBODY,
        any_address_at: int | None = None,
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._any_address_at = any_address_at
        self._token: str | None = token
        self._cookie_name = cookie_name
        policy = HEADERS[_POLICY].replace(f"ancestors {NOBODY}", f"ancestors {framed_by}")
        self._headers = {**HEADERS, _POLICY: policy}
        self._cookie = secrets.token_urlsafe(COOKIE_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        refusal = self._refusal(scope, headers)
        given = ""
        if not refusal and not self._has_cookie(headers):
            given = self._exchanged(scope)
            refusal = "" if given else "Open the address that ganbench lab has printed."
        if refusal:
            await PlainTextResponse(refusal, 403, self._headers)(scope, receive, send)
            return
        await self._app(scope, receive, self._with_headers(send, given))

    def _refusal(self, scope: Scope, headers: Mapping[str, list[str]]) -> str:
        """Return why a request is refused whoever makes it; empty if it is not."""
        hosts, origins = headers.get("host", []), headers.get("origin", [])
        if len(hosts) != 1 or not self._is_named(hosts[0].lower()):
            return "This host is not the lab's."
        own = f"http://{hosts[0].lower()}"
        if scope["type"] == "websocket" and len(origins) != 1:
            return "A socket must say where it comes from."
        if any(origin.lower() != own for origin in origins):
            return "Other sites may not talk to the lab."
        return ""

    def _is_named(self, host: str) -> bool:
        """Tell whether a host with its port is one that requests may name."""
        port = self._any_address_at
        return host in self._hosts or (port is not None and _is_address(host, port))

    def _has_cookie(self, headers: Mapping[str, list[str]]) -> bool:
        # As browsers send them: other servers of this host set cookies, too, and a parser that
        # takes only what the standard allows would drop the lab's with theirs.
        cookies = map(cookie_parser, headers.get("cookie", []))
        return any(_equal(given.get(self._cookie_name, ""), self._cookie) for given in cookies)

    def _exchanged(self, scope: Scope) -> str:
        """Return the header that sets the cookie, if the request brings the token; once."""
        if scope["type"] != "http" or scope["path"] != "/" or self._token is None:
            return ""
        tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if len(tokens) != 1 or not _equal(tokens[0], self._token):
            return ""
        self._token = None
        return f"{self._cookie_name}={self._cookie}; HttpOnly; SameSite=Strict; Path=/"

    def _with_headers(self, send: Send, cookie: str) -> Send:
        """Return a way to send that adds what every answer says."""

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = {**self._headers, **({"Set-Cookie": cookie} if cookie else {})}
                extra = [(name.lower().encode(), value.encode()) for name, value in added.items()]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        return add


def _equal(first: str, second: str) -> bool:
    return secrets.compare_digest(first.encode(), second.encode())


def _headers(scope: Scope) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers


def _is_address(host: str, port: int) -> bool:
    """Tell whether a host is an address in numbers at a port; browsers leave port 80 out.

    >>> [_is_address(host, 80) for host in ("10.0.0.7", "[::1]:80", "10.0.0.7:81", "evil.example")]
    [True, True, False, False]
    """
    address = host.removesuffix(f":{port}")
    if address == host and port != HTTP_PORT:
        return False
    try:
        ipaddress.ip_address(address.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
