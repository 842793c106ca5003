"""What is typed about a vendor: the registration by sections, the agency's decision."""

import re
import unicodedata
from typing import Any

from marshmallow import ValidationError, fields, validate, validates, validates_schema

from accounts.models import Role
from core.fields import (
    FormSchema,
    checked,
    choice,
    day,
    line,
    lines,
    option,
    options,
    row,
    whole,
)
from vendors.declared import MOST_DECLARED, PERIOD_FIELDS
from vendors.field_types import CorporateNumber, InvoiceNumber, company_name, expiry, kana
from vendors.filing_services import FilingDecision
from vendors.member_services import VENDOR_ROLES
from vendors.models import (
    QUALIFICATION_GRADES,
    QUALIFICATION_REGIONS,
    GbizIdType,
    MarketRole,
    QualificationKind,
)
from vendors.services import Decision


class Email(fields.String):
    """An e-mail address, half width, lower case."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        address = unicodedata.normalize("NFKC", text).strip().lower()
        label = self.metadata.get("label", "メールアドレス")
        sentence = f"{label}は hanako@example.jp のような形で入力してください。"
        validate.Email(error=sentence)(address)
        validate.Length(max=254, error=f"{label}は254文字以内で入力してください。")(address)
        return address


def email(label: str, *, required: bool = True) -> Email:
    """Declare an e-mail address with its label."""
    sentence = f"{label}を入力してください。"
    presence: dict[str, Any] = {"required": True} if required else {"load_default": ""}
    return Email(metadata={"label": label}, error_messages={"required": sentence}, **presence)


def _password() -> fields.String:
    return fields.String(
        required=True,
        metadata={"label": "パスワード"},
        error_messages={"required": "パスワードを入力してください。"},
        validate=validate.Length(max=200, error="パスワードは200文字以内で入力してください。"),
    )


class RegisterSchema(FormSchema):
    """The first page of a registration: the company and the person who registers it."""

    corporate_number = CorporateNumber(
        required=True,
        metadata={"label": "法人番号"},
        error_messages={"required": "法人番号を入力してください。"},
    )
    name = company_name()
    kana = kana()
    person_name = line("登録する方の氏名", maximum=100)
    email = email("メールアドレス")
    password = _password()


class ArrivalSchema(FormSchema):
    """The same for somebody whom GビズID vouches for: number, person and address are known."""

    name = company_name()
    kana = kana()


class SectionSchema(FormSchema):
    """Base of the sections of the file: a draft may be saved with blanks."""

    version = whole("版", minimum=1)


class CompanySchema(SectionSchema):
    """The company and its roles in the market."""

    name = company_name()
    kana = kana(required=False)
    representative = line("代表者の氏名", maximum=100, required=False)
    address = line("本店の所在地", maximum=300, required=False)
    invoice_number = InvoiceNumber(
        load_default="", metadata={"label": "適格請求書発行事業者の登録番号"}
    )
    is_small_or_medium = fields.Boolean(
        load_default=None,
        metadata={"label": "中小企業に当たるか"},
        error_messages={"invalid": "中小企業に当たるかは一覧から選択してください。"},
    )
    roles = options("市場での役割", [role.value for role in MarketRole], required=False)


class QualificationSchema(SectionSchema):
    """The unified qualification."""

    qualification_number = line("資格の登録番号", maximum=40, required=False)
    qualification_kinds = options(
        "資格の種類", [k.value for k in QualificationKind], required=False
    )
    qualification_grade = option("資格の等級", QUALIFICATION_GRADES, required=False)
    qualification_regions = options("競争参加地域", QUALIFICATION_REGIONS, required=False)
    qualification_expires_on = expiry(required=False)


class RenewalSchema(FormSchema):
    """A renewed qualification; nothing may stay blank."""

    qualification_number = line("資格の登録番号", maximum=40)
    qualification_kinds = options("資格の種類", [k.value for k in QualificationKind])
    qualification_grade = option("資格の等級", QUALIFICATION_GRADES)
    qualification_regions = options("競争参加地域", QUALIFICATION_REGIONS)
    qualification_expires_on = expiry()
    confirmed = checked("入力した内容は、資格審査結果通知書のとおりです")


class ChangeSchema(FormSchema):
    """New facts of a registered company; nothing but the invoice number may stay blank."""

    name = company_name()
    kana = kana()
    representative = line("代表者の氏名", maximum=100)
    address = line("本店の所在地", maximum=300)
    invoice_number = InvoiceNumber(
        load_default="", metadata={"label": "適格請求書発行事業者の登録番号"}
    )
    is_small_or_medium = fields.Boolean(
        required=True,
        metadata={"label": "中小企業に当たるか"},
        error_messages={
            "required": "中小企業に当たるかを選択してください。",
            "invalid": "中小企業に当たるかは一覧から選択してください。",
        },
    )
    roles = options("市場での役割", [role.value for role in MarketRole])
    reason = lines("変わった日と理由", maximum=1000)
    confirmed = checked("入力した内容は、登記などのとおりです")


FILING_SCHEMAS: dict[str, type[FormSchema]] = {
    "qualification": RenewalSchema,
    "company": ChangeSchema,
}


class FilingDecisionSchema(FormSchema):
    """A lead's decision on a filing."""

    decision = choice("判断", FilingDecision)
    reason = lines("理由", maximum=2000, required=False)
    confirmed = checked("届け出られた内容を確かめました")
    version = whole("版", minimum=1)


