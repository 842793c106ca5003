"""The public certificate: page, PDF, and the state now as a picture or data to embed."""

from datetime import date, datetime, timedelta
from typing import Any

from flask import Response, make_response, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.permissions import Permission, can
from catalog.certification import narrowing, outline, queries
from catalog.certification.assessment import COUNTED, Assessment, assess, tally
from catalog.certification.badge import Badge, draw_badge
from catalog.certification.documents import (
    HEADS,
    certificate_csv,
    certificate_json,
    decision_words,
    lapse_words,
    render_certificate,
    retirement_words,
)
from catalog.certification.models import Certification, ReviewState
from catalog.certification.queries import Standing
from catalog.certification.queries.proceedings import find_shown_listing, find_successor
from catalog.certification.views import blueprint
from catalog.specifications import negotiation
from catalog.specifications.models import SpecificationState, SpecificationVersionEnd
from catalog.specifications.queries import find_end, recheck_days
from core import api, paging, web
from core.clock import day_in_japan
from core.db import now
from core.documents import canonical_json
from core.errors import NotFound

SHORTEST, LONGEST = timedelta(0), timedelta(minutes=5)


@blueprint.get("/certificates/<number>")
@access(Permission.CATALOG_READ)
def show_certificate(number: str) -> ResponseReturnValue:
    """Show a certificate: results per requirement, conditions, dates, its state now.

    The page shows a chapter or a part of the results at a time; JSON and CSV hold all of them.
    """
    kind = negotiation.wanted_format("html", "json", "csv")
    session = web.read_session()
    review = _find_certificate(session, number)
    assessment = assess(session, review, with_evidence=False)
    standing = queries.standing_of(review, now(session), has_answers=bool(assessment.answers))
    if kind != "html":
        return _answer_data(session, kind, review, assessment)
    wish = narrowing.read_wish(request.args, narrowing.ANSWER_FILTERS)
    shown = narrowing.narrow_certificate(outline.rows_of(assessment), wish)
    page = web.render_page(
        "certification/certificate.html",
        review=review,
        standing=standing,
        is_superseded=review.state is ReviewState.SUPERSEDED,
        successor=find_successor(session, review),
        shown=shown,
        page=paging.cut(shown.rows, anchor="filters"),
        address=paging.address,
        counted=tally(assessment),
        heads=HEADS,
        columns=("total", *COUNTED),
        conditions_due=[date.fromisoformat(each["due_on"]) for each in review.conditions],
        agencies=queries.agencies_of(session, review),
        listing_id=find_shown_listing(session, review.offering_version.offering_id),
        base_number=_base_number(session, review),
        decided_how=decision_words(review),
        today=day_in_japan(now(session)),
        recheck_by=_recheck_by(session, review),
        retirement=_retirement(session, review),
        is_sample=_is_sample(review),
    )
    return negotiation.answer_page(page)


def _answer_data(
    session: Session, kind: str, review: Certification, assessment: Assessment
) -> Response:
    """Answer with every result; it tells the state of this moment, so nothing keeps it unasked."""
    if kind == "csv":
        content = certificate_csv(review, assessment)
        filename = f"certificate-{review.number}.csv"
    else:
        standing = _standing(session, review)
        facts = _facts(session, review, standing)
        facts["reviewed_by"] = queries.agencies_of(session, review)
        content, filename = certificate_json(facts, review, assessment), ""
    return negotiation.answer_data(kind, content, filename=filename, is_public=review.is_public)


def _recheck_by(session: Session, review: Certification) -> date | None:
    """Return until when the certificate has to be looked at again for a newer specification version."""
    version_id = review.specification_version_id
    return recheck_days(session, [version_id]).get(version_id)


def _retirement(session: Session, review: Certification) -> SpecificationVersionEnd | None:
    """Return since when and why the text is retired that the certificate speaks of."""
    version = review.specification_version
    if version.state is not SpecificationState.RETIRED:
        return None
    return find_end(session, version.id)


def _base_number(session: Session, review: Certification) -> str | None:
    base = session.get(Certification, review.based_on_id) if review.based_on_id else None
    return base.number if base else None


@blueprint.get("/certificates/<number>.pdf")
@access(Permission.CATALOG_READ)
def show_certificate_pdf(number: str) -> ResponseReturnValue:
    """Give the certificate as PDF, with its state now."""
    session = web.read_session()
    review = _find_certificate(session, number)
    rendered = render_certificate(
        review,
        assess(session, review, with_evidence=False),
        agencies=queries.agencies_of(session, review),
        moment=now(session),
        retirement=_retirement(session, review),
    )
    response = Response(rendered.content, mimetype=rendered.media_type)
    response.headers["Content-Disposition"] = f'inline; filename="{number}.pdf"'
    response.headers["Cache-Control"] = "no-cache" if review.is_public else "private, no-store"
    return api.with_etag(response) if review.is_public else response


