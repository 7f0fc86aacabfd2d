"""The unit's electronic seal on a PDF (PAdES), if it has a certificate: no byte can then be changed unnoticed.

A seal proves that the file is unchanged. It proves who the unit is only as far as a reader trusts the issuer of the
certificate. The register's own proof depends on neither.
"""

import logging
from io import BytesIO

from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from django.conf import settings
from django.utils import timezone

from vru_portal.environment import Seal

SEAL_FIELD = "Seal"
SEAL_FIELD_LABEL = "Seal: the integrity of this file is verifiable"

logger = logging.getLogger(__name__)


def seal_if_configured(pdf: bytes) -> bytes:
    """Seal a PDF; return it unchanged if no certificate is configured, or if it is not valid today."""
    seal: Seal | None = settings.SEAL
    if seal is None:
        return pdf
    if not seal.certificate.not_valid_before_utc <= timezone.now() <= seal.certificate.not_valid_after_utc:
        logger.warning("A receipt was sent without a seal: the certificate in SEAL_CERTIFICATE is not valid today.")
        return pdf
    return seal_pdf(pdf, seal)


def seal_pdf(pdf: bytes, seal: Seal) -> bytes:
    """Add an invisible seal that allows no later changes.

    pyHanko is an optional dependency that takes a second to import, so it is imported only here.
    """
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import PdfSignatureMetadata, SimpleSigner, sign_pdf
    from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter

    bundle = serialize_key_and_certificates(None, seal.key, seal.certificate, seal.chain, NoEncryption())
    signer = SimpleSigner.load_pkcs12_data(bundle, other_certs=())
    metadata = PdfSignatureMetadata(
        field_name=SEAL_FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    field = SigFieldSpec(SEAL_FIELD, readable_field_name=SEAL_FIELD_LABEL)
    sealed = sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)), metadata, signer, new_field_spec=field)
    return sealed.getvalue()
