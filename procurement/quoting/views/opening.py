"""Page: open the quotes, the first person and the second."""

import uuid

from flask.typing import ResponseReturnValue

from accounts import auth
from accounts.auth import access, actor
from accounts.permissions import Permission
from accounts.queries import list_people
from core import web
from core.forms import Form
from procurement.quoting import queries, services
from procurement.quoting.models import RoundAction
from procurement.quoting.schemas import OpenSchema
from procurement.quoting.views.frame import (
    blueprint,
    explain_early,
    is_closed,
    load_round,
    read_round,
    round_url,
)

_P = Permission


@blueprint.route("/quote-rounds/<uuid:round_id>/open", methods=["GET", "POST"])
@access(_P.QUOTE_ROUND_OPEN, write=_P.QUOTE_ROUND_OPEN)
def open_quotes(round_id: uuid.UUID) -> ResponseReturnValue:
    """Mark the opening as the first person, or open everything as the second."""
    found = read_round(round_id, _P.QUOTE_ROUND_OPEN)
    if found.is_opened:
        return web.see_other(round_url(round_id))
    form = Form(OpenSchema(), web.posted_form())
    if not found.can_apply(RoundAction.OPEN):
        sentence = found.MACHINE.wrong_state_sentence(found.state)
        return explain_early(
            "見積は、今は開封できません", sentence, round_url(round_id), round_row=found
        )
    if form.is_posted and auth.is_confirmed(form):
        outcome = form.submit(
            lambda session, _data: {
                "opened": services.open_round(
                    session, actor(), auth.settings(), load_round(session, round_id)
                )
            }
        )
        if outcome is not None:
            return _land(round_id, opened=outcome["opened"])
    session = web.refresh_read_session()
    mark = queries.live_mark(session, queries.find_opening(session, found.id))
    return web.render_page(
        "quoting/open.html",
        form.status,
        form=form,
        round_row=found,
        mark=mark,
        minutes=queries.MARK_MINUTES,
        is_mine=mark is not None and mark.first_by_id == actor().person_id,
        people=list_people(session, [mark.first_by_id]) if mark else {},
        is_closed=is_closed(found),
        lacks_sheet=is_closed(found) and services.lacks_sheet(session, found),
        needs_password=auth.needs_password(),
    )


def _land(round_id: uuid.UUID, *, opened: bool) -> ResponseReturnValue:
    if opened:
        web.leave_notice("done", "見積を開封しました", "次は、担当者が選定の案を作ります。")
    else:
        web.leave_notice("done", "1人目の確認をしました")
    return web.see_other(round_url(round_id))
