"""The shapes of what belongs to an offering in the API."""

from marshmallow import fields

from catalog import api_fields as f
from catalog.api_schemas import (
    CertificateSchema,
    OfferedListingSchema,
    OfferingVersionSchema,
    StandingSchema,
)
from catalog.offerings.models import OfferState
from catalog.terms import Answer, RequirementClass
from core.fields import FormSchema

_NEXT = "次のページのcursor。最後のページではnull"
_SHOWN = (OfferState.PUBLISHED, OfferState.SUPERSEDED, OfferState.WITHDRAWN)


class PastOfferingVersionSchema(OfferingVersionSchema):
    """A version that was public; the certificate of another version says nothing of it."""

    state = f.code(_SHOWN)
    certification = fields.Nested(StandingSchema, required=True)


class OfferingVersionPageSchema(FormSchema):
    """A page of the versions of an offering, the first one first."""

    items = fields.List(fields.Nested(PastOfferingVersionSchema), required=True)
    next = f.optional(_NEXT)


class ConformanceAnswerSchema(FormSchema):
    """What the vendor says to one requirement; null is no answer, which is not a no."""

    requirement_id = f.text("要件ID")
    requirement_class = f.code(
        RequirementClass, "実装区分。団体の種類ごとのもののうち最も厳しいもの", data_key="class"
    )
    answer = f.code(Answer, "回答がないときはnull", nullable=True)
    note = f.optional("回答の説明。ないときはnull")
    due_on = f.day("条件を満たす日。ないときはnull")


class ClassNumbersSchema(FormSchema):
    """A number for each class of requirement."""

    must = f.number()
    may = f.number()
    must_not = f.number()


class ChapterSchema(FormSchema):
    """A chapter: how many requirements are met of how many, and how many have no answer."""

    title = f.text()
    met = fields.Nested(ClassNumbersSchema, required=True)
    total = fields.Nested(ClassNumbersSchema, required=True)
    unanswered = f.number()


class ConformancePageSchema(FormSchema):
    """A page of the vendor's answers in the order of the specification; `chapters` tells of all."""

    offering_version_id = f.identifier()
    specification_version_id = f.identifier()
    chapters = fields.List(fields.Nested(ChapterSchema), required=True)
    items = fields.List(fields.Nested(ConformanceAnswerSchema), required=True)
    next = f.optional(_NEXT)


class CertificatePageSchema(FormSchema):
    """A page of certificates by id."""

    items = fields.List(fields.Nested(CertificateSchema), required=True)
    next = f.optional(_NEXT)


class PastListingVersionSchema(OfferedListingSchema):
    """Terms that were public; prices that have not begun are in none of them."""

    state = f.code(_SHOWN)


class ListingVersionPageSchema(FormSchema):
    """A page of the versions of a listing, the first one first."""

    items = fields.List(fields.Nested(PastListingVersionSchema), required=True)
    next = f.optional(_NEXT)
