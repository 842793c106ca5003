"""The 利用契約依頼書 as an editable copy, from the very payload that was approved with the PDF."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.paper import Block, Facts, Lines, Listing, Paper, Price, Seals
from procurement.projects.paper_models import PaperKind

_ASKS = (
    "次の内容で、貴社のサービスの利用契約を結びたいので、手続をお願いします。"
    "お引き受けいただけるかどうかを、{reply_by}までにお知らせください。"
)
_NOT_YET = (
    "この依頼書は契約の申込みを依頼する文書です。送付や承諾のお知らせだけでは契約になりません。"
    "契約は、両者が契約書に記名押印するか、電子署名を行ったときに確定します（地方自治法第234条第5項）。"
)


def make_request_paper(payload: Mapping[str, Any]) -> Paper:
    """Return the paper of an approved request; its words are those of the fixed PDF."""
    said = payload["document"]
    to = said["addressee"]
    name = to["name"] if to["representative"] else f"{to['name']}　御中"
    represented = [f"{to['representative']}　様"] if to["representative"] else []
    return Paper(
        kind=PaperKind.USAGE_CONTRACT_REQUEST,
        title=said["title"],
        number=said["number"],
        date=said["date"],
        addressee=(name, *represented),
        letterhead=(said["sender"]["body"], said["sender"]["approver"]),
        blocks=(
            Facts("", [("件名", said["subject"])]),
            Lines("", [_ASKS.format(reply_by=said["reply_by"]), _NOT_YET]),
            Facts("1　利用するサービス", _list_service(said)),
            Facts("2　契約の方法", _list_method(said)),
            *_list_price(said),
            *_list_end(said),
            Seals([(p["role"], p["name"], p["day"]) for p in said["approval"]["people"]]),
        ),
        evidence_label=said["evidence"]["label"],
        evidence_hash=said["evidence"]["hash"],
        references=payload["references"],
        made_at=datetime.fromisoformat(said["made_at"]),
        sample=said["sample"],
    )


def _list_price(said: Mapping[str, Any]) -> list[Block]:
    price, fees = said["price"], said["fees"]
    whole = [*fees["rows"], fees["total"]]
    found: list[Block] = [
        Price("3　利用期間の合計", price["formal"], price["tax"], price["rounding"]),
        Listing("内訳（単位：円）", fees["head"], whole, [1] * len(fees["head"])),
    ]
    if fees["basis"]:
        how = ("費用", "算定の方法（税抜）")
        found.append(Listing("算定の方法", how, fees["basis"], (1, 3)))
    return found


def _list_end(said: Mapping[str, Any]) -> list[Block]:
    contact = said["contact"]
    conditions = [*([said["reduction"]] if said["reduction"] else []), *said["conditions"]]
    return [
        *([Lines("4　条件", conditions)] if conditions else []),
        Facts(f"{5 if conditions else 4}　選定の記録", _list_search(said)),
        Facts(
            "問い合わせ先",
            [
                ("部署", f"{said['sender']['body']}　{contact['department']}"),
                ("担当", contact["person"]),
                ("電話", contact["phone"]),
                ("メール", contact["mail"]),
            ],
        ),
    ]


def _list_service(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    service = said["service"]
    return [
        ("サービス名", service["name"]),
        ("版", service["version"]),
        ("標準仕様書", service["specification"]),
        ("認証の状態", service["certification"]),
        ("利用期間", said["term"]),
    ]


def _list_method(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [("契約の方法", said["method"]["name"]), ("根拠となる条文", said["method"]["ground"])]
    rows += [("選んだ理由", said["method"]["reason"])] if said["method"]["reason"] else []
    return rows + ([("予算上の根拠", said["budget"])] if said["budget"] else [])


def _list_search(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    search = said["search"]
    return [
        ("検索を確定した時", search["locked_at"]),
        ("カタログの記録番号", search["sequence"]),
        ("検索証跡 SHA-256", search["hash"]),
    ]
