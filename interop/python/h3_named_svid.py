"""Gives an SVID a host name beside its identity, as an issuer of one's own may: some HTTP/3 clients won't do without.

h3_named_svid.py AUTHORITY_DIRECTORY SVID HOST: rewrites the SVID in its place.
"""

import datetime
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization


def read(file):
    with open(file, "rb") as opened:
        text = opened.read()
    return serialization.load_pem_private_key(text, None), x509.load_pem_x509_certificates(text)


def main(authority, file, host):
    issuer_key, [issuer, *_] = read(f"{authority}/intermediate.pem")
    key, [leaf, *chain] = read(file)
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
    )
    for extension in leaf.extensions:
        value = extension.value
        if isinstance(value, x509.SubjectAlternativeName):
            value = x509.SubjectAlternativeName([*value, x509.DNSName(host)])
        builder = builder.add_extension(value, extension.critical)
    named = builder.sign(issuer_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with open(file, "wb") as out:
        out.write(private + b"".join(each.public_bytes(pem) for each in [named, *chain]))


if __name__ == "__main__":
    main(*sys.argv[1:])
