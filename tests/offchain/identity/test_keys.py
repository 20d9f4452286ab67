"""Keys are made once, kept from others, and never shown."""

from __future__ import annotations

import copy
import io
import multiprocessing
import os
import pickle
import traceback
from pathlib import Path

import pytest

from edgemark.errors import Unrecoverable
from edgemark.identity.keys import ACCOUNT_FILE, TLS_FILE, KeyStore
from edgemark.logs import configure_logs, get_logger

FILES = (ACCOUNT_FILE, TLS_FILE)


def test_open__the_first_time__makes_keys_for_the_owner_only(tmp_path: Path) -> None:
    KeyStore.open(tmp_path / "home" / "keys")
    folder = tmp_path / "home" / "keys"
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {ACCOUNT_FILE: 0o600, TLS_FILE: 0o600}


def test_open__under_a_careless_umask__makes_keys_for_the_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        KeyStore.open(tmp_path / "keys")
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o077 for path in [tmp_path / "keys", *tmp_path.rglob("*.*")]}
    assert modes == {0}


def test_open__again__gives_the_same_keys(tmp_path: Path) -> None:
    first, second = KeyStore.open(tmp_path / "keys"), KeyStore.open(tmp_path / "keys")
    assert first.account.address == second.account.address
    assert first.tls.pin == second.tls.pin


def test_open__in_two_folders__gives_different_keys(tmp_path: Path) -> None:
    one, other = KeyStore.open(tmp_path / "one"), KeyStore.open(tmp_path / "other")
    assert one.account.address != other.account.address
    assert one.tls.pin != other.tls.pin


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_open__of_a_key_that_others_can_open__is_refused(
    tmp_path: Path, name: str, mode: int
) -> None:
    KeyStore.open(tmp_path / "keys")
    (tmp_path / "keys" / name).chmod(mode)
    with pytest.raises(Unrecoverable, match=name) as caught:
        KeyStore.open(tmp_path / "keys")
    assert caught.value.had == oct(mode)


def test_open__of_a_folder_that_others_can_enter__is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir(mode=0o755)
    with pytest.raises(Unrecoverable):
        KeyStore.open(tmp_path / "keys")


def test_open__of_a_folder_that_is_a_link__is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "keys").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unrecoverable):
        KeyStore.open(tmp_path / "keys")


@pytest.mark.parametrize("name", FILES)
def test_open__of_a_key_that_is_a_link__is_refused(tmp_path: Path, name: str) -> None:
    KeyStore.open(tmp_path / "keys")
    path = tmp_path / "keys" / name
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    with pytest.raises(Unrecoverable):
        KeyStore.open(tmp_path / "keys")


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"ab", b"00" * 32, b"ff" * 32, b"12" * 31, b"12" * 33, b"\xff\xfe", b"zz" * 32],
    ids=["empty", "line", "short", "zero", "above n", "31", "33", "binary", "no hex"],
)
def test_open__of_a_damaged_account__names_the_file_and_not_its_words(
    tmp_path: Path, content: bytes
) -> None:
    KeyStore.open(tmp_path / "keys")
    (tmp_path / "keys" / ACCOUNT_FILE).write_bytes(content)
    with pytest.raises(Unrecoverable, match=ACCOUNT_FILE) as caught:
        KeyStore.open(tmp_path / "keys")
    told = "".join(traceback.format_exception(caught.value, chain=True))
    assert len(content) < 10 or content.decode("latin-1") not in told
    assert (tmp_path / "keys" / ACCOUNT_FILE).read_bytes() == content


def test_f9_open__an_account_with_one_digit_changed__is_refused(tmp_path: Path) -> None:
    address = KeyStore.open(tmp_path / "keys").account.address
    path = tmp_path / "keys" / ACCOUNT_FILE
    written = path.read_text()
    assert written.splitlines()[1] == address
    for place in (0, 31, 63, 70):
        other = "1" if written[place] != "1" else "2"
        path.write_text(written[:place] + other + written[place + 1 :])
        with pytest.raises(Unrecoverable, match=r"was changed|holds no account key"):
            KeyStore.open(tmp_path / "keys")


def test_r29_open__without_the_accounts_key_that_was_there__makes_none(tmp_path: Path) -> None:
    KeyStore.open(tmp_path / "keys")
    path = tmp_path / "keys" / ACCOUNT_FILE
    path.unlink()
    with pytest.raises(Unrecoverable, match=r"is missing.*Restore it from a copy"):
        KeyStore.open(tmp_path / "keys")
    assert not path.exists()


def test_open__after_the_first_start_was_killed__makes_the_tls_key(tmp_path: Path) -> None:
    made = KeyStore.open(tmp_path / "keys").account
    (tmp_path / "keys" / TLS_FILE).unlink()
    assert KeyStore.open(tmp_path / "keys").account == made


def test_open__an_account_of_before__has_its_key_alone(tmp_path: Path) -> None:
    made = KeyStore.open(tmp_path / "keys").account
    path = tmp_path / "keys" / ACCOUNT_FILE
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert KeyStore.open(tmp_path / "keys").account == made


def test_open__of_a_damaged_tls_key__names_the_file_and_leaves_it(tmp_path: Path) -> None:
    KeyStore.open(tmp_path / "keys")
    (tmp_path / "keys" / TLS_FILE).write_bytes(b"half a key")
    with pytest.raises(Unrecoverable, match=TLS_FILE):
        KeyStore.open(tmp_path / "keys")
    assert (tmp_path / "keys" / TLS_FILE).read_bytes() == b"half a key"


def _open_at_once(folder: Path, barrier: object, found: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    keys = KeyStore.open(folder)
    found.put((keys.account.address, keys.tls.pin))  # type: ignore[attr-defined]


@pytest.mark.processes
def test_open__by_processes_at_the_same_time__gives_all_the_same_keys(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(4), context.Queue()
    racers = [
        context.Process(target=_open_at_once, args=(tmp_path / "keys", barrier, found))
        for _ in range(4)
    ]
    for racer in racers:
        racer.start()
    seen = {found.get(timeout=60) for _ in racers}
    for racer in racers:
        racer.join()
    kept = KeyStore.open(tmp_path / "keys")
    assert seen == {(kept.account.address, kept.tls.pin)}
    assert sorted(path.name for path in (tmp_path / "keys").glob("[!.]*")) == sorted(FILES)


def test_a61_keys__appear_in_no_text(tmp_path: Path) -> None:
    keys = KeyStore.open(tmp_path / "keys")
    secret = keys.account.reveal()
    log = io.StringIO()
    configure_logs("debug", log)
    get_logger("keys").info("opened", keys=keys, account=keys.account, nested={"all": [keys]})
    texts = [repr(keys), str(keys), f"{keys.account}", log.getvalue(), repr(vars(keys))]
    for form in (secret.hex(), str(int.from_bytes(secret, "big")), repr(secret), "PRIVATE KEY"):
        assert all(form not in text for text in texts)


@pytest.mark.parametrize("copying", [pickle.dumps, copy.deepcopy])
def test_a61_keys__are_not_copied(tmp_path: Path, copying: object) -> None:
    keys = KeyStore.open(tmp_path / "keys")
    with pytest.raises(Exception) as caught:
        copying(keys)  # type: ignore[operator]
    assert keys.account.reveal().hex() not in str(caught.value)
