"""Files that must never be half written, or readable by others."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from shlex import quote

from edgemark.errors import RefusedInput, Unrecoverable

OWNER_ONLY_FILE = 0o600
OWNER_ONLY_FOLDER = 0o700
OTHERS = 0o077
LOOK_S = 0.02  # far longer than a look at who holds a lock
UNFINISHED = ".part"  # how the name of a file ends that has not got its own yet


class FileInUse(RefusedInput):
    """Another process, or another part of this one, holds the file; `had` names it."""


def expand_home(path: Path | str, *, who: object) -> Path:
    """The path with its `~` replaced by the home folder.

    Raises:
        RefusedInput: there is none: no HOME, and no such user, as containers have it; or HOME says
            nothing, or another folder wherever one stands.
    """
    told = os.environ.get("HOME")
    if str(path).startswith("~/") and told is not None and not Path(told).is_absolute():
        raise RefusedInput(
            "begins in a home folder that nobody knows",
            who=who,
            had=f"HOME={told!r}",
            needed="HOME with a whole path, or a path without ~",
            remedy="Name a folder, `--home FOLDER`.",
        )
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise RefusedInput(
            "begins in a home folder that nobody knows",
            who=who,
            had=path,
            needed="HOME in the environment, or a path without ~",
            remedy="Name a folder, `--home FOLDER`.",
        ) from None


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, as fsync on a file does not."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        raise _named(error, folder) from None
    finally:
        os.close(handle)


def read_limited(path: Path, most: int, refusal: type[RefusedInput] = RefusedInput) -> bytes:
    """A file of at most `most` bytes; no more is read of whatever it is: a device has no end.

    Raises:
        RefusedInput: of that kind; not there, not readable or too large.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise refusal("cannot be read", who=path, had=error.strerror) from error
    if len(raw) > most:
        raise refusal("is too large", who=path, needed=f"<= {most} bytes")
    return raw


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Put `content` at `path`, all of it or nothing, durably, with these permissions.

    A link is followed, and a device or pipe is written to as it stands: who names `/dev/stdout` or
    `/dev/null` does not mean them to be replaced by a file.
    """
    write_parts(path, (content,), mode=mode)


def write_parts(path: Path, parts: Iterable[bytes], *, mode: int = 0o644) -> None:
    """Like `write_whole`, of content that is never in memory as a whole."""
    if path.exists() and not path.is_file() and not path.is_dir():
        try:
            with path.open("wb") as file:
                file.writelines(parts)
        except OSError as error:
            raise _named(error, path) from None
        return
    _write_beside(path.resolve() if path.is_symlink() else path, parts, mode, os.replace)


def write_new(path: Path, content: bytes, *, mode: int = 0o644) -> bool:
    """Like `write_whole`, but leave a file that is there already; False when there is one."""
    try:
        _write_beside(path, (content,), mode, os.link)
    except FileExistsError:
        return False
    return True


def _write_beside(
    path: Path, parts: Iterable[bytes], mode: int, put: Callable[[str, Path], None]
) -> None:
    """Write a temporary file and let `put` give it its name; it is held until it has it."""
    try:
        handle, name = _make_unfinished(path)
    except OSError as error:
        raise _named(error, path) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
            put(name, path)
    except OSError as error:
        raise _named(error, path) from None
    finally:
        with contextlib.suppress(FileNotFoundError):  # a replacing `put` took it
            os.unlink(name)
    sync_folder(path.parent)


def _make_unfinished(path: Path) -> tuple[int, str]:
    """A file beside `path`, held, so that nobody takes it for a dead process's."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_nlink:
                return handle, name
        os.close(handle)  # taken for a dead process's before it was held


def remove_unfinished(folder: Path) -> None:
    """Remove what processes were writing into a folder when they were killed."""
    for path in folder.glob(f".*{UNFINISHED}"):
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue  # gone, or not one of ours
        try:
            with contextlib.suppress(OSError):  # somebody is writing it
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
        finally:
            os.close(handle)


