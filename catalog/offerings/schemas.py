"""What is typed about an offering and its listing, one schema per question group."""

import re
import unicodedata
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, validates_schema

from accounts.models import BodyKind
from catalog.offerings.models import ListingVersion, OfferingVersion
from catalog.offerings.rules import TermsChoice
from catalog.offerings.words import show_percent
from catalog.terms import (
    HOSTING_CODES,
    AccessibilityLevel,
    Authentication,
    Language,
    Network,
    SizeClass,
)
from core import japanese
from core.fields import (
    FormSchema,
    checked,
    choice,
    day,
    label_of,
    line,
    lines,
    option,
    options,
    row,
    whole,
    yen,
)
from core.state_machine import LabelledCode

MAXIMUM_FEATURES = 20
MAXIMUM_FEATURE_LENGTH = 100
WHOLE_PERCENT = 10_000


class Step(LabelledCode):
    """What the pressed button asks for besides saving."""

    NEXT = "next", "保存して次へ進む"
    STAY = "stay", "下書きを保存する"
    MORE = "more", "保存して行を増やす"
    PREVIEW = "preview", "料金を試算する"
    FORGET = "forget", "書きかけを取り消す"


class Percent(fields.Field[int]):
    """A rate such as 99.5 or 99.95%, kept in basis points."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:  # noqa: ARG002 - marshmallow's signature
        text = unicodedata.normalize("NFKC", str(value)).replace("%", "").strip()
        match = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?", text)
        label = label_of(self)
        if match is None:
            raise ValidationError(f"{label}は99.5のように、小数第2位までの数字で入力してください。")
        points = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
        if points > WHOLE_PERCENT:
            raise ValidationError(f"{label}は100以下の数字で入力してください。")
        return points


def percent(label: str) -> Percent:
    """Declare a rate that may stay open."""
    return Percent(metadata={"label": label}, load_default=None)


class YesNo(fields.Boolean):
    """Yes or no: true and false of JSON, or these words as a form sends them; never a number."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, str | bool):
            raise self.make_error("invalid", input=value)
        text = str(value).lower() if isinstance(value, bool) else value
        return bool(super()._deserialize(text, attr, data, **kwargs))


def yes_no(label: str) -> YesNo:
    """Declare a question with yes and no that may stay open."""
    sentence = f"{label}は一覧から選択してください。"
    return YesNo(
        metadata={"label": label},
        load_default=None,
        truthy={"true"},
        falsy={"false"},
        error_messages={"invalid": sentence},
    )


def web_address(label: str) -> Any:
    """Declare an https address that may stay open."""
    return WebAddress(metadata={"label": label}, load_default="")


class WebAddress(fields.String):
    """An address of the web that begins with https://."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        label = label_of(self)
        try:
            address = japanese.clean_line(text, label=label)
            parts = urlsplit(address)
        except (japanese.JapaneseTextError, ValueError) as error:
            sentence = str(error) if isinstance(error, japanese.JapaneseTextError) else ""
            raise ValidationError(sentence or _address_sentence(label)) from error
        if parts.scheme != "https" or "." not in (parts.hostname or "") or " " in address:
            raise ValidationError(_address_sentence(label))
        if len(address) > 500:
            raise ValidationError(f"{label}は500文字以内で入力してください。")
        return address


def _address_sentence(label: str) -> str:
    return f"{label}は https:// で始まるアドレスを入力してください。"


class GroupSchema(FormSchema):
    """What every question group carries: the version that was read and the pressed button."""

    version = whole("版", minimum=1)
    step = option("進み方", [each.value for each in Step], required=False)


class NewOfferingSchema(FormSchema):
    """The beginning of an offering: its standard and its name."""

    specification_version_id = row("標準仕様書")
    name = line("サービスの名称", maximum=120)


class OverviewSchema(GroupSchema):
    """概要."""

    name = line("サービスの名称", maximum=120)
    kana = line("名称の読み", maximum=120, required=False)
    summary = line("一行の説明", maximum=200, required=False)
    description = lines("サービスの説明", maximum=4_000, required=False)
    features = lines("主な機能", maximum=2_500, required=False)

    @validates_schema
    def check_features(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse too many or too long features."""
        found = split_features(data.get("features", ""))
        if len(found) > MAXIMUM_FEATURES:
            raise ValidationError(
                f"主な機能は{MAXIMUM_FEATURES}行以内で入力してください。現在{len(found)}行です。",
                "features",
            )
        for each in found:
            if len(each) > MAXIMUM_FEATURE_LENGTH:
                raise ValidationError(
                    f"主な機能の「{each[:20]}…」は{MAXIMUM_FEATURE_LENGTH}文字以内で入力してください。"
                    f"現在{len(each)}文字です。",
                    "features",
                )


def split_features(text: str) -> list[str]:
    """Return one feature per line, blank lines left out."""
    return [each.strip() for each in text.splitlines() if each.strip()]


class HostingSchema(GroupSchema):
    """設置場所とデータの出入り."""

    hosting_provider = option("設置場所の事業者", HOSTING_CODES, required=False)
    hosting_region = line("設置する地域", maximum=60, required=False)
    data_location = line("データを保管する場所", maximum=200, required=False)
    networks = options("使える回線", [each.value for each in Network], required=False)
    size_classes = options("対応する団体の人口", [each.value for each in SizeClass], required=False)
    import_formats = line("取り込めるデータの形式", maximum=300, required=False)
    export_formats = line("取り出せるデータの形式", maximum=300, required=False)
    api_specification = line("外部連携（API）の仕様", maximum=300, required=False)


