# SPDX-License-Identifier: MIT
"""Downloads from servers that redirect, refuse, lie, cut the connection or say nothing."""

import functools
import hashlib
import threading
import time

import pytest

from ganbench.progress import Progress
from ganbench.weights import downloader
from ganbench.weights.catalogue import CATALOGUE
from ganbench.weights.downloader import Checksum, NotGivenError, download

NAME = "inception"


class Told(Progress):
    """Remembers what a download told of itself."""

    def __init__(self):
        self.sentences = []
        self.done = []

    def say(self, sentence):
        self.sentences.append(sentence)

    def advance(self, what, done, total):
        self.done.append(done)
        self.total = total


@pytest.fixture
def get(server, tmp_path):
    """Download the stand-in of Inception's official file, from a path of the server."""

    def call(path=None, told=None):
        entry = CATALOGUE[NAME]
        target = tmp_path / "target"
        address = server.address(path) if path else entry.address
        download(
            address,
            target,
            Checksum("SHA-256", entry.sha256),
            size_bytes=entry.size_bytes,
            progress=told or Told(),
        )
        return target.read_bytes()

    return call


@pytest.fixture
def get_unsized(server, tmp_path, whole):
    """Download the same file with nothing known of it but its MD5."""

    checksum = Checksum("MD5", hashlib.md5(whole, usedforsecurity=False).hexdigest())

    def call(told=None):
        target = tmp_path / "target"
        download(CATALOGUE[NAME].address, target, checksum, progress=told or Told())
        return target.read_bytes()

    return call


@pytest.fixture
def answer(server):
    """Choose how the server answers for the official file."""

    def choose(*functions):
        left = list(functions)

        def act(request):
            (left.pop(0) if len(left) > 1 else left[0])(request)

        server.answers[CATALOGUE[NAME].file] = act

    return choose


@pytest.fixture
def whole(server):
    return (server.folder / CATALOGUE[NAME].file).read_bytes()


def test_a_file_arrives_and_progress_is_told(get, whole):
    told = Told()
    assert get(told=told) == whole
    assert told.done == sorted(told.done)
    assert told.done[-1] == told.total == len(whole)
    assert told.sentences == []


def test_redirects_are_followed(server, get, whole):
    def elsewhere(request):
        request.send_response(302)
        request.send_header("Location", server.address(f"moved/{CATALOGUE[NAME].file}"))
        request.end_headers()

    server.answers["old"] = elsewhere
    assert get("old") == whole


def test_a_server_that_tells_no_length(server, get, answer, whole):
    answer(functools.partial(server.give, length=False))
    assert get() == whole


def test_a_connection_that_is_cut_is_taken_up_again(server, get, answer, whole):
    third = len(whole) // 3
    answer(
        functools.partial(server.give, cut=third),
        functools.partial(server.give, cut=2 * third),
        server.give,
    )
    told = Told()
    assert get(told=told) == whole
    assert server.ranges == [None, f"bytes={third}-", f"bytes={2 * third}-"]
    assert told.sentences[0].startswith(f"The connection was cut after {third:,} bytes")


def test_a_server_that_gives_no_parts_starts_again(server, get, answer, whole):
    answer(
        functools.partial(server.give, cut=1000),
        functools.partial(server.give, ranges=False),
    )
    assert get() == whole
    assert server.ranges == [None, "bytes=1000-"]


def test_a_server_that_gives_nothing_more(server, get, answer):
    def headers_only(request):
        server.give(request, cut=int(request.headers.get("Range", "bytes=500-")[6:-1]))

    answer(functools.partial(server.give, cut=500), headers_only)
    with pytest.raises(NotGivenError, match="sent no more than 500 bytes"):
        get()
    assert server.ranges == [None, "bytes=500-"]


def test_a_server_that_always_cuts_at_one_place_and_gives_no_parts(server, get, answer):
    answer(functools.partial(server.give, cut=500, ranges=False))
    with pytest.raises(NotGivenError, match="sent no more than 500 bytes"):
        get()
    assert len(server.ranges) == 2


def test_a_page_of_no_told_length_in_the_files_place(server, get, answer):
    server.content = lambda request: b"<p>Login</p>"
    answer(functools.partial(server.give, ranges=False, length=False))
    with pytest.raises(NotGivenError, match="sent no more than 12 bytes"):
        get()


def test_a_server_that_falls_silent(server, get, answer, monkeypatch):
    monkeypatch.setattr(downloader, "SILENCE_SECONDS", 0.2)
    over = threading.Event()
    waits = []

    def stall(request):
        server.give(request, cut=500 if not request.headers.get("Range") else 0)
        request.wfile.flush()
        waits.append(over.wait(10))

    answer(stall)
    with pytest.raises(NotGivenError, match="sent no more than 500 bytes"):
        get()
    over.set()
    assert False not in waits, "the server had to end the silence"


