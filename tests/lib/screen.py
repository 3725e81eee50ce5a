#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a command on a terminal of its own, presses keys and looks at the screen. See screen.sh for the script's words."""

import codecs
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time

PATIENCE = float(os.environ.get("SCREEN_SECONDS", "60"))
KEYS = {"up": "\033OA", "down": "\033OB", "right": "\033OC", "left": "\033OD", "home": "\033OH", "end": "\033OF",
        "pgup": "\033[5~", "pgdn": "\033[6~", "enter": "\r", "esc": "\033", "space": " ", "backspace": "\177", "tab": "\t",
        "lt": "<", "ctrl-c": "\003", "ctrl-z": "\032", "ctrl-l": "\014",
        "ctrl-u": "\025"}


class Screen:
    """What a terminal of the vt100 and xterm kind would show."""

    def __init__(self, rows, columns):
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.rest = ""
        self.alternate, self.cursor_hidden = False, False
        self.saved = (0, 0)
        self.unknown = set()
        self.resize(rows, columns, True)

    def resize(self, rows, columns, fresh=False):
        old = [] if fresh else self.cells
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        for row, cells in zip(self.cells, old):
            row[:] = (cells + [" "] * columns)[:columns]
        self.top, self.bottom = 0, rows - 1
        self.row, self.column = (0, 0) if fresh else (min(self.row, rows - 1), min(self.column, columns - 1))
        self.wrap = False

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def feed(self, data):
        text = self.rest + self.decoder.decode(data)
        token = re.compile(r"\033\[([?>!]?)([0-9;:]*)([@-~])|\033([()])(.)|\033\][^\007\033]*(?:\007|\033\\)|\033([^\[\]()])|([^\033])", re.S)
        at = 0
        while at < len(text):
            match = token.match(text, at)
            if not match:
                break
            at = match.end()
            private, numbers, final, _, _, escape, plain = match.groups()
            if final:
                self.control(private, [int(n) if n else 0 for n in numbers.replace(":", ";").split(";")], final)
            elif escape:
                self.escape(escape)
            elif plain:
                self.put(plain)
        self.rest = text[at:]

    def line_feed(self):
        if self.row == self.bottom:
            self.scroll(self.top, 1)
        elif self.row < self.rows - 1:
            self.row += 1

    def scroll(self, first, count):
        for _ in range(abs(count)):
            if count > 0:
                del self.cells[first]
                self.cells.insert(self.bottom, [" "] * self.columns)
            else:
                del self.cells[self.bottom]
                self.cells.insert(first, [" "] * self.columns)

    def put(self, c):
        if c == "\r":
            self.column = 0
        elif c in "\n\v\f":
            self.line_feed()
        elif c == "\b":
            self.column = max(0, self.column - 1)
        elif c == "\t":
            self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
        elif c >= " " and c != "\177":
            if self.wrap:
                self.column = 0
                self.line_feed()
            self.cells[self.row][self.column] = c
            self.last = c
            self.wrap = self.column == self.columns - 1
            self.column += not self.wrap
            return
        if c not in "\0\016\017\007":
            self.wrap = False

    def escape(self, c):
        if c == "7":
            self.saved = (self.row, self.column)
        elif c == "8":
            self.row, self.column = self.saved
        elif c == "D":
            self.line_feed()
        elif c == "M":
            if self.row == self.top:
                self.scroll(self.top, -1)
            else:
                self.row = max(0, self.row - 1)
        elif c not in "=>cH":
            self.unknown.add("ESC " + c)

    def control(self, private, n, final):
        count = n[0] or 1
        self.wrap = False
        row = self.cells[self.row]
        if final in "Hf":
            self.row = min(self.rows, count) - 1
            self.column = min(self.columns, (n + [1])[1] or 1) - 1
        elif final == "A":
            self.row = max(0, self.row - count)
        elif final == "B":
            self.row = min(self.rows - 1, self.row + count)
        elif final == "C":
            self.column = min(self.columns - 1, self.column + count)
        elif final == "D":
            self.column = max(0, self.column - count)
        elif final == "G":
            self.column = min(self.columns, count) - 1
        elif final == "d":
            self.row = min(self.rows, count) - 1
        elif final == "K":
            span = {0: range(self.column, self.columns), 1: range(0, self.column + 1), 2: range(self.columns)}[n[0]]
            for i in span:
                row[i] = " "
        elif final == "J":
            for i in {0: range(self.row + 1, self.rows), 1: range(self.row), 2: range(self.rows)}[n[0]]:
                self.cells[i] = [" "] * self.columns
            if n[0] < 2:
                self.control("", [n[0]], "K")
        elif final == "X":
            for i in range(self.column, min(self.columns, self.column + count)):
                row[i] = " "
        elif final == "P":
            row[:] = row[:self.column] + row[self.column + count:] + [" "] * min(count, self.columns - self.column)
        elif final == "@":
            row[:] = (row[:self.column] + [" "] * count + row[self.column:])[:self.columns]
        elif final == "b":
            for _ in range(count):
                self.put(self.last)
        elif final in "LM" and self.top <= self.row <= self.bottom:
            self.scroll(self.row, count if final == "M" else -count)
        elif final in "ST":
            self.scroll(self.top, count if final == "S" else -count)
        elif final == "r":
            self.top, self.bottom = count - 1, ((n + [0])[1] or self.rows) - 1
            self.row = self.column = 0
        elif final in "hl" and private == "?":
            self.alternate = final == "h" if 1049 in n or 47 in n else self.alternate
            self.cursor_hidden = final == "l" if 25 in n else self.cursor_hidden
        elif final not in "mhltcnqp":
            self.unknown.add("CSI " + private + final)


