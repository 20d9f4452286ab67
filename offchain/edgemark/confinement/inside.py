"""Stands between a confined program and the machine. A program of its own; nothing imports it.

    python -I -S inside.py PLAN   with PLAN the descriptor of a pipe with the plan, in JSON

It makes namespaces (users where it has no rights, mounts, processes, network, messages), a root
folder in memory with the system's programs and libraries and the files that the plan names, all to
be read only, and starts the program in it as a user of its own: with an empty environment, no
descriptor but standard input, output and error, and limits of the kernel. Then it waits until the
program ends or `control` says so or ends itself, as it does when whoever holds it is killed; kills
whatever is left, reaps it, and tells what the kernel counted.

What the limits do not say, the way does: whoever stands in a changed root may make no namespace of
users, so the program gets no rights back, and no further memory by mounting; it has no /proc.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
from typing import Any, NoReturn

# From <sched.h>, <sys/mount.h> and <sys/prctl.h>.
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
SEPARATE = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
KEPT_FLAGS = {8: MS_NOEXEC, 1024: 1024, 2048: 2048, 4096: 1 << 21}  # of statvfs: of mount
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
PR_CAPBSET_DROP, PR_SET_SECUREBITS = 24, 28
NO_ROOT = 0x3  # SECBIT_NOROOT, and its lock: user 0 gets no rights by starting a program
MOST_RIGHTS = 64

POINTS = ("/mnt", "/media", "/srv", "/opt", "/home")  # of mounts that nobody else sees
OWN = os.path.join(os.sep, "tmp")  # the program's own folder, within its root
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin")
SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives")  # of the loader, and of links in /usr
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
ADDRESS_FACTOR = 2  # address space is more than memory: libraries, stacks that nobody touches
US = 1_000_000

# Of the kernel's calls that the C library has no function for, by machine; 442 is one for all.
MOUNT_SETATTR, KEYCTL = 442, {"x86_64": 250, "aarch64": 219}
AT_FDCWD, AT_RECURSIVE, JOIN_SESSION_KEYRING = -100, 0x8000, 1

LIBC = ctypes.CDLL(None, use_errno=True)


class MountAttributes(ctypes.Structure):
    """`struct mount_attr` of <linux/mount.h>; its first flags are those of mount(2)."""

    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "namespace")
    )


def check(result: int, what: str) -> None:
    """Raise for a call of the C library that failed."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """As the call of the kernel."""
    parts = (source.encode(), target.encode(), kind.encode(), flags, data.encode())
    check(LIBC.mount(*parts[:3], ctypes.c_ulong(flags), parts[4]), f"mount {target}")


def write(path: str, text: str) -> None:
    """Put text into a file of the kernel."""
    with open(path, "w") as file:
        file.write(text)


def separate(plan: dict[str, Any]) -> None:
    """Make the namespaces; without rights of one's own, those of a new namespace of users."""
    user = plan["user"]
    if plan["way"] == "user namespace":
        if os.geteuid() == 0:
            become(user)
            check(LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl")  # else its files are root's
        outside = os.geteuid(), os.getegid()
        check(LIBC.unshare(CLONE_NEWUSER | SEPARATE), "unshare")
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"0 {outside[0]} 1")
        write("/proc/self/gid_map", f"0 {outside[1]} 1")
    else:
        check(LIBC.unshare(SEPARATE), "unshare")
    for name in ("shmall", "msgmni"):  # shared memory that is nobody's resident memory
        try:
            write(f"/proc/sys/kernel/{name}", "0")
        except OSError:
            continue  # an old kernel lets only the first namespace change it


def give_up_keys() -> None:
    """Have a keyring of one's own instead of the one of whoever started all this."""
    number = KEYCTL.get(os.uname().machine)
    if number is not None:  # a kernel without keyrings has none to give away
        LIBC.syscall(number, JOIN_SESSION_KEYRING, None)


