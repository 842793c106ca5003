"""The letter of a quote request as JSON values: one for everybody who is asked, with one number and hash."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from catalog.cost_words import length_words
from catalog.price_plan import TaxRounding
from core.clock import day_in_japan
from core.documents import canonical_json
from core.japanese import format_amount, format_date, format_datetime
from core.paper import Facts, Lines, Paper, Seals
from procurement.projects.models import ConditionKind, ContractTermBasis
from procurement.projects.paper_models import PaperKind
from procurement.quoting.content import VALID_DAYS, read_json
from procurement.quoting.models import QuoteRound

LETTER_FORMAT = "narabi-quote-request-1"
LETTER_LABEL = "見積依頼 SHA-256"
_ASKED = (
    "次の条件で見積をお願いします。条件は、依頼先のすべてに同じです。"
    "見積は、本システムの依頼の画面から提出してください。締切の後に2人で開封するまで、だれにも見えません。"
)


def make_letter(round_: QuoteRound, number: str, moment: datetime) -> bytes:
    """Return the canonical letter; it names nobody who is asked, and so is the same for all."""
    return canonical_json(
        {
            "format": LETTER_FORMAT,
            "number": number,
            "sent_at": moment.isoformat(timespec="microseconds"),
            "deadline_at": round_.deadline_at.isoformat(timespec="microseconds"),
            "questions_until": round_.questions_until.isoformat(timespec="microseconds"),
            "message": round_.message,
            "contact": round_.contact,
            "conditions": read_json(round_.conditions),
            "conditions_sha256": round_.conditions_sha256,
        }
    )


def condition_rows(conditions: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the conditions in words, each with its name: on pages and in print."""
    start, end = (date.fromisoformat(conditions[name]) for name in ("starts_on", "ends_on"))
    people = conditions["quantities"].get("population")
    rows = [
        ("件名", conditions["project"]["title"]),
        ("必要なこと", conditions["project"]["need"]),
        (
            "利用期間",
            f"{format_date(start)}から{format_date(end)}まで（{length_words(conditions['months'])}）",
        ),
        ("期間の根拠", ContractTermBasis(conditions["term_basis"]).label),
        ("人口", _population_words(conditions, people)),
    ]
    if conditions["quantities_words"]:
        rows.append(("数量", conditions["quantities_words"]))
    if conditions["options"]:
        rows.append(("使うオプション", "、".join(conditions["options"])))
    rows += [
        (each["key"], each["text"])
        for each in conditions["requirements"]
        if each["kind"] != ConditionKind.CASE  # need and term stand above, in the words of the case
    ]
    rows.append(("消費税の端数", TaxRounding(conditions["rounding"]).label))
    rows.append(("見積の有効期限", f"締切の日から{VALID_DAYS}日以上"))
    if conditions["may_be_cut"]:
        sentence = (
            "翌年度以降の予算が減額または削除されたときは、契約を変更または解除することがあります。"
        )
        rows.append(("予算", sentence))
    return rows


def _population_words(conditions: Mapping[str, Any], people: int | None) -> str:
    if people is None:
        return "登録されていません"
    on = conditions["population_on"]
    told = [format_date(date.fromisoformat(on))] if on else []
    told += [conditions["population_from"]] if conditions["population_from"] else []
    return f"{format_amount(people)}人" + (f"（{'、'.join(told)}）" if told else "")


def describe_letter(
    round_: QuoteRound, letterhead: Sequence[str], seals: Seals, *, sample: bool, sha256: str
) -> Paper:
    """Return the words of the paper; it names nobody who is asked, and so is the same for all."""
    made_at = round_.sent_at or round_.updated_at
    facts = [row for row in letter_rows(round_) if row[0] != "文書番号"]
    more = [Lines("3　そのほかの条件", round_.message.splitlines())] if round_.message else []
    return Paper(
        kind=PaperKind.QUOTE_REQUEST,
        title=PaperKind.QUOTE_REQUEST.label,
        number=round_.number or "",
        date=format_date(day_in_japan(made_at)),
        letterhead=letterhead,
        addressee=("見積を依頼する事業者　御中",),
        blocks=(
            Lines("依頼", [_ASKED]),
            Facts("1　依頼", facts),
            Facts("2　見積の条件", condition_rows(read_json(round_.conditions))),
            *more,
            seals,
        ),
        evidence_label=LETTER_LABEL,
        evidence_hash=sha256,
        references={
            "round_id": str(round_.id),
            "conditions_sha256": round_.conditions_sha256,
            "letter_sha256": sha256,
        },
        made_at=made_at,
        sample=sample,
    )


def letter_rows(round_: QuoteRound) -> list[tuple[str, str]]:
    """Return number, days and contact of a letter in words; who is asked alone must not learn that."""
    rows = [("文書番号", round_.number or "決裁のときに付きます")]
    if round_.sent_at is not None:
        rows.append(("依頼した日時", format_datetime(round_.sent_at)))
    rows += [
        ("質問の受付", f"{format_datetime(round_.questions_until)}まで"),
        ("見積の締切", f"{format_datetime(round_.deadline_at)}まで"),
        ("問い合わせ先", round_.contact),
    ]
    return rows
