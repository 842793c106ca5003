"""Pages on which a person shows that letters to the address arrive."""

from flask import url_for
from flask.typing import ResponseReturnValue

from accounts import address_services
from accounts.auth import access, actor, settings
from accounts.permissions import Permission
from accounts.views import blueprint
from core import web
from core.db import transaction
from core.errors import Conflict, TooMany
from core.fields import FormSchema
from core.forms import Form


@blueprint.route("/account/address/<token>", methods=["GET", "POST"])
@access(Permission.ACCOUNT_USE, write=Permission.ACCOUNT_CHANGE)
def confirm_address(token: str) -> ResponseReturnValue:
    """Confirm the address by the link of the letter: a button, since mail programs open links too."""
    form = Form(FormSchema(), web.posted_form())
    done = web.complete(
        form,
        lambda session: address_services.confirm(session, settings(), actor(), token),
        notice=("メールアドレスを確かめました",),
        target=url_for("vendors.register"),
    )
    return done or web.render_page(
        "accounts/confirm_address.html", form.status, form=form, token=token
    )


@blueprint.post("/account/address")
@access(Permission.ACCOUNT_CHANGE, write=Permission.ACCOUNT_CHANGE)
def ask_address_again() -> ResponseReturnValue:
    """Send the letter with the link once more."""
    try:
        with transaction() as session:
            address_services.ask_again(session, settings(), actor())
        web.leave_notice(
            "done",
            "確認のメールを送りました",
            "数分たっても届かないときは、迷惑メールの置き場を確かめてください。",
        )
    except (Conflict, TooMany) as error:
        web.leave_notice("info", "確認のメールは送りませんでした", error.message)
    return web.see_other(url_for("vendors.register"))