class FilingEndSchema(FormSchema):
    """The end of a filing that was handed in."""

    version = whole("版", minimum=1)


class ContactSchema(SectionSchema):
    """Where the vendor is reached."""

    contact_email = email("連絡先のメールアドレス", required=False)
    gbizid_type = option("GビズIDの種類", [k.value for k in GbizIdType], required=False)


class ExclusionsSchema(SectionSchema):
    """What a vendor declares of 指名停止等: none, or the periods, one more with each saving."""

    has_exclusions = fields.Boolean(
        load_default=None,
        metadata={"label": "指名停止等の期間があるか"},
        error_messages={"invalid": "指名停止等の期間があるかは一覧から選択してください。"},
    )
    removed = options("消す期間", [str(n) for n in range(MOST_DECLARED)], required=False)
    authority = line("措置をした機関", maximum=200, required=False)
    starts_on = day("始まる日", required=False)
    ends_on = day("終わる日", required=False)
    reason = lines("理由", maximum=1000, required=False)
    reference = line("根拠の文書", maximum=500, required=False)

    @validates_schema
    def check_period(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Refuse half a period, one that ends before it begins, and one beside 「ない」."""
        given = [name for name in PERIOD_FIELDS if data[name]]
        if not given:
            return
        if not data["has_exclusions"]:
            sentence = "期間を入力したときは「ある」を選択してください。"
            raise ValidationError(sentence, "has_exclusions")
        blank = [name for name in PERIOD_FIELDS if not data[name]]
        if blank:
            labels = {name: self.fields[name].metadata["label"] for name in blank}
            raise ValidationError({n: [f"{labels[n]}を入力してください。"] for n in blank})
        if data["ends_on"] < data["starts_on"]:
            raise ValidationError("終わる日は、始まる日と同じか後の日にしてください。", "ends_on")


SECTION_SCHEMAS: dict[str, type[SectionSchema]] = {
    "company": CompanySchema,
    "qualification": QualificationSchema,
    "exclusions": ExclusionsSchema,
    "contact": ContactSchema,
}


class InviteSchema(FormSchema):
    """Whom to invite as what."""

    email = email("メールアドレス")
    role = choice("役割", Role)

    @validates("role")
    def check_role(self, value: Role, data_key: str) -> None:
        """Refuse roles of other kinds of organisation."""
        del data_key
        if value not in VENDOR_ROLES:
            raise ValidationError("役割は一覧から選択してください。")


class RoleSchema(FormSchema):
    """The new role of a member."""

    role = choice("役割", Role)
    check_role = InviteSchema.check_role


class JoinSchema(FormSchema):
    """The account of somebody who joins by an invitation."""

    name = line("氏名", maximum=100)
    password = _password()


class ConfirmSchema(FormSchema):
    """The box on a page that asks once more."""

    confirmed = checked("内容を確かめました")


class SubmitSchema(FormSchema):
    """The declaration that ends the registration."""

    confirmed = checked("入力した内容は事実です")
    version = whole("版", minimum=1)


class AgreementSchema(FormSchema):
    """The acceptance of the framework agreement as it was shown."""

    confirmed = checked("基本契約の文面を読み、同意します")
    text_sha256 = fields.String(
        required=True,
        metadata={"label": "文面のハッシュ"},
        validate=validate.Length(equal=64, error="文面をもう一度開いてください。"),
    )


class IssueSchema(FormSchema):
    """A new version of the framework agreement; with `look`, its text is only compared."""

    label = line("版の番号", maximum=20)
    note = lines("変わるところ", maximum=1000)
    text = lines("文面", maximum=60_000)
    applies_from = day("効力が生じる日")
    accept_by = day("同意の期限")
    look = fields.String(load_default="")
    confirmed = fields.Boolean(
        load_default=False, metadata={"label": "前の版との違いと期限を確かめました"}
    )
    password = fields.String(load_default="", metadata={"label": "パスワード"})

    @validates("label")
    def check_label(self, value: str, data_key: str) -> None:
        """Refuse what is no number: it stands in addresses."""
        del data_key
        if not re.fullmatch(r"\d{1,4}(\.\d{1,4}){0,3}", value, re.ASCII):
            raise ValidationError("版の番号は、2.0のように半角の数字と点で入力してください。")

    @validates_schema
    def check_days(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Refuse an acceptance due before the version applies, and an issue that was not checked."""
        if data["accept_by"] < data["applies_from"]:
            sentence = "同意の期限は、効力が生じる日と同じか後の日にしてください。"
            raise ValidationError(sentence, "accept_by")
        if not data["look"] and not data["confirmed"]:
            label = self.fields["confirmed"].metadata["label"]
            sentence = f"「{label}」を確認して、チェックを入れてください。"
            raise ValidationError(sentence, "confirmed")


class AssignSchema(FormSchema):
    """The reviewer of a registration."""

    reviewer_id = row("確認する審査員")
    version = whole("版", minimum=1)


class DecisionSchema(FormSchema):
    """A lead's decision with findings by section."""

    decision = option("判断", [d.value for d in Decision])
    reason = lines("理由", maximum=2000, required=False)
    finding_company = lines("会社の情報への指摘", maximum=1000, required=False)
    finding_qualification = lines("全省庁統一資格への指摘", maximum=1000, required=False)
    finding_exclusions = lines("指名停止等への指摘", maximum=1000, required=False)
    finding_contact = lines("連絡先への指摘", maximum=1000, required=False)
    confirmed = checked("提出された内容を確かめました")
    version = whole("版", minimum=1)


class ExclusionSchema(FormSchema):
    """A time in which a public body keeps a vendor out."""

    starts_on = day("始まる日")
    ends_on = day("終わる日")
    authority = line("措置をした機関", maximum=200)
    reason = lines("理由", maximum=1000)
    reference = line("根拠の文書", maximum=500)

    @validates_schema
    def check_dates(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Refuse a time that ends before it begins."""
        if data["ends_on"] < data["starts_on"]:
            raise ValidationError("終わる日は、始まる日と同じか後の日にしてください。", "ends_on")


class StrikeSchema(FormSchema):
    """Why a record is struck out."""

    reason = lines("取り消す理由", maximum=1000)
    confirmed = checked("内容を確かめました")


class LeavingSchema(FormSchema):
    """The end of the own registration; whoever was public names the last day of service."""

    reason = lines("理由", maximum=1400)
    ends_on = day("サービスの提供を終える日", required=False)
    confirmed = checked("影響を確かめました")
    password = fields.String(load_default="", metadata={"label": "パスワード"})
    version = whole("版", minimum=1)


class TerminationSchema(LeavingSchema):
    """The same by the agency, which may say why the promised notice is not kept."""

    early_reason = lines("約束した予告より早く終える理由", maximum=500, required=False)


class SuspensionSchema(FormSchema):
    """The reason of a suspension or of its end, and the password when the sign-in is old."""

    reason = lines("理由", maximum=2000)
    confirmed = checked("影響を確かめました")
    password = fields.String(load_default="", metadata={"label": "パスワード"})
    version = whole("版", minimum=1)
