# SPDX-License-Identifier: MIT
"""Who is let in: the right host, the right origin, the cookie, which the token gives once."""

import socket

import pytest
from asgi_calls import request, socket_status
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from ganbench.lab.gate import Gate
from ganbench.lab.lab_server import Address, LabApp

HOST = ("Host", "127.0.0.1:8765")
ORIGIN = ("Origin", "http://127.0.0.1:8765")
TOKEN = "t" * 43


@pytest.fixture
def gate():
    async def page(request):
        return PlainTextResponse("page")

    async def talk(websocket):
        await websocket.accept()

    routes = [Route("/", page), Route("/lab.js", page), WebSocketRoute("/socket", talk)]
    hosts = frozenset({"127.0.0.1:8765", "localhost:8765"})
    return Gate(Starlette(routes=routes), hosts=hosts, token=TOKEN, cookie_name="lab")


@pytest.fixture
def cookie(gate):
    answer = request(gate, f"/?token={TOKEN}", HOST)
    assert answer.status == 200
    return ("Cookie", answer.headers["set-cookie"].partition(";")[0])


def test_without_the_token_nothing_is_served(gate):
    paths = ["/", "/lab.js", "/nothing", "/?token=", f"/?token={TOKEN}x", f"/lab.js?token={TOKEN}"]
    for path in [*paths, f"/?token={TOKEN}&token={TOKEN}"]:
        answer = request(gate, path, HOST)
        assert answer.status == 403, path
        assert "set-cookie" not in answer.headers
    assert socket_status(gate, "/socket", HOST, ORIGIN) == 403
    assert socket_status(gate, f"/socket?token={TOKEN}", HOST, ORIGIN) == 403


def test_the_token_gives_a_cookie_once(gate):
    answer = request(gate, f"/?token={TOKEN}", HOST)
    assert (answer.status, answer.text) == (200, "page")
    value, *flags = answer.headers["set-cookie"].split("; ")
    assert flags == ["HttpOnly", "SameSite=Strict", "Path=/"]
    assert TOKEN not in value
    assert len(value) > len("lab=") + 40
    cookie = ("Cookie", f"other=1; {value}")
    assert request(gate, "/lab.js", HOST, cookie).status == 200
    assert socket_status(gate, "/socket", HOST, ORIGIN, cookie) == 101
    assert request(gate, f"/?token={TOKEN}", HOST).status == 403
    for wrong in ("lab=another", value[:-1], f"lab{value}", "lab", ""):
        assert request(gate, "/", HOST, ("Cookie", wrong)).status == 403


@pytest.mark.parametrize(
    "foreign",
    ["name=Ada Lovelace", 'prefs={"a":1, "b":2}', "a[0]=1", "x=é", "only", 'q="', "=", "a=b=c,d"],
)
def test_a_cookie_of_another_server_on_this_host_shuts_nobody_out(gate, cookie, foreign):
    for both in (f"{foreign}; {cookie[1]}", f"{cookie[1]}; {foreign}"):
        assert request(gate, "/", HOST, ("Cookie", both)).status == 200
    assert request(gate, "/", HOST, ("Cookie", foreign)).status == 403


def test_a_foreign_host_is_refused_even_with_the_cookie(gate, cookie):
    foreign = ("evil.example", "evil.example:8765", "127.0.0.1", "127.0.0.1:8766", "")
    for host in (*foreign, "127.0.0.1.evil.example:8765", "127.0.0.1:8765@evil.example"):
        given = ("Host", host), ("Origin", f"http://{host}"), cookie
        assert request(gate, "/", *given).status == 403, host
        assert socket_status(gate, "/socket", *given) == 403, host
    assert request(gate, "/", cookie).status == 403
    assert request(gate, "/", HOST, ("Host", "evil.example"), cookie).status == 403
    assert request(gate, "/", ("Host", "LOCALHOST:8765"), cookie).status == 200


def test_a_socket_from_elsewhere_or_nowhere_is_refused(gate, cookie):
    assert socket_status(gate, "/socket", HOST, ORIGIN, cookie) == 101
    assert socket_status(gate, "/socket", HOST, cookie) == 403
    assert socket_status(gate, "/socket", HOST, ORIGIN, ORIGIN, cookie) == 403
    elsewhere = ("null", "http://evil.example", "https://127.0.0.1:8765", "http://127.0.0.1:8766")
    for origin in (*elsewhere, "http://localhost:8765", "", "http://127.0.0.1:8765.evil.example"):
        assert socket_status(gate, "/socket", HOST, ("Origin", origin), cookie) == 403, origin
        assert request(gate, "/", HOST, ("Origin", origin), cookie).status == 403


def test_every_answer_forbids_what_the_page_does_not_need(gate, cookie):
    answers = [
        request(gate, "/", HOST, cookie),
        request(gate, "/nothing", HOST, cookie),
        request(gate, "/", ("Host", "evil.example")),
        request(gate, "/", HOST, cookie, method="POST"),
    ]
    assert [answer.status for answer in answers] == [200, 404, 403, 405]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'self'; ")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("host", "port", "named", "foreign"),
    [
        (
            "0.0.0.0",
            8765,
            ["127.0.0.1:8765", "192.168.3.4:8765", "[fe80::1]:8765", "localhost:8765"],
            ["192.168.3.4", "192.168.3.4:80", "evil.example:8765", "1.2.3.4.example:8765"],
        ),
        ("::", 8765, ["[::1]:8765", "10.0.0.7:8765"], ["evil.example:8765"]),
        ("MyHost", 8765, ["myhost:8765", "MYHOST:8765"], ["10.0.0.7:8765", "localhost:8765"]),
        ("127.0.0.1", 80, ["127.0.0.1", "localhost:80", "localhost"], ["10.0.0.7", "evil.example"]),
        ("0.0.0.0", 80, ["10.0.0.7", "10.0.0.7:80"], ["evil.example"]),
        ("10.0.0.7", 8765, ["10.0.0.7:8765"], ["10.0.0.8:8765", "localhost:8765"]),
    ],
)
def test_a_lab_answers_to_the_names_that_lead_to_it_and_to_no_other(host, port, named, foreign):
    address = Address(None, host, port, TOKEN)
    for name in [*named, *foreign]:
        gate = LabApp(None).behind_gate(address)
        answer = request(gate, f"/?token={TOKEN}", ("Host", name))
        assert answer.status == (200 if name in named else 403), name


def test_a_lab_everywhere_answers_to_the_name_of_its_machine():
    gate = LabApp(None).behind_gate(Address(None, "::", 8765, TOKEN))
    host = ("Host", f"{socket.gethostname()}:8765")
    assert request(gate, f"/?token={TOKEN}", host).status == 200