def _find_certificate(session: Session, number: str) -> Certification:
    """Return a certificate that this reader may see; before publication the parties alone may."""
    review = queries.find_certificate(session, number)
    if review is None:
        raise NotFound
    if not review.is_public and not can(actor(), Permission.CERTIFICATION_READ, review):
        raise NotFound
    return review


def _is_sample(review: Certification) -> bool:
    maker = review.offering_version.offering.maker
    return maker.is_sample or review.specification_version.specification.is_sample


@blueprint.get("/certificates/<number>/status.json")
@access(Permission.CATALOG_READ)
def show_status(number: str) -> ResponseReturnValue:
    """Give the state of a certificate at this moment as data, for programs of anybody."""
    session = web.read_session()
    review = _find_certificate(session, number)
    standing = _standing(session, review)
    content = canonical_json(_facts(session, review, standing))
    return _embeddable(content, "application/json", review, now(session))


@blueprint.get("/certificates/<number>/status.svg")
@access(Permission.CATALOG_READ)
def show_badge(number: str) -> ResponseReturnValue:
    """Give the state of a certificate at this moment as a picture, for pages of anybody."""
    session = web.read_session()
    review = _find_certificate(session, number)
    standing = _standing(session, review)
    end = _retirement(session, review)
    word = review.public_code(now(session)).label
    badge = Badge(
        standing.state,
        word=f"{word}（廃止された版）" if end else word,
        number=number,
        name=review.offering_version.name,
        specification=review.specification_version.title,
        last_day=standing.valid_until_day,
        is_sample=_is_sample(review),
        is_superseded=standing.is_superseded,
        explanation=lapse_words(standing) + retirement_words(end),
    )
    content = draw_badge(badge).encode()
    return _embeddable(content, "image/svg+xml", review, now(session))


def _standing(session: Session, review: Certification) -> Standing:
    return queries.standing_of(review, now(session), has_answers=True)


def _facts(session: Session, review: Certification, standing: Standing) -> dict[str, Any]:
    """Return the state now, and what became of the text that the certificate speaks of."""
    facts = _status(review, standing, now(session), _recheck_by(session, review))
    end = _retirement(session, review)
    facts["specification"] |= {
        "state": review.specification_version.state_at(now(session)).value,
        "retired_on": day_in_japan(end.ended_at).isoformat() if end else None,
        "retired_because": end.reason if end else None,
    }
    said = [facts["explanation"], retirement_words(end)]
    facts["explanation"] = "".join(each for each in said if each) or None
    return facts


def _status(
    review: Certification, standing: Standing, moment: datetime, recheck_by: date | None
) -> dict[str, Any]:
    code = review.public_code(moment)
    version, specification = review.offering_version, review.specification_version
    last = standing.valid_until_day
    return {
        "number": review.number,
        "state": code.value,
        "label": code.label,
        "is_in_force": standing.state in {"certified", "conditional"},
        "is_superseded": review.state is ReviewState.SUPERSEDED,
        "valid_from": review.valid_from.isoformat() if review.valid_from else None,
        "last_day": last.isoformat() if last else None,
        "conditions_due": standing.due_on.isoformat() if standing.due_on else None,
        "lapsed_on": standing.lapsed_on.isoformat() if standing.lapsed_on else None,
        "explanation": lapse_words(standing) or None,
        "ended_on": review.ended_on.isoformat() if review.ended_on else None,
        "offering": {"name": version.name, "version": version.number},
        "specification": {
            "code": specification.specification.code,
            "version": specification.label,
        },
        "evaluated_sha256": review.evaluated_sha256,
        "is_sample": _is_sample(review),
        "url": url_for("certification.show_certificate", number=review.number),
        "recheck_by": recheck_by.isoformat() if recheck_by else None,
    }


def _embeddable(content: bytes, kind: str, review: Certification, moment: datetime) -> Response:
    """Answer what other sites may show: kept for minutes, and never beyond the certificate's end.

    Before publication only the parties read it, and nothing keeps it.
    """
    keep = LONGEST
    if review.ends_at is not None and review.ends_at > moment:
        keep = max(SHORTEST, min(keep, review.ends_at - moment))
    response = make_response(content)
    response.content_type = kind
    if not review.is_public:
        response.headers["Cache-Control"] = "private, no-store"
        return response
    response.headers["Cache-Control"] = f"public, max-age={int(keep.total_seconds())}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return api.with_etag(response)
