"""R16: a secret that is mounted as a link is refused with a remedy that is of use to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemark.errors import Unrecoverable
from edgemark.files import check_private
from edgemark.identity.keyfile import OWN_COPY


def test_a_link_to_a_secret__is_refused_with_a_copy_as_remedy(tmp_path: Path) -> None:
    secret, link = tmp_path / "secret", tmp_path / "link"
    secret.touch(mode=0o600)
    link.symlink_to(secret)
    check_private(secret, OWN_COPY)
    with pytest.raises(Unrecoverable) as refused:
        check_private(link, OWN_COPY)
    assert (refused.value.had, refused.value.remedy) == ("a link", OWN_COPY)
    with pytest.raises(Unrecoverable, match="another home folder"):
        check_private(link)
