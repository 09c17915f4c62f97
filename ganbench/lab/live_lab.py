# SPDX-License-Identifier: MIT
"""A lab that is served in the background, for a notebook's widget."""

from __future__ import annotations

import atexit
import tempfile
import threading
from pathlib import Path

from ganbench import paths
from ganbench.lab.lab_options import LabOptions
from ganbench.lab.lab_recipe import LabRecipe

SERVER_END_SECONDS = 5.0
"""How long the server may take to end."""

FRAMED_BY = "http://localhost:* http://127.0.0.1:*"
"""Which pages may show the lab in a frame: notebooks on this machine."""


class LiveLab:
    """A lab in a thread; it ends with ``close``, and with the process.

    Args:
        recipe: What it trains first.
        device: Where it trains.
    """

    def __init__(self, recipe: LabRecipe, device: str = "auto") -> None:
        from ganbench.lab.lab_server import bind, lab_server  # needs packages of an extra
        from ganbench.lab.two_sides import Lab

        self._folder = tempfile.TemporaryDirectory(prefix="ganbench-lab-")
        folder = Path(self._folder.name)
        address = bind()
        self.port, self.token = address.port, address.token
        self.link = address.link
        """The address with the token, which lets one browser in."""
        options = LabOptions(folder, paths.runs().absolute(), device)
        self._lab = Lab(recipe.values(), options)
        self._server = lab_server(self._lab, address, framed_by=FRAMED_BY)
        self._thread = threading.Thread(
            target=self._server.run, args=([address.socket],), name="lab-server", daemon=True
        )
        self._thread.start()
        atexit.register(self.close)

    @property
    def running(self) -> bool:
        """Whether the lab is served."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End the server and the process that trains."""
        atexit.unregister(self.close)
        self._server.should_exit = True
        self._thread.join(SERVER_END_SECONDS)
        self._lab.end()
        self._folder.cleanup()
