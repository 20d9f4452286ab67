"""A server of this system: whoever offers it work gives it the function too."""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.identifiers import parse_hash32
from edgemark.party.server import PartyServer
from edgemark.party.station import TAKEN
from edgemark.systems.outsourcing.limits import MAX_FUNCTION_BYTES
from edgemark.systems.outsourcing.station import OutsourcingStation
from edgemark.transport.server import Request, Response, Route


class OutsourcingServer(PartyServer[OutsourcingStation]):
    """A node or a judge: takes the functions that it asked for."""

    def routes(self) -> Sequence[Route]:
        """Functions; subclasses add theirs."""
        return [Route("PUT", "/v1/functions/{hash}", self._take_function, MAX_FUNCTION_BYTES)]

    def _take_function(self, request: Request) -> Response:
        function_hash = parse_hash32(request.params["hash"], who="function")
        self.station.functions.put(function_hash, request.body)
        return Response(body=TAKEN)
