"""GET /1.0/identifiers/DID and /healthz: identities of several chains over HTTP.

Law 1: whoever asks costs one look at an index; a chain is asked by the followers, and for the time
       of a block that is named by its number, never for a history.
Law 2: of a chain that was not seen for half a minute nothing is told: it might be a key that its
       owner has taken away since.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from edgemark.errors import EdgemarkError, Overloaded
from edgemark.identity.did.history import Resolution
from edgemark.identity.did.identifier import parse_did_url
from edgemark.ledger.evm.faults import IndexBusy, IndexMissing, IndexOfAnother
from edgemark.logs import get_logger
from edgemark.resolver.following import FollowedChain
from edgemark.resolver.representations import (
    WHOLE,
    choose_form,
    status_of_result,
    write_result,
)
from edgemark.resolver.results import CODES, DidNotFound, HistoryTooLong, as_failure, as_result
from edgemark.transport.serving.routes import Request, Response, Route

PATH = "/1.0/identifiers/{did:.+}"
TOLD: tuple[type[EdgemarkError], ...] = (
    *CODES,
    HistoryTooLong,
)  # refusals whose words are about the question alone


class ResolverFace:
    """The faces of a resolver.

    Args:
        chains: each with its index; of two of one id the first counts.
    """

    def __init__(self, chains: Sequence[FollowedChain]) -> None:
        self._chains = {each.chain_id: each for each in reversed(chains)}
        self._log = get_logger("resolver")

    def routes(self) -> list[Route]:
        """What it serves; none of it takes a body."""
        faces = ((PATH, self.tell_identity), ("/healthz", self.tell_health))
        return [
            Route(method, path, handler, 0) for path, handler in faces for method in ("GET", "HEAD")
        ]

    def tell_identity(self, request: Request) -> Response:
        """The document of a DID, in the form that is asked for.

        Raises:
            Overloaded: the index cannot be read now.
            LedgerUnavailable: the chain does not answer.
        """
        text = request.params["did"] + (f"?{request.query}" if request.query else "")
        form = WHOLE
        try:
            form = choose_form(request.accept)
            result = as_result(self._resolve(text))
        except TOLD as error:
            result = as_failure(error)
        except (IndexMissing, IndexBusy, IndexOfAnother) as error:
            self._log.warning("index cannot be read", error=error)
            raise Overloaded(
                "index is not there", who="resolver", remedy="Try again later."
            ) from error
        content_type, body = write_result(result, form)
        return Response(status_of_result(result), body, content_type)

    def tell_health(self, request: Request) -> Response:  # noqa: ARG002 - same for everybody
        """Whether every chain answers, and how far each index is; 503 when something is wrong."""
        now = time.monotonic()
        faults = [fault for each in self._chains.values() for fault in each.faults(now)]
        chains = {f"{id_:#x}": _standing_of(each) for id_, each in self._chains.items()}
        facts = {"healthy": not faults, "faults": faults, "chains": chains}
        return Response(503 if faults else 200, json.dumps(facts).encode(), "application/json")

    def _resolve(self, text: str) -> Resolution:
        url = parse_did_url(text)
        followed = self._chains.get(url.did.chain_id)
        if followed is None:
            raise DidNotFound(
                "is on a chain that is not known here",
                who="DID",
                had=f"chain id {url.did.chain_id}",
                needed=" or ".join(f"chain id {id_}" for id_ in self._chains),
                remedy="Ask a resolver of that chain.",
            )
        followed.check_current()
        with followed.resolving() as resolver:
            return resolver.resolve(url)


def _standing_of(followed: FollowedChain) -> dict[str, int] | None:
    standing = followed.standing
    if standing is None:
        return None
    return {
        "indexed": standing.indexed,
        "head": standing.head,
        "lag_blocks": standing.lag_blocks,
        "lag_seconds": standing.lag_s,
    }
