#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Type the lines of a file at the prompt of an interactive program, on a terminal: typed.py FILE CMD...

The next line is typed when the prompt ("> ") is back. What the screen showed goes to stdout; the exit status is the
program's.
"""
import os
import pty
import select
import sys

PATIENCE = 60


def read_screen(master, screen):
    """Wait for more on the screen; False at the end."""
    ready, _, _ = select.select([master], [], [], PATIENCE)
    if not ready:
        sys.exit("nothing came in %d seconds after: %r" % (PATIENCE, bytes(screen[-200:])))
    try:
        piece = os.read(master, 65536)
    except OSError:
        piece = b""
    screen += piece
    return bool(piece)


def wait_for_prompt(master, screen, start):
    while not screen[start:].endswith(b"\n> "):
        if not read_screen(master, screen):
            return


def main():
    with open(sys.argv[1], "rb") as file:
        lines = file.read().splitlines()
    pid, master = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "dumb"
        os.environ["COLUMNS"] = "1000"
        os.execvp(sys.argv[2], sys.argv[2:])
    screen = bytearray()
    wait_for_prompt(master, screen, 0)
    for line in lines:
        start = len(screen)
        os.write(master, line + b"\n")
        wait_for_prompt(master, screen, start)
    os.write(master, b"\x04")
    while read_screen(master, screen):
        pass
    _, status = os.waitpid(pid, 0)
    sys.stdout.buffer.write(bytes(screen).replace(b"\r", b""))
    sys.exit(os.waitstatus_to_exitcode(status))


main()
