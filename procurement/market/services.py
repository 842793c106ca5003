"""Whom the outbox tells when a specification version is published or ends, or a service ends."""

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from sqlmodel import Session

from accounts.notices import tell_organisation
from catalog.certification.queries import get_certification
from catalog.certification.services.telling import CERTIFICATE_CHANGED
from catalog.offerings.queries import get_listing_version
from catalog.offerings.services import LISTING_WITHDRAWN
from catalog.specifications import queries as specifications
from catalog.specifications.consultation.models import Phase
from catalog.specifications.consultation.queries import get_consultation
from catalog.specifications.consultation.services.opening import CONSULTATION_OPENED
from catalog.specifications.ending import VERSION_ENDED
from catalog.specifications.models import SpecificationVersion
from catalog.specifications.services import PUBLISHED
from core import outbox
from core.db import now
from core.japanese import format_date
from procurement.market.queries import (
    IN_FORCE,
    Impact,
    count_contracts_by_body,
    find_impact,
    list_older_versions,
    list_users,
)


def tell_of_publication(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `specification.published`: tell makers, sellers and bodies that stand on older versions."""
    version = specifications.get_version(session, uuid.UUID(payload["specification_version_id"]))
    if version is None:
        return
    older = list_older_versions(session, version)
    news = _News(
        f"{version.specification.name}の{version.title}が公表されました",
        _path(version, "changes"),
        version.transition_ends_on or version.applies_from,
    )
    _tell(session, find_impact(session, [each.id for each in older]), news)


def tell_of_end(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `specification.ended`: tell makers, sellers and bodies that stand on the version."""
    version = specifications.get_version(session, uuid.UUID(payload["specification_version_id"]))
    if version is None:
        return
    title = f"{version.specification.name}の{version.title}は{version.state.label}になりました"
    _tell(session, find_impact(session, [version.id]), _News(title, _path(version), None))


def tell_of_consultation(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `consultation.opened`: ask makers and bodies that stand on published versions to comment.

    What was moved meanwhile is told by the message that moved it.
    """
    consultation = get_consultation(session, uuid.UUID(payload["consultation_id"]))
    if consultation is None or consultation.phase_at(now(session)) is not Phase.OPEN:
        return
    days = (consultation.opens_on.isoformat(), consultation.closes_on.isoformat())
    if days != (payload["opens_on"], payload["closes_on"]):
        return
    version = consultation.specification_version
    last = format_date(consultation.closes_on)
    news = _News(
        f"{version.specification.name}の{version.title}の案に、{last}まで意見を出せます",
        _path(version, "consultation"),
        consultation.closes_on,
    )
    _tell(
        session,
        find_impact(session, [each.id for each in list_older_versions(session, version)]),
        news,
    )


def tell_of_certificate(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `certification.changed`: tell bodies with a contract what the certificate is worth now."""
    review = get_certification(session, uuid.UUID(payload["certification_id"]))
    if review is None or not review.is_public:
        return
    name, state = review.offering_version.name, review.public_code(now(session))
    title = f"使っているサービス「{name}」の認証が「{state.label}」になりました"
    path = f"/certificates/{review.number}"
    for body_id in list_users(session, review.offering_version.offering_id):
        tell_organisation(session, body_id, "certificate", title, path)


@dataclass(frozen=True, slots=True)
class _News:
    """What happened, the page that says more, and until when something is to be done."""

    title: str
    path: str
    due_on: date | None


def _path(version: SpecificationVersion, *page: str) -> str:
    parts = ("specifications", version.specification.code, version.label, *page)
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _tell(session: Session, impact: Impact, news: _News) -> None:
    """Send each organisation one notice that counts all that concerns it."""
    certified = Counter(
        each.owner_id for each, standing in impact.offerings if standing.state in IN_FORCE
    )
    counted = {
        "公開中のサービス": Counter(each.owner_id for each, _ in impact.offerings),
        "公開前のサービス": Counter(each.owner_id for each in impact.pending),
        "審査中の認証の申請": Counter(each.owner_id for each in impact.reviews),
        "ほかの事業者から販売しているサービス": Counter(each.owner_id for each in impact.resold),
        "受注している契約": Counter(each.contract.addressee_id for each in impact.contracts),
        "使っているサービスの契約": Counter(each.body.id for each in impact.contracts),
    }
    told = dict.fromkeys(owner_id for counts in counted.values() for owner_id in counts)
    for owner_id in told:
        parts = [
            f"{words}{counts[owner_id]}件"
            + (f"（うち認証{certified[owner_id]}件）" if words == "公開中のサービス" else "")
            for words, counts in counted.items()
            if counts[owner_id]
        ]
        title = f"{news.title}。{'、'.join(parts)}が対象です"
        tell_organisation(session, owner_id, "specification", title, news.path, due_on=news.due_on)


def tell_of_withdrawal(session: Session, payload: Mapping[str, Any]) -> None:
    """Handle `listing.withdrawn`: tell every body with a running contract, with substitutes and date."""
    version = get_listing_version(session, uuid.UUID(payload["listing_version_id"]))
    if version is None:
        return
    ends_on = date.fromisoformat(payload["ends_on"])
    name, seller = version.offering_version.name, version.listing.seller.label
    for body_id, count in count_contracts_by_body(session, version.listing_id).items():
        title = (
            f"契約中の「{name}」（{seller}）は、{format_date(ends_on)}に提供を終えます。"
            f"契約{count}件が対象です。理由と代わりになるサービスを確かめてください"
        )
        path = f"/listings/{version.listing_id}"
        tell_organisation(session, body_id, "listing.withdrawn", title, path, due_on=ends_on)


HANDLERS: Mapping[str, outbox.Handler] = {
    PUBLISHED: tell_of_publication,
    VERSION_ENDED: tell_of_end,
    CONSULTATION_OPENED: tell_of_consultation,
    CERTIFICATE_CHANGED: tell_of_certificate,
    LISTING_WITHDRAWN: tell_of_withdrawal,
}
