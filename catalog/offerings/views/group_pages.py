"""One page per question group: overview, hosting, prices, operation, exit."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from accounts.auth import access, actor
from accounts.models import BodyKind
from accounts.permissions import Permission
from catalog.offerings import queries, schemas, services
from catalog.offerings.discount_schemas import DiscountsSchema, discount_values
from catalog.offerings.models import (
    EDITABLE_STATES,
    ListingVersion,
    OfferingVersion,
    OfferState,
)
from catalog.offerings.preview import PreviewRow, preview_costs
from catalog.offerings.price_schemas import (
    BLANK_ROWS,
    MAXIMUM_ROWS,
    MAXIMUM_TIERS,
    as_rows,
    price_schema,
    price_values,
    rows_asked,
)
from catalog.offerings.prices import make_plan
from catalog.offerings.rules import Group
from catalog.offerings.schemas import GroupSchema, Step, split_features
from catalog.offerings.views.frame import (
    blueprint,
    group_href,
    groups_of,
    home_of,
    next_href,
    offering_for,
    optional_groups_of,
    put_conflict_in_words,
    terms_for,
)
from catalog.price_plan import (
    ComponentKind,
    Currency,
    Interval,
    PartMonth,
    TaxRounding,
    TierMode,
    Unit,
)
from catalog.terms import (
    AccessibilityLevel,
    Authentication,
    Language,
    Network,
    SizeClass,
    hosting_choices,
)
from core import web
from core.clock import today_jst
from core.errors import NotFound, StaleVersion
from core.form_drafts import keep_typed, read_typed
from core.forms import Form

_METHODS = ["GET", "POST"]
_EDIT = Permission.OFFERING_EDIT


@blueprint.route("/offerings/<uuid:offering_version_id>/overview", methods=_METHODS)
@access(_EDIT, write=_EDIT)
def edit_overview(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask for name, description and features."""

    def values(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "features": split_features(data["features"])}

    return edit_offering(
        Group.OVERVIEW,
        offering_version_id,
        schemas.OverviewSchema(),
        schemas.overview_values,
        values,
    )


