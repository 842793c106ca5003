"""The tables of the comparison page as the macro wants them: functions, terms and costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog.columns import Column, Comparison
from catalog.comparison import Chapter, RequirementMatrix, Row, build_terms_table
from catalog.comparison_costs import cost_chapters
from catalog.conformance import AnswerEntry
from catalog.offerings.models import ListingVersion, OfferingVersion, OfferState
from catalog.specifications.models import SpecificationVersion
from catalog.term_values import term_values, vendor_words, yardstick_values
from catalog.terms import Answer, answer_label
from catalog.yardsticks import DISCLAIMER, YARDSTICKS
from core.clock import day_in_japan
from core.japanese import format_date
from vendors.models import VendorState

Table = dict[str, Any]

_FACTS = "事業者と認証"
_TERMS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "提供のしかた",
        (
            ("seller", "販売する事業者"),
            ("hosting", "設置場所"),
            ("networks", "使える回線"),
            ("kinds", "対応する団体の種類"),
            ("sizes", "対応する団体の人口"),
            ("languages", "画面の言語"),
            ("accessibility", "アクセシビリティ（JIS X 8341-3）"),
            ("onboarding", "利用を始めるまで"),
            ("training", "研修"),
            ("api", "APIの仕様"),
        ),
    ),
    (
        "サービスの水準",
        (
            ("availability", "稼働率"),
            ("rto", "目標復旧時間（RTO）"),
            ("rpo", "目標復旧時点（RPO）"),
            ("maintenance", "計画停止の予告"),
            ("support", "問い合わせを受ける時間"),
            ("boundary", "責任の分かれ目"),
        ),
    ),
    (
        "安全",
        (
            ("data_location", "データを保管する場所"),
            ("authentication", "本人確認の方法"),
            ("accreditations", "第三者の認証・登録（範囲と期限）"),
        ),
    ),
    (
        "やめるとき",
        (
            ("minimum_term", "最低利用期間"),
            ("notice", "提供を終える予告"),
            ("transition", "移行を助ける期間"),
            ("retrieval", "データを取り出せる期間"),
            ("imports", "取り込めるデータの形式"),
            ("exports", "取り出せるデータの形式"),
            ("categories", "データの種類ごとの形式"),
            ("export_charge", "データを取り出す費用（税抜）"),
            ("deletion", "データ消去の証明書"),
            ("parallel", "並行して動かす期間"),
            ("escrow", "ソースコードの預託"),
            ("exit_note", "補足"),
        ),
    ),
    (
        f"やめるときの目安（{DISCLAIMER}）",
        tuple((each.key, f"{each.label}：{each.limit_words}") for each in YARDSTICKS),
    ),
)
# The notice for a switch is the body's; vendors publish another one, their own.
_UNTOLD = {
    "switching_notice_months": "情報なし（乗り換えを申し出る側の予告は公開の項目にありません。「提供を終える予告」は事業者からの予告です）",
    "transition_days": "情報なし（移行が最長で何日かかるかは公開の項目にありません。「移行を手伝う日数」は別のものです）",
}


@dataclass(frozen=True, slots=True)
class Links:
    """Where names lead, and how an answer with its day looks.

    `requirements` gives where the requirements of a specification version lead, by their ids.
    """

    listing: Callable[[ListingVersion], str]
    requirements: Callable[[SpecificationVersion], Callable[[str], str]]
    mark: Callable[[str, date | None], str]


def head_columns(columns: Sequence[Column], links: Links) -> list[dict[str, Any]]:
    """Return the heads: the same facts in the same order for every service."""
    return [
        {
            "name": column.name,
            "href": links.listing(column.version),
            "sample": column.version.listing.seller.is_sample,
            "maker": vendor_words(column.version),
            "certification": {
                "state": column.standing.tag,
                "valid_until": column.standing.valid_until_day,
                "due": column.standing.due_on,
                "version_label": column.specification_version.title,
                "since": column.standing.since,
                "lapsed": column.standing.lapsed_on,
                "refused": column.standing.refused_on,
            },
            "lines": [words] if (words := absence_words(column.version)) else [],
        }
        for column in columns
    ]


def absence_words(version: ListingVersion) -> str:
    """Say why buyers do not find this listing version in the catalog now; empty when they do."""
    for row in (version, version.offering_version):
        if row.state is OfferState.WITHDRAWN:
            return f"提供を終了します{_ending_words(row)}。今は掲載していません。"
    if OfferState.SUPERSEDED in {version.state, version.offering_version.state}:
        return "前の版の内容です。新しい版が掲載されています。"
    vendors = (version.listing.seller, version.listing.offering.maker)
    if any(vendor.state is not VendorState.ACTIVE for vendor in vendors):
        return "事業者の登録が有効でないため、今は掲載していません。"
    return ""


def has_successor(version: ListingVersion) -> bool:
    """Tell whether another version stands in the catalog in its place, so that its page can be read."""
    states = {version.state, version.offering_version.state}
    vendors = (version.listing.seller, version.listing.offering.maker)
    is_active = all(vendor.state is VendorState.ACTIVE for vendor in vendors)
    return OfferState.SUPERSEDED in states and OfferState.WITHDRAWN not in states and is_active


def _ending_words(row: ListingVersion | OfferingVersion) -> str:
    if row.service_ends_on is not None:
        return f"（{format_date(row.service_ends_on)}まで）"
    if row.withdrawn_at is not None:
        return f"（{format_date(day_in_japan(row.withdrawn_at))}に届け出）"
    return ""


def function_table(comparison: Comparison, matrix: RequirementMatrix, links: Links) -> Table:
    """Return the requirement matrix; a chapter that a filter empties is one line."""
    places = {column.id: number for number, column in enumerate(comparison.columns)}
    kept = [places[column.id] for column in comparison.shown]
    lead = links.requirements(comparison.columns[0].specification_version)
    cell_of = _cell_maker(links)

    def requirement_row(row: Row) -> dict[str, Any]:
        return {
            "code": row.requirement.id,
            "href": lead(row.requirement.id),
            "requirement_class": row.requirement_class.short_label if row.requirement_class else "",
            "text": row.requirement.name or row.requirement.text,
            "differs": row.differs,
            "cells": [cell_of(row.entries[number]) for number in kept],
        }

    return {
        "id": "functions",
        "title": "機能要件の比較",
        "row_head": "機能要件",
        "facts_head": _FACTS,
        "columns": head_columns(comparison.shown, links),
        "chapters": [
            {
                "title": chapter.title,
                "label": _chapter_words(chapter),
                "folded": chapter.is_folded,
                "rows": [requirement_row(row) for row in chapter.rows],
            }
            for chapter in matrix.chapters
        ],
    }


def _chapter_words(chapter: Chapter) -> str:
    facts = [f"{chapter.total}件"]
    facts += [f"違い{chapter.differing}件"] if chapter.differing else ["違いなし"]
    facts += [f"未回答のある要件{chapter.with_gaps}件"] if chapter.with_gaps else []
    return f"{chapter.title or '章のない要件'}（{'、'.join(facts)}）"


def _cell_maker(links: Links) -> Callable[[AnswerEntry | None], dict[str, Any]]:
    """Return what makes cells of answers; answers without a note share one, mark and all."""
    made: dict[tuple[Answer, date | None] | None, dict[str, Any]] = {}

    def make(entry: AnswerEntry | None) -> dict[str, Any]:
        key = (entry.answer, entry.due) if entry else None
        cell = made.get(key)
        if cell is None:
            answer = entry.answer if entry else None
            due = entry.due if entry else None
            cell = made[key] = {
                "mark": links.mark(answer.value if answer else "unanswered", due),
                "words": say_answer(answer, due),
                "open": answer is None,
                "note": "",
            }
        return {**cell, "note": entry.note} if entry and entry.note else cell

    return make


def say_answer(answer: Answer | None, due: date | None) -> str:
    """Return an answer in words, with the day up to which a condition will be met."""
    words = answer_label(answer)
    return f"{words}（{format_date(due)}まで）" if due and answer is Answer.CONDITIONAL else words


def terms_table(comparison: Comparison, links: Links) -> Table:
    """Return the terms side by side; with only differences wanted, those that differ."""
    leaving = comparison.conditions.term.end
    columns = [
        (column.id, {**term_values(column), **yardstick_values(column, leaving)})
        for column in comparison.columns
    ]
    kept = {column.id for column in comparison.shown}
    only = comparison.conditions.only_differences
    chapters = []
    for title, labels in _TERMS:
        rows = build_terms_table(dict(labels), columns)
        found = [row for row in rows if row.differs or not only]
        differing = sum(row.differs for row in rows)
        chapters.append(
            {
                "label": f"{title}（{len(rows)}件、{f'違い{differing}件' if differing else '違いなし'}）",
                "folded": not found,
                "rows": [
                    {
                        "text": row.label,
                        "differs": row.differs,
                        "cells": [
                            {"gap": _UNTOLD.get(row.key, cell.text)}
                            if cell.is_unknown
                            else {"text": cell.text}
                            for cell in row.cells
                            if cell.offering_id in kept
                        ],
                    }
                    for row in found
                ],
            }
        )
    return {
        "id": "terms",
        "title": "条件の比較",
        "row_head": "条件",
        "facts_head": _FACTS if comparison.whole is None else None,
        "columns": head_columns(comparison.shown, links),
        "chapters": chapters,
    }


def label_terms() -> dict[str, str]:
    """Return the label of every term by its key, in their order."""
    return dict(pair for _, labels in _TERMS for pair in labels)


def cost_table(comparison: Comparison, links: Links) -> Table:
    """Return what each service costs the body by fiscal year, and what stands beside the total."""
    return {
        "id": "costs",
        "title": "費用の比較",
        "row_head": "費用",
        "facts_head": None,
        "columns": head_columns(comparison.shown, links),
        "chapters": cost_chapters(comparison),
    }
