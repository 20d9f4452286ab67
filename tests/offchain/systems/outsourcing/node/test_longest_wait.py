"""A job that never starts pays nothing: a node keeps no stake and no place for it for long."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.end_to_end.outsourcing import small_job
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.station.test_f6_functions import make_node, offer

from edgemark.cli.outsourcing.ordering import submit
from edgemark.systems.outsourcing.demo.play import WISH
from edgemark.systems.outsourcing.node.accepting import Accepting
from edgemark.systems.outsourcing.node.admission import OfferRefused
from edgemark.systems.outsourcing.protocol.messages import Offer
from edgemark.systems.outsourcing.settings import NodeSettings
from edgemark.systems.outsourcing.station.station import FUNCTION_NEEDED

ORDER = cast.small_order()
ACCEPT_BY = ORDER.terms.accept_by
LONGEST_S = 3600


def ask(folder: Path, left_s: int, kind: type[Accepting] = Accepting) -> bytes:
    """What a node answers to an offer so many seconds before `accept_by`."""
    node = make_node(folder, ORDER, accept_s=LONGEST_S)
    node.station.clock = lambda: ACCEPT_BY - left_s
    node._accepting.__class__ = kind
    return offer(node, ORDER)


class PlantedAccepting(Accepting):
    """As it was: any job that can still start was waited for."""

    def _check_waiting(self, offer: Offer) -> None:
        if self._station.clock() > offer.terms.accept_by:
            raise OfferRefused("offer is over", who="offer")


@pytest.mark.parametrize("left_s", [0, 1, LONGEST_S])
def test_an_offer__that_starts_in_time_or_never__is_taken(tmp_path: Path, left_s: int) -> None:
    assert ask(tmp_path, left_s) == FUNCTION_NEEDED


@pytest.mark.parametrize("left_s", [LONGEST_S + 1, 86_400])
def test_an_offer__that_may_not_start_for_longer__is_refused_with_both_numbers(
    tmp_path: Path, left_s: int
) -> None:
    with pytest.raises(OfferRefused) as refused:
        ask(tmp_path, left_s)
    assert refused.value.had == f"{left_s} s until accept_by"
    assert refused.value.needed == f"<= outsourcing.node.max_accept_s = {LONGEST_S} s"
    assert ask(tmp_path, left_s, PlantedAccepting) == FUNCTION_NEEDED


def test_an_offer__a_second_too_late__is_over(tmp_path: Path) -> None:
    with pytest.raises(OfferRefused, match="offer is over"):
        ask(tmp_path, -1)


def test_what_devices_ask_for_unasked__fits_what_nodes_take_unasked() -> None:
    (unasked,) = (one.default for one in submit.params if one.name == "accept_s")
    assert isinstance(unasked, int)
    for accept_s in (unasked, WISH.accept_s, small_job.WISH.accept_s, cast.WISH.accept_s):
        assert accept_s <= NodeSettings.max_accept_s
