# SPDX-License-Identifier: MIT
"""The whole lab as a command: its pages, its trainer, its end."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from websockets.sync.client import connect

from ganbench.errors import ConfigError
from ganbench.lab.lab_hub import Hub
from ganbench.lab.lab_server import LabApp, bind
from ganbench.lab.page_files import page_files
from ganbench.lab.wire import unpack_frame


class Visitor:
    """A page of the lab."""

    def __init__(self, address, cookie):
        self.frames = []
        self.opened = connect(
            address.replace("http", "ws") + "/socket",
            origin=address,
            additional_headers={"Cookie": cookie},
            compression=None,
            max_size=None,
        )
        self.socket = self.opened.__enter__()

    def say(self, **message):
        self.socket.send(json.dumps(message))

    def until(self, wanted, seconds=60):
        """Acknowledge frames until something is as wanted, and return it."""
        end = time.monotonic() + seconds
        while True:
            item = self.socket.recv(timeout=max(0.0, end - time.monotonic()))
            item = unpack_frame(item) if isinstance(item, bytes) else json.loads(item)
            if not isinstance(item, dict):
                self.say(kind="ack", frame=item.header["frame"], side=item.header["side"])
                self.frames.append(item)
            if wanted(item):
                return item

    def message(self, kind, **fields):
        def fits(item):
            return isinstance(item, dict) and {"kind": kind, **fields}.items() <= item.items()

        return self.until(fits)

    def frame(self, wanted=lambda header: True):
        return self.until(lambda item: not isinstance(item, dict) and wanted(item.header))


@contextmanager
def lab(*words):
    """Start ``ganbench lab``; yield the process, its address and a cookie."""
    command = [sys.executable, "-P", "-m", "ganbench", "lab", *words, "--no-browser"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        link = re.search(r"http://\S+", process.stderr.readline())[0]
        opener = build_opener(HTTPCookieProcessor())
        for _ in range(100):
            try:
                answer = opener.open(link)
                break
            except HTTPError:
                raise
            except OSError:
                time.sleep(0.1)
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        yield process, link.partition("/?")[0], cookie
    finally:
        process.kill()
        process.wait()


def of(pid, name):
    """What the system says of a process; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except FileNotFoundError:
        return b""


def is_running(pid):
    return bool(of(pid, "cmdline"))  # empty for a process that has ended and is not waited for


def children_of(process):
    threads = Path(f"/proc/{process.pid}/task").iterdir()
    return [int(pid) for thread in threads for pid in (thread / "children").read_text().split()]


def test_pages_trainer_crash_and_end():
    """One lab for the whole story: starting one takes seconds."""
    with lab("--set", "kimg=50", "--threads", "1") as (process, address, cookie):
        first = Visitor(address, cookie)
        hello = first.message("hello")
        assert hello["command"] == (
            "ganbench run --model vanilla --dataset ring8 --set kimg=50 --seed 0 --threads 1"
        )
        first.say(kind="play")
        assert first.frame(lambda header: header["iteration"] > 3).arrays["fake"].shape == (1000, 2)

        visitors = [Visitor(address, cookie) for _ in range(20)]
        for visitor in visitors:
            assert visitor.message("hello")["recipe"] == hello["recipe"]
            visitor.frame()
        silent = visitors.pop()  # it neither reads nor acknowledges from now on
        for visitor in visitors:
            visitor.socket.close()

        first.say(kind="data", points=[[0, "x"]])
        assert "cannot be used" in first.message("error")["message"]
        first.say(kind="start", recipe={"model": "./mine.py"})
        assert "registered things only" in first.message("error")["message"]
        first.say(kind="pause")
        first.message("state", state="paused")
        first.say(kind="seek", frame=0)
        first.frame(lambda header: header["frame"] == 0)

        (trainer,) = (pid for pid in children_of(process) if b"spawn_main" in of(pid, "cmdline"))
        os.kill(trainer, signal.SIGKILL)
        assert "signal 9" in first.message("state", state="failed")["reason"]
        first.say(kind="reset")
        first.message("hello")
        first.frame()
        silent.socket.close()

        others = children_of(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert "The lab is closed." in process.stderr.read()
        deadline = time.monotonic() + 10
        while any(map(is_running, others)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(map(is_running, others))


def test_a_second_lab_takes_another_port_and_a_taken_one_is_a_sentence():
    first = bind()
    first.socket.listen()
    second = bind()
    assert second.port != first.port
    assert len(first.token) >= 43
    assert first.token != second.token
    with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1, port {first.port}"):
        bind(port=first.port)
    with pytest.raises(ConfigError, match="cannot listen"):
        bind("203.0.113.7", 8765)
    for address in (first, second):
        address.socket.close()


def test_only_the_pages_own_files_are_served():
    files = page_files()
    assert "/" in files
    assert all(path.startswith("/") and ".." not in path for path in files)
    assert not [path for path in files if path.endswith((".py", ".toml", ".md"))]


class HeldSocket:
    """A socket on which the texts come that it is given, then bytes."""

    def __init__(self, *texts):
        self.texts = list(texts)

    async def accept(self):
        pass

    async def receive_text(self):
        return self.texts.pop(0) if self.texts else {}["text"]  # as starlette does with bytes


class HearingLab:
    """A lab that keeps what it hears, and breaks when a run is to be saved."""

    def __init__(self):
        self.hub = Hub()
        self.heard = []

    def hear(self, page, message):
        self.heard.append(message["kind"])
        if message["kind"] == "save":
            raise KeyError("a fault")


def test_bytes_end_a_socket_quietly_and_a_fault_of_the_lab_does_not():
    lab = HearingLab()
    asyncio.run(LabApp(lab)._talk(HeldSocket('{"kind": "play"}')))
    assert lab.heard == ["play", "pause"]
    with pytest.raises(KeyError, match="a fault"):
        asyncio.run(LabApp(lab)._talk(HeldSocket('{"kind": "save", "name": ""}')))
    assert not lab.hub.pages


def test_two_sides_show_the_same_iterations():
    with lab("--set", "kimg=50", "--threads", "1") as (_, address, cookie):
        page = Visitor(address, cookie)
        page.message("hello", sides=1)
        page.say(kind="side", tricks=["r1:weight=0.1"])
        page.message("hello", sides=2)
        assert page.message("side")["recipe"]["tricks"] == ["r1:weight=0.1"]
        page.say(kind="play")

        def shown(side):
            headers = [frame.header for frame in page.frames]
            return {header["iteration"] for header in headers if header["side"] == side}

        page.until(lambda item: len(shown("a") & shown("b")) >= 4)
        beginnings = [
            frame.arrays["fake"] for frame in page.frames if frame.header["iteration"] == 0
        ]
        assert len(beginnings) >= 3
        assert all((fakes == beginnings[0]).all() for fakes in beginnings)  # the same seed
        page.say(kind="fork", frame=0)
        assert "cannot be forked" in page.message("error")["message"]
        page.say(kind="side", off=True)
        page.message("state", state="paused")
        page.say(kind="step", turn="both")
        page.frame(lambda header: header["side"] == "a")
