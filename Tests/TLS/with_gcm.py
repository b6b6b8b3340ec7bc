"""Runs a script of tlsfuzzer's that offers what was usual once, offering what is usual now in its place:

    with_gcm.py SCRIPT ARGUMENT …

Ciphers with CBC and RSA or DHE become ECDHE with AES-GCM; a ClientHello gets the extensions that go with it
where it has none of them, groups and signatures with SHA-256; and the server's half of the key exchange is
expected. Most scripts are about something else. A server that speaks forward secrecy and authenticated
encryption alone can be asked the same questions like this.
"""

import functools
import pathlib
import runpy
import sys

from tlslite.constants import CipherSuite, ExtensionType, GroupName, SignatureScheme
from tlslite.extensions import SignatureAlgorithmsExtension, SupportedGroupsExtension
from tlsfuzzer.expect import (
    ExpectCertificate, ExpectCertificateRequest, ExpectServerHelloDone, ExpectServerKeyExchange)
from tlsfuzzer.messages import ClientHelloGenerator
from tlsfuzzer.tree import TreeNode

RSA_GCM = CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
ECDSA_GCM = CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
GROUPS = [GroupName.x25519, GroupName.secp256r1]
SIGNATURES = [
    SignatureScheme.rsa_pss_rsae_sha256, SignatureScheme.rsa_pkcs1_sha256,
    SignatureScheme.ecdsa_secp256r1_sha256]

for name in list(vars(CipherSuite)):
    if name.startswith(("TLS_RSA_WITH_", "TLS_DHE_RSA_WITH_", "TLS_ECDHE_RSA_WITH_")) and "_AES_" in name and (
            "_CBC_" in name):
        setattr(CipherSuite, name, RSA_GCM)
    elif name.startswith("TLS_ECDHE_ECDSA_WITH_AES_") and "_CBC_" in name:
        setattr(CipherSuite, name, ECDSA_GCM)

plain_init = ClientHelloGenerator.__init__


@functools.wraps(plain_init)
def init(self, ciphers=None, extensions=None, *arguments, **more):
    offers_ours = (set(CipherSuite.ecdheCertSuites) | set(CipherSuite.ecdheEcdsaSuites)) & set(ciphers or [])
    if offers_ours and ExtensionType.supported_versions not in (extensions or {}):
        extensions = dict(extensions or {})
        extensions.setdefault(ExtensionType.supported_groups, SupportedGroupsExtension().create(GROUPS))
        extensions.setdefault(
            ExtensionType.signature_algorithms, SignatureAlgorithmsExtension().create(SIGNATURES))
    plain_init(self, ciphers, extensions, *arguments, **more)


def add_child(self, child):
    node = self
    if isinstance(child, (ExpectServerHelloDone, ExpectCertificateRequest)):
        node = TreeNode.add_child(self, ExpectServerKeyExchange())
    return TreeNode.add_child(node, child)


ClientHelloGenerator.__init__ = init
ExpectCertificate.add_child = add_child

sys.argv = sys.argv[1:]
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")
