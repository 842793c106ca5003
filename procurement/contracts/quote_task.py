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


def quote_task(session: Session, project: Project, known: Task) -> Task:
    """Return the row of a request that is not yet sent; else the row as it is known."""
    if project.state not in {ProjectState.COMPARED, ProjectState.QUOTES_OPENED}:
        return known
    round_ = queries.live_round(session, project.id)
    if round_ is None or round_.state not in _WORDS:
        return known
    status, hint, text = _WORDS[round_.state]
    href = url_for("quoting.show", round_id=round_.id)
    return Task(known.label, status, hint, href, text)
