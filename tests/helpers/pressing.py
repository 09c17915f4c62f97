# SPDX-License-Identifier: MIT
"""Ctrl-C in the process of the tests."""

import signal


def press_ctrl_c():
    """Do what Python does when SIGINT arrives: call its handler.

    A real signal has been seen to end the process with a segmentation fault, once a browser test
    had run in it and its garbage was collected (Python 3.11 and the greenlets of Playwright).
    """
    signal.getsignal(signal.SIGINT)(signal.SIGINT, None)
