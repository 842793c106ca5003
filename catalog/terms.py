"""The words of the catalog: codes with their one Japanese label, shared by all layers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from core.state_machine import LabelledCode


class RequirementClass(LabelledCode):
    """The class of a requirement (実装区分) in a standard specification."""

    MUST = "must", "実装必須"
    MAY = "may", "標準オプション"
    MUST_NOT = "must_not", "実装不可"

    @property
    def short_label(self) -> str:
        """Give the word for narrow columns, never a mark: ◎○× would be read as conformance."""
        return _SHORT_CLASS_LABELS[self.value]


_SHORT_CLASS_LABELS = {"must": "必須", "may": "オプション", "must_not": "不可"}


class RequirementKind(LabelledCode):
    """What a requirement is about."""

    FUNCTION = "function", "機能"
    FORM = "form", "帳票"
    DATA = "data", "データ"
    LINK = "link", "連携"
    NON_FUNCTIONAL = "non_functional", "非機能"


class Answer(LabelledCode):
    """A vendor's answer to one requirement; no answer at all is None, shown as UNANSWERED_LABEL."""

    CONFORMS = "conforms", "適合"
    CONDITIONAL = "conditional", "条件付適合"
    ALTERNATIVE = "alternative", "代替手段"
    NOT_CONFORMING = "not_conforming", "非適合"
    NOT_APPLICABLE = "not_applicable", "対象外"
    NOT_IMPLEMENTED = "not_implemented", "非実装"
    VIOLATES = "violates", "抵触"


UNANSWERED_LABEL = "未回答"

_PROHIBITION_ANSWERS = (Answer.NOT_IMPLEMENTED, Answer.VIOLATES)
_DUTY_ANSWERS = tuple(answer for answer in Answer if answer not in _PROHIBITION_ANSWERS)


def answer_label(answer: Answer | None) -> str:
    """Give the label of an answer, with its own word for a missing one."""
    return UNANSWERED_LABEL if answer is None else answer.label


def answers_for(requirement_class: RequirementClass) -> tuple[Answer, ...]:
    """Give the answers that a requirement of this class allows: 実装不可 has its own two."""
    if requirement_class is RequirementClass.MUST_NOT:
        return _PROHIBITION_ANSWERS
    return _DUTY_ANSWERS


def answers_for_any(classes: Iterable[RequirementClass]) -> tuple[Answer, ...]:
    """Give the answers allowed when a requirement's class differs per kind of body."""
    allowed = {answer for each in classes for answer in answers_for(each)}
    return tuple(answer for answer in Answer if answer in allowed)


class EvidenceKind(LabelledCode):
    """What an evidence file is, found by reading it."""

    PDF = "pdf", "PDF"
    PNG = "png", "PNG"
    XLSX = "xlsx", "XLSX"
    CSV = "csv", "CSV"


class BodyClass(LabelledCode):
    """The kinds of body for which a specification may set different classes."""

    DESIGNATED_CITY = "designated_city", "指定都市"
    CORE_CITY = "core_city", "中核市"
    OTHER = "other", "その他の団体"


class CertificationState(LabelledCode):
    """What is known about conformity; the first five are never merged with one another."""

    CERTIFIED = "certified", "認証済み"
    CONDITIONAL = "conditional", "条件付き認証"
    CLAIMED = "claimed", "申告のみ"
    EXPIRED = "expired", "期限切れ"
    UNKNOWN = "unknown", "情報なし"
    SUSPENDED = "suspended", "効力停止"
    REVOKED = "revoked", "取消し"


class SizeClass(LabelledCode):
    """Population classes of bodies; the lower bound is inclusive (5万人未満 / 5万人以上)."""

    UNDER_10K = "under_10k", "1万人未満"
    FROM_10K = "10k", "1万人以上5万人未満"
    FROM_50K = "50k", "5万人以上20万人未満"
    FROM_200K = "200k", "20万人以上50万人未満"
    FROM_500K = "500k", "50万人以上"


class Network(LabelledCode):
    """The lines over which a service can be used."""

    LGWAN = "lgwan", "LGWAN"
    INTERNET = "internet", "インターネット"
    CLOSED = "closed", "閉域網"


class Language(LabelledCode):
    """The languages in which residents or staff can use the screens."""

    JAPANESE = "ja", "日本語"
    EASY_JAPANESE = "ja_easy", "やさしい日本語"
    ENGLISH = "en", "英語"
    CHINESE = "zh", "中国語"
    KOREAN = "ko", "韓国語"
    VIETNAMESE = "vi", "ベトナム語"
    PORTUGUESE = "pt", "ポルトガル語"
    SPANISH = "es", "スペイン語"
    TAGALOG = "tl", "フィリピン語"
    NEPALI = "ne", "ネパール語"
    INDONESIAN = "id", "インドネシア語"


