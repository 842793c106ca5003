"""What is typed or imported about specifications, checked once for page, command and file."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates, validates_schema

from catalog.specifications.models import LifecycleStage, Pattern, StudyOutcome
from catalog.terms import RequirementClass, RequirementKind
from core import japanese
from core.fields import (
    FormSchema,
    checked,
    choice,
    day,
    line,
    lines,
    whole,
)

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_DOTS = re.compile(r"(^|/)\.{0,2}(/|$)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ADDRESS = re.compile(r"https?://[^\s/]+\S*")
_LONGEST_TEXT = 20_000
# Pages of a version that stand where its requirements stand.
_PAGES_OF_A_VERSION = frozenset({"changes", "consultation", "source"})


LONGEST = {
    "requirement_id": 60,
    "predecessor_requirement_id": 60,
    "change_type": 40,
    "name": 300,
    "chapter": 300,
    "section": 300,
    "subsection": 300,
    "text": _LONGEST_TEXT,
    "rationale": _LONGEST_TEXT,
}
_NEEDED = ("requirement_id", "name", "text")
_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")


def is_plainly_sound(values: Mapping[str, Any]) -> bool:
    """Tell at once that RequirementSchema would load the texts of a requirement unchanged.

    An importer asks thousands of times; whatever is not plain goes through the schema.
    """
    texts = [values[name] for name in LONGEST]
    return (
        all(values[name] for name in _NEEDED)
        and _PLAIN_ID.fullmatch(values["requirement_id"]) is not None
        and all(len(values[name]) <= limit for name, limit in LONGEST.items())
        and all(text == text.strip() and "\t" not in text for text in texts)
        and japanese.is_printed("".join(texts).replace("\n", ""))
        and not any("\n" in values[name] for name in LONGEST if name not in ("text", "rationale"))
    )


class RequirementSchema(FormSchema):
    """One requirement, its words already turned into codes."""

    requirement_id = line("要件ID", maximum=LONGEST["requirement_id"])
    chapter = line("大項目", maximum=LONGEST["chapter"], required=False)
    section = line("中項目", maximum=LONGEST["section"], required=False)
    subsection = line("小項目", maximum=LONGEST["subsection"], required=False)
    name = line("機能名称", maximum=LONGEST["name"])
    text = lines("機能要件", maximum=_LONGEST_TEXT)
    kind = choice("種別", RequirementKind)
    class_designated_city = choice("実装区分", RequirementClass)
    class_core_city = choice("実装区分", RequirementClass)
    class_other = choice("実装区分", RequirementClass)
    rationale = lines("考え方・理由", maximum=_LONGEST_TEXT, required=False)
    conformity_date = day("適合基準日", required=False)
    change_type = line("改定種別", maximum=40, required=False)
    predecessor_requirement_id = line("前版要件ID", maximum=60, required=False)

    @validates("requirement_id")
    def _check_address(self, value: str, **_kwargs: Any) -> None:
        # The id is a part of the requirement's permanent address.
        if value.casefold() in _PAGES_OF_A_VERSION:
            raise ValidationError(f"「{value}」は要件IDに使えません。別のIDを付けてください。")
        if _DOTS.search(value):
            raise ValidationError(
                "要件IDは、点だけの名前や、空の区切り（/）を使わずに付けてください。"
            )


class SpecificationFactsSchema(FormSchema):
    """The facts of a specification that all its versions share."""

    name = line("仕様書の名称", maximum=200)
    field = line("業務", maximum=100, required=False)
    ministry = line("所管府省", maximum=100, required=False)
    pattern = choice("政策上の型", Pattern)
    version = whole("版番号", minimum=1)


class RegisterSchema(FormSchema):
    """A specification whose requirements are imported another day, if ever."""

    code = line("仕様書コード", maximum=40)
    name = line("仕様書の名称", maximum=200)
    field = line("業務", maximum=100, required=False)
    ministry = line("所管府省", maximum=100, required=False)
    pattern = choice("政策上の型", Pattern)

    @validates("code")
    def _check_code(self, value: str, **_kwargs: Any) -> None:
        check_code(value)


class LifecycleSchema(FormSchema):
    """Where a specification stands in the way of commonalisation, and who says so."""

    stage = choice("段階", LifecycleStage, required=False)
    outcome = choice("調査の結果", StudyOutcome, required=False)
    as_of = day("確かめた日")
    source_name = line("出典", maximum=300)
    source_url = line("出典のURL", maximum=500, required=False)
    note = lines("補足", maximum=1_000, required=False)

    @validates("source_url")
    def _check_url(self, value: str, **_kwargs: Any) -> None:
        if value and not _ADDRESS.fullmatch(value):
            raise ValidationError("出典のURLはhttps://から入力してください。")


class EndSchema(FormSchema):
    """Why a version is retired or withdrawn."""

    reason = lines("理由", maximum=2_000)
    confirmed = checked("影響のあるサービスと契約を確かめました")
    version = whole("版番号", minimum=1)


class SourceSchema(FormSchema):
    """The version to which the sent document belongs."""

    version = whole("版番号", minimum=1)


def check_code(value: str) -> None:
    """Refuse a code that would not stand in an address."""
    if not _CODE.fullmatch(value):
        raise ValidationError(
            "仕様書コードは半角の英字、数字、ハイフンで入力してください。例：JYUKI"
        )


class ImportFactsSchema(FormSchema):
    """Which specification and version a file is; the rest only for a new specification."""

    code = line("仕様書コード", maximum=40)
    label = line("版", maximum=40)
    name = line("仕様書の名称", maximum=200, required=False)
    field = line("業務", maximum=100, required=False)
    ministry = line("所管府省", maximum=100, required=False)
    pattern = choice("政策上の型", Pattern, required=False)
    applies_from = day("適用の始まる日", required=False)

    @validates("code")
    def _check_code(self, value: str, **_kwargs: Any) -> None:
        check_code(value)

    @validates("label")
    def _check_label(self, value: str, **_kwargs: Any) -> None:
        if "/" in value or value.strip(".") == "":
            raise ValidationError("版は斜線（/）を使わずに入力してください。例：2.1")


class VersionFactsSchema(FormSchema):
    """The dates and the source of a version."""

    published_on = day("府省が公表した日", required=False)
    applies_from = day("適用の始まる日", required=False)
    transition_ends_on = day("経過措置の終わる日", required=False)
    source_name = line("元の文書の名前", maximum=300, required=False)
    source_url = line("元の文書のURL", maximum=500, required=False)
    source_sha256 = line("元の文書のSHA-256", maximum=64, required=False)
    attribution = line("出典の表示", maximum=300, required=False)
    version = whole("版番号", minimum=1)

    @validates("source_url")
    def _check_url(self, value: str, **_kwargs: Any) -> None:
        if value and not _ADDRESS.fullmatch(value):
            raise ValidationError("元の文書のURLはhttps://から入力してください。")

    @validates("source_sha256")
    def _check_hash(self, value: str, **_kwargs: Any) -> None:
        if value and not _SHA256.fullmatch(value.lower()):
            raise ValidationError("元の文書のSHA-256は、0から9とaからfの64文字で入力してください。")

    @validates_schema(skip_on_field_errors=False)
    def _check_order(self, data: dict[str, Any], **_kwargs: Any) -> None:
        start, end = data.get("applies_from"), data.get("transition_ends_on")
        if start and end and end < start:
            raise ValidationError(
                "経過措置の終わる日は、適用の始まる日以後の日付にしてください。",
                "transition_ends_on",
            )


class PublishSchema(FormSchema):
    """The lead's word that the ministry adopted this text."""

    confirmed = checked("府省が採択した文書と内容を確かめました")
    version = whole("版番号", minimum=1)


class OpenToSaasSchema(FormSchema):
    """Why a 標準化 specification takes SaaS."""

    reason = lines("理由", maximum=2_000)
    confirmed = checked("この仕様書のSaaS登録を認める理由を確かめました")
    version = whole("版番号", minimum=1)


class UploadSchema(FormSchema):
    """Where to look in a file, and what the page that led here already knew."""

    code = line("仕様書コード", maximum=40, required=False)
    label = line("版", maximum=40, required=False)
