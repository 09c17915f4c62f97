# SPDX-License-Identifier: MIT
"""Between the process that trains and the pages that look: what each page is sent, and when.

A page is sent a frame of a side only while fewer than two of that side are unacknowledged, and then
the newest; a page that never reads therefore costs the memory of two frames of each side, the
newest and one of the past that it has asked for. Everything runs in one event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from ganbench.lab.kept_frames import KeptFrames
from ganbench.lab.lockstep import SIDES
from ganbench.lab.wire import frame_header
from ganbench.records.json_values import parse_json, strict_json

MOST_UNACKNOWLEDGED = 2
MOST_TEXTS = 500
"""A page that lets more messages wait than this is given up."""
MOST_EVENTS_TOLD = MOST_TEXTS // 2
"""The most events that a page which comes later is told, with room for what else it is told."""

MOST_ROWS_TOLD = 400
"""A page that comes later is told the numbers of this many frames of each side."""

_OF_OTHER_SIDE = "diagnosis of the other side"
_REMEMBERED = ("hello", "side", "state", "diagnosis", _OF_OTHER_SIDE)
_RENEWS_HELLO = {
    "code": ("toml", "command", "python", "exact"),
    "event": ("recipe", "resolved", "graph"),
    "recipe": ("recipe", "resolved", "graph"),
}
"""What these messages say of the run as it is now, a page that comes later finds in its hello: it
would take a recipe in its address that differs from the hello's for another run to start."""


_NUMBERS = ("frame", "iteration", "kimg", "numbers", "boxes")


