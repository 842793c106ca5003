"""The row of the quotes in the task list while a request for them is drafted or decided on."""

from flask import url_for
from sqlmodel import Session

from procurement.contracts.tasks import Task
from procurement.projects.models import Project, ProjectState
from procurement.quoting import queries
from procurement.quoting.models import RoundState

_WORDS = {
    RoundState.DRAFT: ("in_progress", "確かめて、決裁者に提出します", None),
    RoundState.SUBMITTED: ("waiting", "決裁されると、依頼先に送信されます", "確認待ち（決裁者）"),
    RoundState.RETURNED: ("fix", "差し戻されました。直して、もう一度提出します", None),
}
_NEVER_CHOSEN = (ProjectState.NONE_SUITABLE, ProjectState.CANCELLED)


def quote_task(session: Session, project: Project, known: Task) -> Task:
    """Return the row of a request that is not yet sent, or was sent in a case that ended without a choice."""
    if project.state in _NEVER_CHOSEN:
        return _what_was_asked(session, project, known)
    if project.state not in {ProjectState.COMPARED, ProjectState.QUOTES_OPENED}:
        return known
    round_ = queries.live_round(session, project.id)
    if round_ is None or round_.state not in _WORDS:
        return known
    status, hint, text = _WORDS[round_.state]
    href = url_for("quoting.show", round_id=round_.id)
    return Task(known.label, status, hint, href, text)


def _what_was_asked(session: Session, project: Project, known: Task) -> Task:
    for each in queries.list_rounds(session, project.id):
        if each.is_sent:
            href = url_for("quoting.show", round_id=each.id)
            return Task(
                known.label, "done", "開封した見積" if each.is_opened else "依頼の記録", href
            )
    return known