class Session:
    """The command, its terminal and what has been found so far."""

    def __init__(self, command):
        self.rows, self.columns, self.command, self.pid, self.status = 24, 80, command, 0, None
        self.environment, self.hung_up = [], False

    def start(self):
        self.master, self.slave = pty.openpty()
        self.set_size()
        self.before = termios.tcgetattr(self.slave)
        self.screen = Screen(self.rows, self.columns)
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(self.slave, fd)
            os.closerange(3, 256)
            os.execvp("env", ["env"] + self.environment + self.command)
        os.environ["SCREEN_PID"] = str(self.pid)

    def set_size(self):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))

    def pump(self, seconds):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            try:
                self.screen.feed(os.read(self.master, 65536))
            except OSError:
                return False
        return True

    def poll_status(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return self.status is not None

    def until(self, condition, watched=False):
        """Poll; in vain after a while, or when the command has ended that something was expected of."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                return False
            if self.hung_up or not self.pump(0.05):
                time.sleep(0.05)
            if watched and self.poll_status():
                self.take_all()
                return condition()
        return True

    def matches(self, pattern):
        return re.search(pattern, self.screen.text(), re.M) is not None

    # The words of a script.

    def do_size(self, rest):
        self.columns, self.rows = map(int, rest.split())

    def do_env(self, rest):
        self.environment += shlex.split(rest)

    def do_expect(self, name, pattern):
        good = self.until(lambda: self.matches(pattern), True)
        self.report(good, name, "expected on the screen: " + pattern)

    def do_gone(self, name, pattern):
        good = self.until(lambda: not self.matches(pattern), True)
        self.report(good, name, "not expected on the screen: " + pattern)

    def do_keys(self, rest):
        for word in shlex.split(rest):
            os.write(self.master, KEYS.get(word, word).encode())

    def do_resize(self, rest):
        self.columns, self.rows = map(int, rest.split())
        self.screen.resize(self.rows, self.columns)
        self.set_size()

    def do_signal(self, rest):
        os.kill(self.pid, getattr(signal, "SIG" + rest.strip()))

    def do_shell(self, rest):
        child = subprocess.Popen(rest, shell=True, stdout=subprocess.DEVNULL)
        if not self.until(lambda: child.poll() is not None) or child.returncode:
            child.kill()
            raise RuntimeError("failed: " + rest)

    def do_shell_until(self, name, rest):
        good = self.until(lambda: subprocess.run(rest, shell=True, capture_output=True).returncode == 0)
        self.report(good, name, "did not come true: " + rest)

    def do_show(self, rest):
        self.take_all()
        for line in self.screen.text().rstrip("\n").split("\n"):
            print("note\t" + line)

    def do_hangup(self, rest):
        os.close(self.slave)
        os.close(self.master)
        self.hung_up = True
        end = time.monotonic() + PATIENCE
        while not self.poll_status() and time.monotonic() < end:
            time.sleep(0.05)

    def do_ends(self, name, rest):
        """ends NAME: STATUS, 128 + N for signal N."""
        self.until(self.poll_status)
        self.take_all()
        status = None if self.status is None else os.waitstatus_to_exitcode(self.status)
        status = 128 - status if status is not None and status < 0 else status
        self.report(str(status) == rest.strip(), name, "status %s, expected %s" % (status, rest.strip()))

    def take_all(self):
        end = time.monotonic() + 2
        while not self.hung_up and self.pump(0.1) and select.select([self.master], [], [], 0)[0] and time.monotonic() < end:
            pass

    def do_restored(self, name, rest):
        self.take_all()
        after = termios.tcgetattr(self.slave)
        wrong = [word for word, bad in (("alternate screen", self.screen.alternate), ("hidden cursor", self.screen.cursor_hidden),
                                        ("terminal's settings", after != self.before)) if bad]
        self.report(not wrong, name, "not given back: " + ", ".join(wrong))

    def do_understood(self, name, rest):
        self.report(not self.screen.unknown, name, "unknown to the terminal: %s" % self.screen.unknown)

    def report(self, good, name, why):
        print("pass\t" + name if good else "fail\t%s\t%s" % (name, why), flush=True)
        if not good:
            self.do_show("")

    def obey(self, line):
        word, _, rest = line.strip().partition(" ")
        if not word or word.startswith("#"):
            return
        if not self.pid and word not in ("size", "env"):
            self.start()
        action = getattr(self, "do_" + word)
        if word in ("expect", "gone", "ends", "restored", "understood", "shell_until"):
            name, _, rest = rest.partition(": ")
            name = name.rstrip(":")
            action(name, rest)
        else:
            action(rest)


def main():
    session = Session(sys.argv[1:])
    try:
        for line in sys.stdin:
            session.obey(line)
    finally:
        if session.pid and not session.poll_status():
            os.kill(session.pid, signal.SIGTERM)
            time.sleep(0.2)
            if not session.poll_status():
                os.kill(session.pid, signal.SIGKILL)
                os.waitpid(session.pid, 0)


main()
