# SPDX-License-Identifier: MIT
"""The lab's page in a browser, with a socket whose other end is the test."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench.lab.gate import HEADERS
from ganbench.lab.page_files import page_files
from ganbench.lab.wire import Frame, pack_frame

CHROMIUM = Path("/usr/bin/chromium")
ORIGIN = "http://lab.localhost"
TOML = 'model = "vanilla"\ndataset = "ring8"\ntricks = []\nseed = 0\n'
RECIPE = {"model": "vanilla", "dataset": "ring8", "tricks": [], "seed": 0, "set": {}}
RATE = "recipe.generator_optimizer.learning_rate"
_OPTIMIZER = {"kind": "adam", "learning_rate": 0.0005, "betas": [0.5, 0.999]}
_SECONDS = 60.0  # a busy machine is no mistake


def hello(**changes: Any) -> dict[str, Any]:
    """Return the first message about a run on points."""
    boxes = ("latents", "generator", "fake", "real", "discriminator")
    boxes = (*boxes, "discriminator_loss", "generator_loss")
    weights = {"generator": 100, "discriminator": 101}
    lesson = {"name": "learns", "title": "A GAN learns", "text": "Two networks play."}
    message = {
        "kind": "hello",
        "version": "0",
        "toml": TOML,
        "command": "ganbench run --model vanilla",
        "python": "import ganbench",
        "exact": True,
        "recipe": RECIPE,
        "resolved": {
            "model": "vanilla",
            "dataset": "ring8",
            "loss": "non-saturating",
            "seed": 0,
            "parameters": {},
            "tricks": [],
            "recipe": {
                "kimg": 10.0,
                "batch_size": 128,
                "latent_dim": 2,
                "prior": "normal",
                "discriminator_steps": 1,
                "generator_steps": 1,
                "schedule": "linear",
                "generator_optimizer": _OPTIMIZER,
                "discriminator_optimizer": _OPTIMIZER,
            },
        },
        "bounds": [[-2.0, 2.0], [-1.0, 1.0]],
        "data": "points",
        "latent": [4, 2],
        "choices": {
            "models": ["vanilla", "wgan-gp"],
            "tricks": ["ema", "r1"],
            "datasets": ["ring8", "grid25"],
            "losses": ["non-saturating", "hinge"],
            "summaries": {"tricks": {"r1": "Penalizes the gradient."}},
            "lessons": [{**lesson, "points_to": ["grid", "js"], "recipe": {**RECIPE, "seed": 7}}],
        },
        "changeable": [RATE, "loss", "tricks"],
        "graph": {
            "boxes": [
                {"name": name, "title": name, "size": "2", "parameters": weights.get(name)}
                for name in boxes
            ],
            "edges": [
                ["latents", "generator", "latents"],
                ["generator_loss", "generator", "gradient"],
            ],
            "tricks": [],
        },
        "modes": 8,
        "sides": 1,
    }
    return {**message, **changes}


def state(name: str = "paused", frames: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a message about the state of training."""
    rest = {"speed": None, "slow": False, "frame": frames - 1, "frames": frames, "reason": ""}
    return {"kind": "state", "state": name, **rest, **changes}


def frame(number: int = 0, *, arrays: dict[str, Any] | None = None, **header: Any) -> bytes:
    """Return a frame of points: all fakes at (3/4, 1/4) of the plane, D says real on the left."""
    heat = np.zeros((64, 64), np.uint8)
    heat[:, :32] = 255
    usual = {
        "fake": np.array([[49151, 16384]] * 4, np.uint16),
        "real": np.array([[16384, 16384]] * 4, np.uint16),
        "heat": heat,
    }
    numbers = {"discriminator_loss": 1.0, "generator_loss": 0.5 + number, "modes": 3.0}
    numbers = {**numbers, "js": 0.5, "js_floor": 0.01}
    boxes = {
        name: {"activation": 0.1, "gradient_norm": 0.2, "weight_norm": 1.0 + number}
        for name in ("generator", "discriminator")
    }
    described = {
        "frame": number,
        "iteration": 10 * number,
        "kimg": 1.28 * number,
        "side": "a",
        "caption": "",
        "turn": "",
        "heat_range": None,
        "heat_level": 0.5,
        "numbers": numbers,
        "boxes": boxes,
    }
    return pack_frame(Frame({**described, **header}, usual if arrays is None else arrays))


