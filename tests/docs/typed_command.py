"""`edgemark` in a page's shell, for `typed.py`; nothing but what Python brings, to start at once.

    python -IS typed_command.py FOLDER WORD ...

What a command is typed for the first time, or reads from a pipe, the program runs that a reader
has on the path. Any other starts from the process that has imported everything; its status, and
signals to this process, pass between them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType

HANDED_ON = (signal.SIGINT, signal.SIGTERM)
NOT_FOUND = 127  # what a shell answers for a command that is not there


def main(folder: str, words: list[str]) -> int:
    """Be the command; the exit status, unless a signal ended it."""
    if is_first(folder, words) or reads_something():
        return run_as_typed(folder, words)
    place = os.open(folder, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.connect(f"/proc/self/fd/{place}/line")  # a path of its own may be too long

        def hand_on(number: int, _: FrameType | None) -> None:
            line.send(bytes([number]))

        for number in HANDED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, hand_on)
        asked = {"words": words, "folder": os.getcwd(), "environ": dict(os.environ)}
        socket.send_fds(line, [json.dumps(asked).encode()], [1, 2])
        status = int(line.recv(16) or b"1")
    if status < 0:
        with suppress(OSError):  # nobody may take this one
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


def is_first(folder: str, words: list[str]) -> bool:
    """Whether nobody typed this command before; noun and verb are one."""
    begun = os.path.join(folder, "begun " + " ".join(words[:2]).replace("/", " "))
    try:
        os.close(os.open(begun, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def reads_something() -> bool:
    """Whether anything can be read that is not handed on."""
    return os.fstat(0).st_rdev != os.stat(os.devnull).st_rdev


def run_as_typed(folder: str, words: list[str]) -> int:
    """Become the first program of that name on the path that is not this one."""
    for place in os.environ.get("PATH", "").split(os.pathsep):
        program = os.path.join(place, "edgemark")
        if os.path.realpath(place) != os.path.realpath(folder) and os.access(program, os.X_OK):
            os.execv(program, [program, *words])
    sys.stderr.write("edgemark: command not found\n")
    return NOT_FOUND


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
