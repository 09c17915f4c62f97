# SPDX-License-Identifier: MIT
"""A test session ends when one of its worker processes dies."""

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem, sched):
    """End the session, and say in which test the worker was.

    With ``--dist loadfile`` pytest-xdist 3.8 hands the dead worker's finished files out again and
    waits forever for answers to them (its issue 1378).
    """
    session = sched.config.pluginmanager.getplugin("dsession")
    session.shouldstop = f"a worker process died in {crashitem}"
