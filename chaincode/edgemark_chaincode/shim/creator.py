"""Who signed the proposal: organisation, role and attributes of the certificate.

The peer has checked the signature and that the organisation's CA issued the certificate; here it
is only read, and read alike on every endorser.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from edgemark_chaincode.shim.faults import CallRefused

ATTRIBUTES = ObjectIdentifier("1.2.3.4.5.6.7.8.1")  # of Fabric CA: {"attrs": {name: value}}
MAX_CERTIFICATE_BYTES = 16 * 1024


@dataclass(frozen=True)
class ClientIdentity:
    """The creator of a call.

    Attributes:
        msp_id: organisation.
        certificate_pem: as it was sent; PEM around a certificate may differ, the DER may not.
    """

    msp_id: str
    certificate_pem: bytes = field(repr=False)

    @cached_property
    def certificate(self) -> x509.Certificate:
        """The certificate.

        Raises:
            CallRefused: it cannot be read.
        """
        if len(self.certificate_pem) > MAX_CERTIFICATE_BYTES:
            size = f"{len(self.certificate_pem)} bytes"
            raise self._refuse("is too large", size, f"<= {MAX_CERTIFICATE_BYTES} bytes")
        try:
            certificate = x509.load_pem_x509_certificate(self.certificate_pem)
            for each in (certificate.subject, certificate.extensions):
                list(each)  # each is parsed when it is asked for
        except Exception as fault:  # a stranger's bytes, and a parser's own errors
            raise self._refuse("cannot be read", None, "PEM of a certificate") from fault
        return certificate

    @cached_property
    def der(self) -> bytes:
        """The certificate without what PEM adds: with `msp_id` it tells all members apart."""
        return self.certificate.public_bytes(Encoding.DER)

    @cached_property
    def units(self) -> tuple[str, ...]:
        """Organisational units of the subject; one is the role: client, peer, admin, orderer."""
        found = self.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        return tuple(str(unit.value) for unit in found)

    @cached_property
    def attributes(self) -> Mapping[str, str]:
        """Attributes of the certificate; none when it has no extension for them.

        Raises:
            CallRefused: the extension is there and cannot be read.
        """
        try:
            found = self.certificate.extensions.get_extension_for_oid(ATTRIBUTES).value
            raw = found.value if isinstance(found, x509.UnrecognizedExtension) else b""
            attributes = json.loads(raw)["attrs"]
            if not all(isinstance(value, str) for value in attributes.values()):
                raise TypeError
        except x509.ExtensionNotFound:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
            raise self._refuse("has attributes that cannot be read", None, None) from fault
        return dict(attributes)

    def check_attribute(self, name: str, value: str | None = None) -> None:
        """Raise when the certificate has not this attribute.

        Args:
            name: of the attribute.
            value: that it must have; None for any.

        Raises:
            CallRefused: it is not there, or has another value.
        """
        had = self.attributes.get(name)
        if had is None or (value is not None and had != value):
            needed = f"attribute {name}" + ("" if value is None else f" = {value}")
            raise self._refuse("has not the attribute", had, needed)

    def check_unit(self, unit: str) -> None:
        """Raise when the certificate has not this role.

        Raises:
            CallRefused: it has another.
        """
        if unit not in self.units:
            raise self._refuse("has another role", ", ".join(self.units), unit)

    def _refuse(self, what: str, had: str | None, needed: str | None) -> CallRefused:
        return CallRefused(what, who=f"certificate of {self.msp_id[:64]}", had=had, needed=needed)