def _named(error: OSError, path: Path) -> OSError:
    """The same fault, of the name that the caller knows instead of the temporary one."""
    if error.errno is None:
        return error
    return OSError(error.errno, error.strerror, str(path))


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter, or check that it is one; tidy it.

    Raises:
        Unrecoverable: it exists and others can enter it, or it is not ours.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=OWNER_ONLY_FOLDER)
    check_private(folder)
    remove_unfinished(folder)


def make_secret_folder(folder: Path) -> None:
    """Like `make_private_folder`, for what must not go into a commit of somebody's checkout.

    What is made here tells git to leave it alone, with the folder around it if that is new as well:
    a home around its keys.
    """
    place = folder.resolve()  # `new/..` is there before `new` is
    made = [each for each in (place.parent, place) if not each.exists()]
    make_private_folder(folder)
    if made:
        with contextlib.suppress(OSError):  # what matters says so itself, when there is no room
            write_new(made[0] / ".gitignore", b"*\n", mode=OWNER_ONLY_FILE)


def check_private(path: Path, remedy: str = "Use another home folder.") -> None:
    """Refuse a file or folder that others can open, or that belongs to somebody else.

    Args:
        path: of it.
        remedy: what to do about one that is a link or somebody else's.

    Raises:
        Unrecoverable: with the permissions that were found.
    """
    found = path.lstat()
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
        raise Unrecoverable(
            "is not our own",
            who=path,
            had="a link" if stat.S_ISLNK(found.st_mode) else f"owner {found.st_uid}",
            needed=f"owner {os.geteuid()}",
            remedy=remedy,
        )
    if mode & OTHERS:
        wanted = OWNER_ONLY_FOLDER if stat.S_ISDIR(found.st_mode) else OWNER_ONLY_FILE
        raise Unrecoverable(
            "others can open it",
            who=path,
            had=oct(mode),
            needed=oct(wanted),
            remedy=f"If nobody has: chmod {wanted:o} {quote(str(path))}; otherwise make new keys.",
        )


def open_own(path: Path) -> int:
    """Open a file that only its owner can read, or make it; answers its handle.

    Raises:
        Unrecoverable: the folder or the file does not allow it.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, OWNER_ONLY_FILE)
    except OSError as error:
        raise Unrecoverable(
            "cannot be opened",
            who=path,
            had=error.strerror,
            needed="a file of our own in a folder of our own",
            remedy="Make the folder, or use another home folder.",
        ) from error


def find_holder(path: Path) -> str:
    """Number of the process that holds `<path>.lock`; empty when none does. Writes nothing."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        lock = os.open(path.with_name(path.name + ".lock"), flags)
    except OSError:
        return ""  # nobody ever held it, or it is not ours to look at
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_holder(lock)
    finally:
        os.close(lock)
    return ""


def _read_holder(lock: int) -> str:
    return os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Be the only one meanwhile who changes files of this folder so; waits, and leaves nothing.

    Raises:
        OSError: there is no such folder.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def hold_lock(path: Path) -> int:
    """Hold `<path>.lock` until its handle, which is answered, is closed or the process ends.

    Raises:
        FileInUse: somebody else holds it.
        Unrecoverable: see `open_own`.
    """
    return take_lock(path)[0]


def take_lock(path: Path) -> tuple[int, str]:
    """As `hold_lock`, and the number of the last holder; empty after one that did `let_go`.

    Raises:
        FileInUse, Unrecoverable: as `hold_lock`.
    """
    lock = open_own(path.with_name(path.name + ".lock"))
    try:
        _lock_now(lock)
    except BlockingIOError as error:
        holder = _read_holder(lock)
        os.close(lock)
        raise FileInUse(
            "is in use",
            who=path,
            had=f"process {holder}",
            needed="one process at a time",
            remedy="Wait until that process ends, or stop it if it is a server; `show`, "
            "`status` and `doctor` look meanwhile.",
        ) from error
    last = ""
    # The number only names the holder in an error: a full disk must not keep anyone from opening.
    with contextlib.suppress(OSError):
        last = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock, last


def let_go(lock: int) -> None:
    """Give a lock back, and leave word that nothing was left undone."""
    with contextlib.suppress(OSError):
        os.ftruncate(lock, 0)
    os.close(lock)


def _lock_now(lock: int) -> None:
    """Hold a lock, or raise; who only looks (`find_holder`) is gone in a moment."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(LOOK_S)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