def test_a_server_that_never_answers(get, answer, monkeypatch):
    monkeypatch.setattr(downloader, "ANSWER_SECONDS", 0.2)
    over = threading.Event()
    answer(lambda request: over.wait(10))
    with pytest.raises(NotGivenError, match=r"cannot be reached \(no answer in 0.2 seconds\)"):
        get()
    over.set()


def test_looking_for_a_name_is_not_waited_for_either(get, monkeypatch):
    monkeypatch.setattr(downloader, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(downloader, "urlopen", lambda *_, **__: time.sleep(1))
    with pytest.raises(NotGivenError, match="no answer"):
        get()


def test_nobody_is_there(published, tmp_path):
    entry = CATALOGUE[NAME]
    with pytest.raises(NotGivenError, match=r"127\.0\.0\.1:9/.* cannot be reached \(Connection re"):
        download(entry.address, tmp_path / "target", Checksum("SHA-256", "0"), size_bytes=1)


@pytest.mark.parametrize("code", [403, 404, 503])
def test_a_refusal(get, answer, code):
    answer(lambda request: request.send_error(code))
    with pytest.raises(NotGivenError, match=f"answered {code} \\([A-Z][a-z]"):
        get()


def test_what_is_no_http(server, get, answer):
    answer(lambda request: request.wfile.write(b"220 mail.example ESMTP\r\n"))
    with pytest.raises(NotGivenError, match="cannot be reached"):
        get()


def test_a_page_in_the_files_place_is_refused_by_its_length(get, answer, whole):
    def page(request):
        request.send_response(200)
        request.send_header("Content-Length", "11")
        request.end_headers()
        request.wfile.write(b"<p>Login</p>")

    answer(page)
    with pytest.raises(NotGivenError, match=f"another file: of 11 bytes, not {len(whole)}$"):
        get()


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("where", [0, -1])
def test_a_file_with_one_wrong_byte_is_refused(server, get, answer, whole, length, where):
    def altered(request):
        wrong = bytearray(whole)
        wrong[where] ^= 1
        server.content = lambda request: bytes(wrong)
        server.give(request, length=length)

    answer(altered)
    with pytest.raises(NotGivenError, match="another file: its SHA-256 is not"):
        get()


def test_a_file_without_an_end_is_not_waited_for(server, get, answer, whole):
    def endless(request):
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(whole)

    answer(endless)
    told = Told()
    with pytest.raises(NotGivenError, match="another file"):
        get(told=told)
    assert told.done[-1] == len(whole) + 1


# -- files whose size is not known beforehand --------------------------------------------------


def test_the_size_that_the_server_states_is_told_and_resumed_by(server, get_unsized, answer, whole):
    third = len(whole) // 3
    answer(functools.partial(server.give, cut=third), server.give)
    told = Told()
    assert get_unsized(told) == whole
    assert server.ranges == [None, f"bytes={third}-"]
    assert told.done[-1] == told.total == len(whole)


def test_a_file_of_no_known_size_ends_with_the_answer(server, get_unsized, answer, whole):
    answer(functools.partial(server.give, length=False))
    told = Told()
    assert get_unsized(told) == whole
    assert told.done == []


@pytest.mark.parametrize("length", [True, False])
def test_another_file_of_no_known_size_is_refused(server, get_unsized, answer, length):
    server.content = lambda request: b"<p>Login</p>"
    answer(functools.partial(server.give, length=length))
    with pytest.raises(NotGivenError, match=r"sent another file: its MD5 is not \w{32}$"):
        get_unsized()


def test_a_cut_in_a_file_of_no_known_size_is_no_shorter_file(server, get_unsized, answer):
    answer(functools.partial(server.give, cut=500, length=False))
    with pytest.raises(NotGivenError, match="sent another file"):
        get_unsized()


def test_a_file_of_no_known_size_has_an_end(get_unsized, answer, whole, monkeypatch, tmp_path):
    def endless(request):
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(whole)

    monkeypatch.setattr(downloader, "UNKNOWN_SIZE_BYTES", 10**6)
    answer(endless)
    with pytest.raises(NotGivenError, match="sent another file"):
        get_unsized()
    assert (tmp_path / "target").stat().st_size == 10**6 + 1


def test_the_size_changes_between_two_answers(server, get_unsized, answer, whole):
    def shorter(request):
        server.content = lambda request: whole[:-1]
        server.give(request)

    answer(functools.partial(server.give, cut=500), shorter)
    with pytest.raises(NotGivenError, match=r"sent another file: of \d+ bytes, not \d+$"):
        get_unsized()
