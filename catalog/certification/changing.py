"""What changed between two contents of an offering version: submissions, or two versions."""

from sqlmodel import Session

from catalog.certification.models import Certification
from catalog.offerings.content import offering_content
from catalog.offerings.differences import Change, compare_offerings
from catalog.offerings.queries import list_answers


def changes_between(session: Session, base: Certification, review: Certification) -> list[Change]:
    """Give what changed from the version that a certificate covers to the one under review."""
    versions = (base.offering_version, review.offering_version)
    answers = list_answers(session, [version.id for version in versions])
    before, after = (offering_content(each, answers[each.id]) for each in versions)
    return compare_offerings(before, after)
