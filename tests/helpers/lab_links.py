# SPDX-License-Identifier: MIT
"""A link to a lab session in this process: what it is told, in order, and what it has sent."""

import contextlib
from collections import deque

from ganbench.lab.lab_options import LabOptions
from ganbench.lab.lab_recipe import LabRecipe
from ganbench.lab.lab_session import LabSession
from ganbench.lab.wire import unpack_frame


class OutOfMessages(BaseException):
    """The session waits for a message, and none is left."""


class RecordedLink:
    """Tells a session messages, each when a number of frames has been sent."""

    def __init__(self, *messages):
        self.messages = deque(messages)
        self.sent = []
        self.frames = []

    def receive(self, seconds=0.0):
        if self.messages:
            after = self.messages[0].get("after", 0)
            if seconds is None or len(self.frames) >= after:
                return self.messages.popleft()
        elif seconds is None:
            raise OutOfMessages
        return None

    def send(self, message):
        self.sent.append(dict(message))

    def send_frame(self, frame):
        self.frames.append(unpack_frame(frame))

    def of_kind(self, kind):
        return [message for message in self.sent if message["kind"] == kind]


def hold(folder, recipe, *messages, **options):
    """Carry out a session until it waits with no message left; return the link and the session."""
    link = RecordedLink(*messages)
    session = LabSession(link, LabOptions(folder / "lab", folder / "runs", threads=1, **options))
    with contextlib.suppress(OutOfMessages):
        session.serve(recipe if isinstance(recipe, LabRecipe) else LabRecipe.read(recipe))
    return link, session
