"""A TLS context that looks at the server's key within the handshake, for a library that connects.

The library sends name and password right after the handshake, so nobody could look in between.
"""

from __future__ import annotations

import ssl

from edgemark.transport.asking.deadline import client_context
from edgemark.transport.tls import check_pin


def pinned_context(pin: bytes, who: str) -> ssl.SSLContext:
    """TLS 1.3 with a server that shows this key, and with no other.

    Args:
        pin: see `tls`.
        who: the server, for the error. `WrongCertificate` comes out of the handshake.
    """

    class PinnedSocket(ssl.SSLSocket):
        """Ends with its handshake when the key is another."""

        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            try:
                check_pin(self.getpeercert(binary_form=True), pin, who)
            except BaseException:
                self.close()
                raise

    context = client_context()
    context.sslsocket_class = PinnedSocket
    return context
