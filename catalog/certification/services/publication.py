"""What was decided on an offering becomes public together with the offering, and not before."""

from sqlmodel import Session

from accounts.identity import Actor
from catalog.certification import queries
from catalog.offerings.models import OfferingVersion
from catalog.offerings.rules import TermsChoice
from catalog.offerings.services import publish_version
from core import changes


def publish_offering(
    session: Session,
    actor: Actor,
    version: OfferingVersion,
    *,
    choice: TermsChoice | None = None,
) -> OfferingVersion:
    """Publish an approved version, and announce the certificate that it was waiting with.

    Errors are those of `catalog.offerings.services.publish_version`.
    """
    published = publish_version(session, actor, version, choice=choice)
    for certificate_id in queries.list_certificate_ids(session, version.id):
        changes.append(session, "certificate", certificate_id)
    return published
