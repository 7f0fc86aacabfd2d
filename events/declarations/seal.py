"""The unit's seal on a PDF (PAdES), where it has a certificate: from then on no byte can change unnoticed.

It makes the file's integrity verifiable. Who the unit is, a reader believes as far as they believe whoever gave out
the certificate; the register's own proof needs neither.
"""

import logging
from io import BytesIO

from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from django.conf import settings
from django.utils import timezone

from vru_portal.environment import Seal

NAME = "Seal"
READABLE_NAME = "Seal: the integrity of this file is verifiable"

logger = logging.getLogger(__name__)


def sealed(paper: bytes) -> bytes:
    """Return a PDF with the unit's seal; as it is where no certificate is configured, or its time is over."""
    seal: Seal | None = settings.SEAL
    if seal is None:
        return paper
    if not seal.certificate.not_valid_before_utc <= timezone.now() <= seal.certificate.not_valid_after_utc:
        logger.warning("A receipt left without its seal: the certificate of SEAL_CERTIFICATE is not valid today.")
        return paper
    return with_seal(paper, seal)


def with_seal(paper: bytes, seal: Seal) -> bytes:
    """Return a PDF with an invisible seal that allows no change after it.

    pyHanko is an extra, and takes a second to import: only whoever has a certificate needs it, and only here.
    """
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import PdfSignatureMetadata, SimpleSigner, sign_pdf
    from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter

    bundle = serialize_key_and_certificates(None, seal.key, seal.certificate, seal.chain, NoEncryption())
    signer = SimpleSigner.load_pkcs12_data(bundle, other_certs=())
    how = PdfSignatureMetadata(
        field_name=NAME,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    field = SigFieldSpec(NAME, readable_field_name=READABLE_NAME)
    made = sign_pdf(IncrementalPdfFileWriter(BytesIO(paper)), how, signer, new_field_spec=field)
    return made.getvalue()
