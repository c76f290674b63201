#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Python by hand, with the names of the socket module at hand and the terminal's name as prompt."""
import code
import os
import socket
import sys

sys.ps1 = os.environ.get("TERMINAL", "") + ">>> "
if os.environ.get("TERM", "dumb") != "dumb":
    import readline  # noqa: F401 (the arrow keys, where there is a terminal that has them)
names = {name: getattr(socket, name) for name in socket.__all__}
# Not code.interact(): that one takes readline anywhere.
code.InteractiveConsole(names).interact(banner="", exitmsg="")