@blueprint.route("/offerings/<uuid:offering_version_id>/hosting", methods=_METHODS)
@access(_EDIT, write=_EDIT)
def edit_hosting(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask where the service runs, for whom, and how data come in and out."""
    return edit_offering(
        Group.HOSTING, offering_version_id, schemas.HostingSchema(), schemas.hosting_values, dict
    )


@blueprint.route("/offerings/<uuid:offering_version_id>/users", methods=_METHODS)
@access(_EDIT, write=_EDIT)
def edit_users(offering_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask which bodies it serves, in which languages, how users sign in, how accessible it is."""
    return edit_offering(
        Group.USERS, offering_version_id, schemas.UsersSchema(), schemas.users_values, dict
    )


@blueprint.route("/listings/<uuid:listing_version_id>/operation", methods=_METHODS)
@access(_EDIT, write=_EDIT)
def edit_operation(listing_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask for support and service level."""
    return _edit_terms(
        Group.OPERATION, listing_version_id, schemas.OperationSchema(), schemas.operation_values
    )


@blueprint.route("/listings/<uuid:listing_version_id>/exit", methods=_METHODS)
@access(_EDIT, write=_EDIT)
def edit_exit(listing_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask how a body leaves."""
    return _edit_terms(Group.EXIT, listing_version_id, schemas.ExitSchema(), schemas.exit_values)


@blueprint.route("/listings/<uuid:listing_version_id>/discounts", methods=_METHODS)
@access(_EDIT, write=_EDIT)
def edit_discounts(listing_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask for discounts by number of bodies, and for what the State pays of the initial cost."""
    return _edit_terms(Group.DISCOUNTS, listing_version_id, DiscountsSchema(), discount_values)


@blueprint.route("/listings/<uuid:listing_version_id>/prices", methods=_METHODS)
@access(_EDIT, write=_EDIT)
def edit_prices(listing_version_id: uuid.UUID) -> ResponseReturnValue:
    """Ask for the price list, with its cost for three typical bodies."""
    terms = terms_for(web.read_session(), listing_version_id, _EDIT)
    if terms.state not in EDITABLE_STATES and request.method == "GET":
        return web.see_other(home_of(terms))
    typed = read_typed(actor().person_id)
    asked = request.form.get("rows") or request.args.get("rows") or typed.get("rows")
    stored = len(terms.components)
    shown = rows_asked(asked, stored if asked else min(stored + BLANK_ROWS, MAXIMUM_ROWS))
    form = _form(price_schema(shown), price_values(terms))
    kept = keep_typed(form, actor().person_id)
    if kept is not None:
        return kept
    saved = None
    if request.form.get("step") == Step.PREVIEW:
        form.validate()
    elif form.is_posted:
        saved = form.submit(lambda session, data: _save_prices(session, listing_version_id, data))
    if saved is None:
        return _render_prices(terms, form, shown)
    if form.data["step"] == Step.MORE:
        wider = min(shown + BLANK_ROWS, MAXIMUM_ROWS)
        here = group_href(Group.PRICES, terms.offering_version, terms)
        return web.see_other(f"{here}?rows={wider}#row-{shown + 1}")
    return _go_on(Group.PRICES, terms, form)


@blueprint.post("/listings/<uuid:listing_version_id>/prices/preview")
@access(_EDIT, write=_EDIT)
def preview_prices(listing_version_id: uuid.UUID) -> ResponseReturnValue:
    """Show what the prices as typed cost three typical bodies; nothing is saved."""
    terms = terms_for(web.read_session(), listing_version_id, _EDIT)
    shown = rows_asked(request.form.get("rows"), len(terms.components))
    form = _form(price_schema(shown), {})
    return web.render_page(
        "offerings/_preview.html",
        rows=_preview(form, terms),
    )


def _save_prices(
    session: Session, listing_version_id: uuid.UUID, data: dict[str, Any]
) -> ListingVersion:
    terms = terms_for(session, listing_version_id, _EDIT)
    try:
        return services.save_prices(
            session,
            actor(),
            terms,
            version=data["version"],
            components=data["components"],
            minimum_term_months=data["minimum_term_months"] or 0,
            tax_rounding=data["tax_rounding"] or TaxRounding.WHOLE,
            part_month=data["part_month"] or PartMonth.WHOLE,
        )
    except StaleVersion as error:
        raise StaleVersion(current={**error.current, **price_values(terms)}) from error


def _render_prices(terms: ListingVersion, form: Form, shown: int) -> ResponseReturnValue:
    put_conflict_in_words(form)
    return web.render_page(
        "offerings/edit_prices.html",
        form.status,
        form=form,
        rows=range(1, shown + 1),
        tiers=range(2, MAXIMUM_TIERS + 1),
        can_widen=shown < MAXIMUM_ROWS,
        row_limit=MAXIMUM_ROWS,
        preview=_preview(form, terms),
        kinds=ComponentKind.choices(),
        units=Unit.choices(),
        intervals=Interval.choices(),
        modes=TierMode.choices(),
        roundings=TaxRounding.choices(),
        part_months=PartMonth.choices(),
        currencies=Currency.choices(),
        size_classes=SizeClass.choices(),
        **_frame(Group.PRICES, terms),
    )


def _preview(form: Form, terms: ListingVersion) -> list[PreviewRow] | None:
    """Return the cost of what is typed, else of what is stored; None while it cannot be told."""
    sent = form.posted if form.is_posted else form.draft
    if sent is not None:
        typed = Form(form.schema, sent)
        if not typed.validate():
            return None
        components = as_rows(typed.data["components"])
        rounding, part_month = typed.data["tax_rounding"], typed.data["part_month"]
    else:
        components = list(terms.components)
        rounding, part_month = terms.tax_rounding, terms.part_month
    if not components:
        return []
    plan = make_plan(components, 0, part_month=part_month or PartMonth.WHOLE)
    rule = rounding or TaxRounding.WHOLE
    return preview_costs(plan, today_jst(), rule, terms.discounts)


def edit_offering(
    group: Group,
    version_id: uuid.UUID,
    schema: GroupSchema,
    show: Callable[[OfferingVersion], dict[str, Any]],
    read: Callable[[dict[str, Any]], dict[str, Any]],
    **shown: Any,
) -> ResponseReturnValue:
    """Show and save one question group of an offering version; `shown` goes to its page as well."""
    session = web.read_session()
    version = offering_for(session, version_id, _EDIT)
    terms = queries.find_own_listing_version(session, version)
    if terms is None:
        raise NotFound

    def save(writing: Session, data: dict[str, Any]) -> OfferingVersion:
        row = offering_for(writing, version_id, _EDIT)
        try:
            return services.edit_offering_version(writing, actor(), row, **_facts(read(data)))
        except StaleVersion as error:
            raise StaleVersion(current=show(row)) from error

    form = _form(schema, show(version))
    return _ask(group, terms, version.state, form, save, **shown)


def _edit_terms(
    group: Group,
    version_id: uuid.UUID,
    schema: GroupSchema,
    show: Callable[[ListingVersion], dict[str, Any]],
) -> ResponseReturnValue:
    terms = terms_for(web.read_session(), version_id, _EDIT)

    def save(writing: Session, data: dict[str, Any]) -> ListingVersion:
        row = terms_for(writing, version_id, _EDIT)
        try:
            return services.edit_listing_version(writing, actor(), row, **_facts(data))
        except StaleVersion as error:
            raise StaleVersion(current=show(row)) from error

    return _ask(group, terms, terms.state, _form(schema, show(terms)), save)


def _form(schema: GroupSchema, initial: dict[str, Any]) -> Form:
    return Form(schema, web.posted_form(), initial)


def _facts(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "step"}


def _ask(
    group: Group,
    terms: ListingVersion,
    state: OfferState,
    form: Form,
    save: Callable[[Session, dict[str, Any]], object],
    **shown: Any,
) -> ResponseReturnValue:
    """Show a question group of a version in this state, keep what is typed, or save and go on."""
    if state not in EDITABLE_STATES and request.method == "GET":
        return web.see_other(home_of(terms))
    kept = keep_typed(form, actor().person_id)
    if kept is not None:
        return kept
    if form.is_posted and form.submit(save) is not None:
        return _go_on(group, terms, form)
    put_conflict_in_words(form)
    return web.render_page(
        f"offerings/edit_{group.value}.html",
        form.status,
        form=form,
        providers=hosting_choices(today_jst()),
        networks=Network.choices(),
        size_classes=SizeClass.choices(),
        body_kinds=BodyKind.choices(),
        languages=Language.choices(),
        authentications=Authentication.choices(),
        accessibility_levels=AccessibilityLevel.choices(),
        **shown,
        **_frame(group, terms),
    )


def _go_on(group: Group, terms: ListingVersion, form: Form) -> ResponseReturnValue:
    version = terms.offering_version
    if form.data["step"] == Step.MORE:
        here = group_href(group, version, terms)
        return web.see_other(f"{here}?rows={(form.data['rows'] or 0) + BLANK_ROWS}")
    if form.data["step"] == Step.NEXT:
        return web.see_other(next_href(group, version, terms))
    web.leave_notice("done", "下書きを保存しました", "続きはいつでも入力できます。")
    return web.see_other(group_href(group, version, terms))


def _frame(group: Group, terms: ListingVersion) -> dict[str, Any]:
    groups = optional_groups_of(terms) if group.is_optional else groups_of(terms)
    return {
        "is_optional": group.is_optional,
        "version": terms.offering_version,
        "terms": terms,
        "home_href": home_of(terms),
        "step_number": groups.index(group) + 1,
        "step_count": len(groups),
        "preview_href": url_for("vendor_offerings.preview_prices", listing_version_id=terms.id),
    }