class UsersSchema(GroupSchema):
    """使う団体と使い方."""

    body_kinds = options("対応する団体の種類", [each.value for each in BodyKind], required=False)
    languages = options("画面の言語", [each.value for each in Language], required=False)
    authentication = options(
        "本人確認の方法", [each.value for each in Authentication], required=False
    )
    accessibility_level = option(
        "アクセシビリティ", [each.value for each in AccessibilityLevel], required=False
    )
    accessibility_statement = lines("アクセシビリティの説明", maximum=500, required=False)

    @validates_schema
    def check_statement(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse a claimed level that nothing shows: a test result or the exceptions."""
        level = data.get("accessibility_level")
        if level and level != AccessibilityLevel.UNTESTED:
            if data.get("accessibility_statement"):
                return
            raise ValidationError(
                "適合のレベルを選んだときは、試験の結果のアドレスか説明も入力してください。",
                "accessibility_statement",
            )


class OperationSchema(GroupSchema):
    """運用."""

    support_hours = line("問い合わせを受ける時間", maximum=200, required=False)
    planned_service_hours = line("サービスを提供する予定の時間", maximum=200, required=False)
    availability_basis_points = percent("稼働率の目標")
    rto_hours = whole("復旧までの目標時間", required=False, maximum=8_760)
    rpo_hours = whole("どの時点のデータに戻すか", required=False, maximum=8_760)
    maintenance_notice_days = whole("計画停止を知らせる時期", required=False, maximum=365)
    onboarding_weeks = whole("利用開始までの期間", required=False, maximum=520)
    training = lines("研修", maximum=500, required=False)
    responsibility_boundary = lines("責任の分かれ目", maximum=1_000, required=False)

    @validates_schema
    def check_denominator(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse an availability of nothing, and one without the hours that it refers to."""
        if data.get("availability_basis_points") == 0:
            sentence = "稼働率の目標は0より大きい数字にするか、決めていなければ空欄にしてください。"
            raise ValidationError(sentence, "availability_basis_points")
        if data.get("availability_basis_points") is None or data.get("planned_service_hours"):
            return
        raise ValidationError(
            "稼働率の目標を書くときは、もとになる予定の時間も入力してください。",
            "planned_service_hours",
        )


class ExitSchema(GroupSchema):
    """やめるとき."""

    notice_months = whole("終了を知らせる時期", required=False, maximum=120)
    transition_days = whole("移行を助ける日数", required=False, maximum=3_650)
    retrieval_days = whole("データを取り出せる日数", required=False, maximum=3_650)
    export_charge_yen = yen("データ返還の費用（税抜）", required=False)
    deletion_certificate = yes_no("データ消去の証明書")
    parallel_running = yes_no("新旧の並行利用")
    escrow = yes_no("ソースコードの預託")
    exit_note = lines("補足", maximum=1_000, required=False)


class ConfirmSchema(FormSchema):
    """A confirm page with its one box, and the version that the reader saw."""

    version = whole("版", required=False, minimum=1)
    confirmed = checked()


class PublishSchema(ConfirmSchema):
    """The publication of a version; terms are chosen where newer ones are public."""

    terms = choice("公開する条件", TermsChoice, required=False)


class DeclineSchema(ConfirmSchema):
    """A maker's refusal of another seller."""

    reason = lines("断る理由", maximum=1_000)


class WithdrawSchema(ConfirmSchema):
    """The end of a listing."""

    reason = lines("終了の理由", maximum=2_000)
    ends_on = day("提供を終える日")


class Decision(LabelledCode):
    """What a lead decides about a change of price or terms."""

    APPROVE = "approve", "承認する"
    RETURN = "return", "差し戻す"


class DecisionSchema(FormSchema):
    """A lead's decision about a change of price or terms."""

    version = whole("版", minimum=1)
    decision = choice("判断", Decision)
    reason = lines("理由", maximum=2_000, required=False)

    @validates_schema
    def check_reason(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse to hand back without a reason."""
        if data.get("decision") is Decision.RETURN and not data.get("reason"):
            raise ValidationError("差し戻す理由を入力してください。", "reason")


def overview_values(row: OfferingVersion) -> dict[str, Any]:
    """Return what the overview page shows of a stored row."""
    return {**row.model_dump(), "features": "\n".join(row.features)}


def hosting_values(row: OfferingVersion) -> dict[str, Any]:
    """Return what the hosting page shows of a stored row."""
    return row.model_dump()


def users_values(row: OfferingVersion) -> dict[str, Any]:
    """Return what the page about users shows of a stored row; radios take lists."""
    level = row.accessibility_level
    return {**row.model_dump(), "accessibility_level": [level] if level else []}


def operation_values(row: ListingVersion) -> dict[str, Any]:
    """Return what the operation page shows of a stored row."""
    points = row.availability_basis_points
    return {**row.model_dump(), "availability_basis_points": show_percent(points)}


def exit_values(row: ListingVersion) -> dict[str, Any]:
    """Return what the exit page shows of a stored row; radios take lists."""
    values = row.model_dump()
    for name in ("deletion_certificate", "parallel_running", "escrow"):
        values[name] = [] if values[name] is None else [values[name]]
    return values
