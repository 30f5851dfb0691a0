"""The public keys that tokens are verified with: which of them serve, and for which algorithms.

It imports what it needs in its functions: every process and command reads settings, and few
installations have such a key.
"""

from typing import Any

LEAST_RSA_BITS = 2_048
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


def read_public_key(pem: str) -> Any:
    """Return the public key. Raises ValueError where it is none, or none to verify tokens with."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(
            "is no public key in PEM; it starts with -----BEGIN PUBLIC KEY-----"
        ) from None
    algorithms_of(key)
    return key


def algorithms_of(key: object) -> frozenset[str]:
    """Return the algorithms of tokens that a public key can verify: those of its own type.

    Raises ValueError where there are none, or it is too short to be safe.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if isinstance(key, RSAPublicKey):
        if key.key_size < LEAST_RSA_BITS:
            raise ValueError(
                f"is an RSA key of {key.key_size:,} bits; it needs at least {LEAST_RSA_BITS:,}"
            )
        return frozenset(RSA)
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in CURVES:
        return frozenset({CURVES[key.curve.name]})
    if isinstance(key, Ed25519PublicKey | Ed448PublicKey):
        return frozenset({"EdDSA"})
    raise ValueError(
        "is of a type that verifies no tokens; give one of RSA, Ed25519, or EC on P-256, P-384"
        " or P-521"
    )