class Page:
    """What one page is to be sent."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.lost = False
        """Whether so many messages wait that the page is given up."""
        self._texts: deque[str] = deque()
        self._frames: dict[str, bytes] = {}
        self._sought: dict[str, bytes] = {}
        self._unacknowledged: dict[str, int] = {}
        self._wake = asyncio.Event()

    def tell(self, text: str) -> None:
        """Let a text be sent."""
        self.lost = self.lost or len(self._texts) >= MOST_TEXTS
        if not self.lost:
            self._texts.append(text)
        self._wake.set()

    def show(self, frame: bytes, side: str = "a") -> None:
        """Let a frame be sent, in place of one of the same side that still waits."""
        self._frames[side] = frame
        self._wake.set()

    def show_past(self, frame: bytes, side: str) -> None:
        """Let a frame be sent that the page has asked for; no newer frame takes its place."""
        self._sought[side] = frame
        self._wake.set()

    def drop(self, side: str, frame: int = 0) -> None:
        """Drop the frames of a side that still wait, from a number on."""
        for waiting in (self._sought, self._frames):
            if side in waiting and _number(waiting[side]) >= frame:
                del waiting[side]

    def acknowledge(self, side: str = "a") -> None:
        """Count a frame of a side as seen."""
        self._unacknowledged[side] = max(0, self._unacknowledged.get(side, 0) - 1)
        self._wake.set()

    async def next(self) -> str | bytes | None:
        """Wait for what is to be sent next, and return it; None if the page is given up."""
        while not self.lost:
            if self._texts:
                return self._texts.popleft()
            # The newest comes last, because a page that shows the present keeps what comes last.
            for waiting in (self._sought, self._frames):
                for side in list(waiting):
                    if self._unacknowledged.get(side, 0) < MOST_UNACKNOWLEDGED:
                        self._unacknowledged[side] = self._unacknowledged.get(side, 0) + 1
                        return waiting.pop(side)
            self._wake.clear()
            await self._wake.wait()
        return None

    @property
    def waiting(self) -> int:
        """How many messages and frames wait to be sent."""
        return len(self._texts) + len(self._frames) + len(self._sought)


class Hub:
    """Passes on what the trainer says, and remembers what a page that comes later must know."""

    def __init__(self) -> None:
        self.kept = {side: KeptFrames() for side in SIDES}
        self.pages: dict[int, Page] = {}
        self.recipe: Mapping[str, Any] | None = None
        """The recipe that is trained, from its last announcement."""
        self._texts: dict[str, str] = {}
        self._events: deque[tuple[int, str]] = deque(maxlen=MOST_EVENTS_TOLD)
        self._newest: dict[str, bytes] = {}
        self._number = 0

    def open(self) -> Page:
        """Return a new page, which is told all that it must know."""
        self._number += 1
        page = self.pages[self._number] = Page(self._number)
        for kind in _REMEMBERED:
            if kind in self._texts:
                page.tell(self._texts[kind])
        for _, event in self._events:
            page.tell(event)
        for side in self._newest:
            page.tell(self._past(side))
        for side, frame in self._newest.items():
            page.show(frame, side)
        return page

    def _past(self, side: str) -> str:
        """Return the numbers of the frames that were before, without their pictures."""
        headers = map(frame_header, self.kept[side].sampled(MOST_ROWS_TOLD))
        rows = [{key: header.get(key) for key in _NUMBERS} for header in headers]
        return strict_json({"kind": "past", "side": side, "rows": rows})

    def close(self, page: Page) -> None:
        """Forget a page."""
        self.pages.pop(page.number, None)

    def frame_came(self, frame: bytes) -> None:
        """Keep a frame, and let every page be sent it."""
        header = frame_header(frame)
        side = str(header["side"])
        if not header["caption"]:
            self.kept[side].add(int(header["frame"]), frame)
        self._newest[side] = frame
        for page in self.pages.values():
            page.show(frame, side)

    def text_came(self, message: dict[str, Any]) -> None:
        """Pass on a message of the trainer: to all pages, or to the one that has asked."""
        kind, client = message["kind"], message.pop("client", None)
        if kind == "cut":
            self._cut(message["frame"])
        elif kind == "hello":
            self._begin(message["recipe"])
        text = strict_json(message)
        if client is not None:
            if client in self.pages:
                self.pages[client].tell(text)
            return
        if kind in _REMEMBERED:
            self._texts[kind] = text
        self._renew_hello(message)
        if kind == "event":
            self._events.append((message["frame"], text))
        self.tell_all(text)

    def side_came(self, message: Mapping[str, Any]) -> None:
        """Tell all pages what the trainer of the second side says: ``side`` is then ``b``."""
        kind = "side" if message["kind"] == "hello" else message["kind"]
        if kind == "side":
            self._forget_frames("b")
            self._texts.pop(_OF_OTHER_SIDE, None)
        text = strict_json({**message, "kind": kind, "side": "b", "client": None})
        if kind in {"side", "diagnosis"}:
            self._texts[kind if kind == "side" else _OF_OTHER_SIDE] = text
        self.tell_all(text)

    def retell_state(self, **changes: Any) -> None:
        """Tell all pages the state again, with some fields changed."""
        if self._change("state", changes):
            self.tell_all(self._texts["state"])

    def forget_other_side(self) -> None:
        """Forget the second side, which is gone, and tell all pages."""
        self._forget_frames("b")
        for kind in ("side", _OF_OTHER_SIDE):
            self._texts.pop(kind, None)
        self._change("hello", {"sides": 1})
        self.tell_all(strict_json({"kind": "side", "off": True}))

    def tell_all(self, text: str) -> None:
        """Let every page be sent a text."""
        for page in self.pages.values():
            page.tell(text)

    def seek(self, page: Page, number: int) -> None:
        """Let a page be sent a frame of the past again, or the last kept one before it.

        The page is told which one it is and which one comes next: not all of those whose numbers it
        has are kept, and of two answers it must know which belongs to its last question.
        """
        found = {}
        for side, kept in self.kept.items():
            frame = kept.at(number)
            if frame is not None:
                found[side] = _number(frame)
                page.show_past(frame, side)
        following = self.kept["a"].after(number)
        answer = {"kind": "sought", "frame": number, "found": found, "next": following}
        page.tell(strict_json(answer))

    def ended(self, reason: str) -> None:
        """Tell all pages that the process that trains is gone."""
        state = {"kind": "state", "state": "failed", "speed": None, "slow": False}
        text = strict_json({**state, "frame": 0, "frames": 0, "reason": reason})
        self._texts["state"] = text
        self.tell_all(text)

    def _renew_hello(self, message: Mapping[str, Any]) -> None:
        """Take into the remembered hello what a message says of the run as it is now."""
        fields = _RENEWS_HELLO.get(message["kind"], ())
        news = {field: message[field] for field in fields if field in message}
        self.recipe = news.get("recipe", self.recipe)
        self._change("hello", news)

    def _change(self, kind: str, changes: Mapping[str, Any]) -> bool:
        """Change fields of a remembered message; return whether there is such a message."""
        if kind in self._texts and changes:
            self._texts[kind] = strict_json({**parse_json(self._texts[kind]), **changes})
        return kind in self._texts

    def _begin(self, recipe: Mapping[str, Any]) -> None:
        """Forget the run before of the first side; the second says itself when it begins again."""
        self.recipe = recipe
        self._forget_frames("a")
        self._events.clear()
        self._texts.pop("diagnosis", None)

    def _forget_frames(self, side: str) -> None:
        self.kept[side].forget_from(0)
        self._newest.pop(side, None)
        for page in self.pages.values():
            page.drop(side)

    def _cut(self, frame: int) -> None:
        """Forget all from a frame on: a fork before it comes there again, perhaps otherwise."""
        for side, kept in self.kept.items():
            kept.forget_from(frame)
            if side in self._newest and _number(self._newest[side]) >= frame:
                del self._newest[side]
                if (last := kept.at(frame)) is not None:
                    self._newest[side] = last
            for page in self.pages.values():
                page.drop(side, frame)
        events = [event for event in self._events if event[0] < frame]
        self._events = deque(events, maxlen=MOST_EVENTS_TOLD)


def _number(frame: bytes) -> int:
    return int(frame_header(frame)["frame"])
