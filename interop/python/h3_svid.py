"""What a stranger does with an SVID: shows its own, and believes the other's by the trust domain's root alone."""

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

import ssl


def configuration(svid, is_client):
    settings = QuicConfiguration(
        is_client=is_client,
        alpn_protocols=["h3"],
        max_datagram_frame_size=65536,
        # SVIDs hold no host name, so what TLS libraries check by default is checked in `proven` instead.
        verify_mode=ssl.CERT_NONE,
    )
    settings.load_cert_chain(svid, svid)
    return settings


def proven(connection: QuicConnection, root_file: str) -> str:
    """The SPIFFE ID that the other end has proven."""
    with open(root_file, "rb") as file:
        store = Store(x509.load_pem_x509_certificates(file.read()))
    leaf = connection.tls._peer_certificate
    if leaf is None:
        raise AssertionError("the other end showed no certificate")
    verifier = PolicyBuilder().store(store).build_client_verifier()
    verified = verifier.verify(leaf, connection.tls._peer_certificate_chain)
    [name] = verified.subjects
    return name.value
