"""What was submitted each time for a review: it stays readable, evidence files included."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access
from accounts.permissions import Permission
from catalog.certification.act_pages import find_review
from catalog.certification.models import ReviewSubmission
from catalog.certification.queries import proceedings as around
from catalog.certification.views import blueprint
from catalog.offerings import differences
from catalog.offerings.evidence_sending import send_evidence
from catalog.offerings.queries.answers import find_content
from catalog.offerings.words import OFFERING_WORDS
from catalog.specifications.models import Requirement
from catalog.specifications.queries import list_requirements
from core import paging, web
from core.documents import canonical_json, sha256_hex
from core.errors import NotFound


@dataclass(frozen=True, slots=True)
class SubmittedAnswer:
    """An answer as it was submitted; the requirement is None when its version no longer has it."""

    number: str
    requirement: Requirement | None
    content: Mapping[str, Any]

    @property
    def due_on(self) -> date | None:
        """The day until which the vendor promised to conform."""
        due = self.content.get("due_on")
        return date.fromisoformat(due) if due else None

    @property
    def files(self) -> tuple[differences.NamedFile, ...]:
        """The evidence files that stood beside it."""
        return differences.files_of(self.content)


@blueprint.get("/reviews/<uuid:certification_id>/submissions/<int:number>")
@access(Permission.CERTIFICATION_READ)
def show_submission(certification_id: uuid.UUID, number: int) -> ResponseReturnValue:
    """Show what was submitted one time, and what changed afterwards."""
    session = web.read_session()
    review = find_review(session, certification_id, Permission.CERTIFICATION_READ)
    submissions = around.list_submissions(session, review.id)
    if not 1 <= number <= len(submissions):
        raise NotFound
    shown, last = submissions[number - 1], submissions[-1]
    requirements = list_requirements(session, review.specification_version_id)
    found = differences.compare_offerings(shown.content, last.content) if shown is not last else []
    return web.render_page(
        "certification/submission.html",
        review=review,
        submission=shown,
        is_intact=sha256_hex(canonical_json(shown.content)) == shown.content_sha256,
        fields=[(label, tell(shown.content)) for label, tell in OFFERING_WORDS],
        answers=paging.cut(_in_order(shown, requirements), anchor="answers-title"),
        changes=paging.cut(found, name="changes", anchor="changes-title"),
        last=last.number,
        href_before=partial(file_href, certification_id, number),
        href_after=partial(file_href, certification_id, last.number),
    )


def _in_order(
    submission: ReviewSubmission, requirements: list[Requirement]
) -> list[SubmittedAnswer]:
    known = {each.requirement_id: each for each in requirements}
    places = {number: place for place, number in enumerate(known)}
    answers = submission.content["answers"]
    numbers = sorted(answers, key=lambda number: (places.get(number, len(places)), number))
    return [SubmittedAnswer(each, known.get(each), answers[each]) for each in numbers]


def file_href(certification_id: uuid.UUID, number: int, sha256: str) -> str:
    """Return where an evidence file of a submission is downloaded."""
    return url_for(
        "certification.download_submitted",
        certification_id=certification_id,
        number=number,
        sha256=sha256,
    )


def files_of_last(session: Session, certification_id: uuid.UUID) -> partial[str]:
    """Return the way from a hash to the download out of the last submission of a review."""
    return partial(file_href, certification_id, around.count_submissions(session, certification_id))


@blueprint.get("/reviews/<uuid:certification_id>/submissions/<int:number>/files/<sha256>")
@access(Permission.CERTIFICATION_READ)
def download_submitted(
    certification_id: uuid.UUID, number: int, sha256: str
) -> ResponseReturnValue:
    """Send an evidence file that a submission names, though the vendor may have removed it since."""
    session = web.read_session()
    review = find_review(session, certification_id, Permission.CERTIFICATION_READ)
    submission = around.find_submission(session, review.id, number)
    named = differences.find_named(submission.content, sha256) if submission else None
    file = find_content(session, sha256) if named else None
    if named is None or file is None:
        raise NotFound
    return send_evidence(file, named.name)