def give_up_rights(plan: dict[str, Any]) -> None:
    """Be a user without rights, for good: whatever it starts gets none."""
    check(LIBC.prctl(PR_SET_SECUREBITS, NO_ROOT, 0, 0, 0), "securebits")
    for right in range(MOST_RIGHTS):
        if LIBC.prctl(PR_CAPBSET_DROP, right, 0, 0, 0) != 0:
            break  # there are no more
    if plan["way"] != "user namespace":
        become(plan["user"])
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def become(user: int) -> None:
    """Be another user, and in no group but its own."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def bind(root: str, path: str, flags: int = MS_RDONLY | MS_NODEV) -> None:
    """Show a file or folder of the machine in the new root, to be read only; links stay links."""
    target = f"{root}{path}"
    if os.path.lexists(target):
        return  # below a folder that is shown already
    os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.makedirs(target, 0o755, exist_ok=True)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    mount(path, target, "", MS_BIND | MS_REC)
    found = os.statvfs(target).f_flag
    kept = sum(flag for own, flag in KEPT_FLAGS.items() if found & own)
    mount("", target, "", MS_BIND | MS_REMOUNT | MS_NOSUID | flags | kept)
    below = MountAttributes(set=MS_NOSUID | flags)  # since Linux 5.12; before, the top alone
    words = (AT_FDCWD, target.encode(), AT_RECURSIVE, ctypes.byref(below), ctypes.sizeof(below))
    LIBC.syscall(MOUNT_SETATTR, *words)


def furnish(plan: dict[str, Any]) -> None:
    """Make the new root."""
    root = plan["root"] = next(
        point
        for point in POINTS
        if os.path.isdir(point) and not any(each.startswith(point + "/") for each in plan["shown"])
    )
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    sources = [path for path in (*SYSTEM, *SETTINGS) if os.path.lexists(path)]
    mount("confined", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=4096,mode=755")
    os.makedirs(f"{root}{OWN}", 0o700)
    user = 0 if plan["way"] == "user namespace" else plan["user"]
    size = f"size={plan['files_bytes']},nr_inodes=4096,mode=700,uid={user},gid={user}"
    mount("own", f"{root}{OWN}", "tmpfs", MS_NOSUID | MS_NODEV, size)
    for path in (*sources, *plan["shown"]):
        bind(root, path)
    for path in DEVICES:
        bind(root, path, 0)
    mount("", root, "", MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV)


def limit(plan: dict[str, Any]) -> None:
    """Have the kernel hold the limits of each process."""
    cpu_s = plan["cpu_s"]
    most = {
        resource.RLIMIT_CPU: (cpu_s, cpu_s + 1),
        resource.RLIMIT_AS: plan["memory_bytes"] * ADDRESS_FACTOR,
        resource.RLIMIT_FSIZE: max(plan["output_bytes"], plan["files_bytes"]) + 1,
        resource.RLIMIT_NOFILE: plan["open_files"],
        resource.RLIMIT_NPROC: plan["processes"] + plan["beside"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    there = sorted(os.sched_getaffinity(0))
    first = plan["parent_thread"] % len(there)  # not the same ones for all
    os.sched_setaffinity(0, (there[first:] + there[:first])[: plan["cores"]])
    for name, value in most.items():
        resource.setrlimit(name, value if isinstance(value, tuple) else (value, value))


def begin(plan: dict[str, Any], told: int) -> NoReturn:
    """Become the program; what cannot be done is told by way of `told`, and nothing was run."""
    try:
        os.chroot(plan["root"])
        os.chdir(OWN)
        os.setsid()
        for target, source in ((0, plan["data"]), (1, plan["output"]), (2, plan["errors"])):
            os.dup2(source, target)
        for number in range(1, signal.NSIG):
            if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        limit(plan)
        give_up_keys()
        give_up_rights(plan)
        os.umask(0o077)
        own = resource.getrusage(resource.RUSAGE_SELF)
        os.write(told, json.dumps({"before_us": to_us(own)}).encode() + b"\n")
        os.execve(plan["executable"], plan["argv"], {})  # noqa: S606 - of a list of its owner's
    except OSError as error:
        os.write(told, json.dumps({"failed": str(error)}).encode() + b"\n")
    os._exit(127)


def to_us(usage: resource.struct_rusage) -> int:
    """Processor time in microseconds."""
    return round((usage.ru_utime + usage.ru_stime) * US)


class Reaped:
    """What ended so far, and what the kernel counted for it with all that it had waited for."""

    def __init__(self) -> None:
        self.cpu_us = 0
        self.peak_bytes = 0
        self.statuses: dict[int, int] = {}

    def reap(self, program: int) -> bool:
        """Take what has ended; whether something is left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == program:
                self.statuses[pid] = status
            self.cpu_us += to_us(usage)
            self.peak_bytes = max(self.peak_bytes, usage.ru_maxrss * 1024)


def supervise(plan: dict[str, Any]) -> None:
    """Run the program and tell what became of it; this is the first process of its namespace."""
    if os.getpid() != 1:  # it kills all that it can see
        raise OSError("is not the first process of a namespace")
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    heard, told = os.pipe()
    program = os.fork()
    if program == 0:
        signal.set_wakeup_fd(-1)
        begin(plan, told)
    os.close(told)
    reaped = Reaped()
    while program not in reaped.statuses:
        ready, _, _ = select.select([woken, plan["control"]], [], [], 1.0)
        if woken in ready:
            os.read(woken, 512)
        if plan["control"] in ready:
            break
        reaped.reap(program)
    kill_all(reaped, program)
    facts = told_of(heard)
    report = {
        "status": reaped.statuses.get(program),
        "cpu_us": max(0, reaped.cpu_us - facts.get("before_us", 0)),
        "peak_bytes": reaped.peak_bytes,
        "failed": facts.get("failed", ""),
    }
    os.write(plan["report"], json.dumps(report).encode())


def kill_all(reaped: Reaped, program: int) -> None:
    """End whatever is left of the namespace, all at once, and reap it."""
    while True:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        if not reaped.reap(program):
            return
        select.select([], [], [], 0.002)


def told_of(heard: int) -> dict[str, Any]:
    """What the child said before it became the program."""
    facts: dict[str, Any] = {}
    for line in os.read(heard, 65536).splitlines():
        facts |= json.loads(line)
    return facts


def main() -> None:
    """Read the plan and carry it out."""
    with open(int(sys.argv[1]), "rb") as file:
        plan = json.load(file)
    check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != plan["parent"]:
        return
    for name in ("data", "output", "errors", "executable", "control", "report"):
        os.set_inheritable(plan[name], False)
    try:
        separate(plan)
        # The first process of the new namespace; with it the kernel ends all others.
        first = os.fork()
        if first == 0:
            check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
            furnish(plan)
            supervise(plan)
            os._exit(0)
        os.waitpid(first, 0)
    except OSError as error:
        os.write(plan["report"], json.dumps({"failed": str(error)}).encode())
        os._exit(1)


if __name__ == "__main__":
    main()