class FakeLab:
    """A page, and the other end of its socket."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.sent: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._socket: Any = None
        self._files = page_files()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.route(f"{ORIGIN}/**", self._serve)
        page.route_web_socket(f"{ORIGIN.replace('http', 'ws')}/socket", self._connect)

    def _serve(self, route: Any) -> None:
        path = route.request.url.removeprefix(ORIGIN).partition("?")[0].partition("#")[0]
        content, kind = self._files.get(path, (b"", ""))
        status = 200 if kind else 404
        route.fulfill(status=status, body=content, content_type=kind, headers=dict(HEADERS))

    def _connect(self, socket: Any) -> None:
        self._socket = socket
        socket.on_message(lambda text: self.sent.append(json.loads(text)))

    def open(self, *messages: Any, address: str = "/") -> None:
        """Open the page, and send it messages and frames, by default those of a new run."""
        self.page.goto(ORIGIN + address)
        self.until(lambda: self._socket is not None)
        for message in messages or (hello(), state(), frame()):
            self.tell(message)
        self.until(lambda: self.page.locator("#clock").text_content())

    def tell(self, message: dict[str, Any] | bytes) -> None:
        """Send the page a message or a frame."""
        self._socket.send(message if isinstance(message, bytes) else json.dumps(message))

    def until(self, holds: Any) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + _SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"it never came; sent: {self.sent[-5:]}"
            self.page.wait_for_timeout(20)

    def heard(self, kind: str) -> dict[str, Any]:
        """Wait for a message of a kind, and return the last one."""
        self.until(lambda: any(message["kind"] == kind for message in self.sent))
        return [message for message in self.sent if message["kind"] == kind][-1]

    def pixel(self, x: float, y: float, canvas: str = "picture-a") -> list[int]:
        """Return red, green and blue at a place of a canvas, from 0 to 1, downward."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        script = """([name, x, y]) => {
          const canvas = document.getElementById(name);
          const place = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
          const options = {willReadFrequently: true};
          const copy = document.createElement('canvas').getContext('2d', options);
          copy.drawImage(canvas, -place[0], -place[1]);
          return [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }"""
        return list(self.page.evaluate(script, [canvas, x, y]))

    def layers(self, *names: str) -> None:
        """Show these layers only."""
        for box in self.page.locator("[data-layer]").all():
            box.set_checked(box.get_attribute("data-layer") in names)


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield a browser; the test is skipped where there is none."""
    if find_spec("playwright") is None or not CHROMIUM.exists():
        pytest.skip("needs playwright and Debian's chromium")
    from playwright.sync_api import sync_playwright

    quiet = ["background-networking", "component-update", "gpu", "quic", "sync"]
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in quiet)],
        )
        yield browser
        browser.close()


@contextmanager
def browser_page(browser: Any, width: int = 1200, **options: Any) -> Iterator[Any]:
    """Yield an empty page."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)
    page = context.new_page()
    page.set_default_timeout(1000 * _SECONDS)
    yield page
    page.unroute_all(behavior="ignoreErrors")
    context.close()


@contextmanager
def fake_lab(browser: Any, width: int = 1200, **options: Any) -> Iterator[FakeLab]:
    """Yield a page of the lab; the test fails if it complains, or asks anyone else."""
    with browser_page(browser, width, **options) as page:
        lab = FakeLab(page)
        yield lab
        page.wait_for_timeout(50)
        foreign = [url for url in lab.requests if not url.startswith(f"{ORIGIN}/")]
        assert not lab.complaints, lab.complaints
        assert not foreign, foreign


def rows(*numbers):
    """Return the numbers of frames that the page has not seen."""
    known = [
        {"frame": at, "iteration": 10 * at, "kimg": at, "numbers": {}, "boxes": {}}
        for at in numbers
    ]
    return {"kind": "past", "side": "a", "rows": known}