class AccessibilityLevel(LabelledCode):
    """What the vendor claims of JIS X 8341-3; a claim without a test is a class of its own."""

    AA = "aa", "JIS X 8341-3のAAに準拠"
    AA_PARTLY = "aa_partly", "JIS X 8341-3のAAに一部準拠"
    A = "a", "JIS X 8341-3のAに準拠"
    UNTESTED = "untested", "試験をしていない"


class Authentication(LabelledCode):
    """How users prove who they are."""

    PASSWORD = "password", "IDとパスワード"
    MULTI_FACTOR = "multi_factor", "多要素認証"
    SAML = "saml", "SAMLによるシングルサインオン"
    OIDC = "oidc", "OpenID Connectによるシングルサインオン"
    CLIENT_CERTIFICATE = "client_certificate", "端末の電子証明書"
    STAFF_CARD = "staff_card", "職員のICカード"
    MY_NUMBER_CARD = "my_number_card", "マイナンバーカード（公的個人認証）"
    GBIZ_ID = "gbiz_id", "GビズID"


class AccreditationKind(LabelledCode):
    """Accreditations by third parties that bodies ask for."""

    ISMAP = "ismap", "ISMAP"
    ISMAP_LIU = "ismap_liu", "ISMAP-LIU"
    ISO_27001 = "iso_27001", "ISO/IEC 27001"
    ISO_27017 = "iso_27017", "ISO/IEC 27017"
    ISO_27018 = "iso_27018", "ISO/IEC 27018"
    PRIVACY_MARK = "privacy_mark", "プライバシーマーク"
    LGWAN_ASP = "lgwan_asp", "LGWAN-ASP"


class DataConformity(LabelledCode):
    """How exported data of a category stand to the data requirement (データ要件) of the standard."""

    CONFORMS = "conforms", "データ要件に適合"
    PARTLY = "partly", "データ要件に一部適合"
    NOT_CONFORMING = "not_conforming", "データ要件に適合しない"
    NONE = "none", "データ要件の定めがない"


SIZE_LOWER_BOUNDS: tuple[tuple[SizeClass, int], ...] = (
    (SizeClass.UNDER_10K, 0),
    (SizeClass.FROM_10K, 10_000),
    (SizeClass.FROM_50K, 50_000),
    (SizeClass.FROM_200K, 200_000),
    (SizeClass.FROM_500K, 500_000),
)


def size_class_for(population: int) -> SizeClass:
    """Give the size class of a population in persons; ValueError for a negative one."""
    if population < 0:
        raise ValueError(f"population must not be negative: {population}")
    return next(size for size, lower in reversed(SIZE_LOWER_BOUNDS) if population >= lower)


@dataclass(frozen=True, slots=True)
class HostingProvider:
    """A place where a service runs, as one row of a code list with validity dates (None: open)."""

    code: str
    label: str
    is_government_cloud: bool
    valid_from: date | None = None
    valid_to: date | None = None

    def is_valid_on(self, day: date) -> bool:
        """Tell whether the code may be chosen on this day, both ends included."""
        after_start = self.valid_from is None or self.valid_from <= day
        return after_start and (self.valid_to is None or day <= self.valid_to)


HOSTING_PROVIDERS: tuple[HostingProvider, ...] = (
    HostingProvider("aws", "AWS", is_government_cloud=True),
    HostingProvider("google_cloud", "Google Cloud", is_government_cloud=True),
    HostingProvider("azure", "Microsoft Azure", is_government_cloud=True),
    HostingProvider("oci", "Oracle Cloud Infrastructure（OCI）", is_government_cloud=True),
    HostingProvider("sakura", "さくらのクラウド（条件付き）", is_government_cloud=True),
    HostingProvider("own_datacentre", "自社データセンター", is_government_cloud=False),
    HostingProvider("other", "その他", is_government_cloud=False),
)

HOSTING_CODES: tuple[str, ...] = tuple(provider.code for provider in HOSTING_PROVIDERS)
_HOSTING_LABELS = {provider.code: provider.label for provider in HOSTING_PROVIDERS}


def hosting_label(code: str) -> str:
    """Give the label of a hosting code; KeyError for a code that the list does not hold."""
    return _HOSTING_LABELS[code]


def hosting_choices(day: date) -> tuple[tuple[str, str], ...]:
    """Give (code, label) of the providers that may be chosen on this day, in the declared order."""
    return tuple((row.code, row.label) for row in HOSTING_PROVIDERS if row.is_valid_on(day))
