"""The content of a whole draft, group by group, as a program sends it."""

from typing import Any

HOSTING = {
    "hosting_provider": "aws",
    "hosting_region": "東京",
    "data_location": "東京と大阪",
    "networks": ["lgwan"],
    "size_classes": ["under_10k", "10k"],
    "import_formats": "CSV（文字コードはUTF-8）",
    "export_formats": "CSV、JSON",
    "api_specification": None,
}
OVERVIEW = {
    "name": "見本の窓口予約",
    "kana": None,
    "summary": "窓口の予約を受け付けます。",
    "description": "住民が窓口を予約し、\n職員が順番を管理します。",
    "features": ["予約の受付", "順番の案内"],
}
OPERATION = {
    "support_hours": "平日9時から17時まで",
    "planned_service_hours": "毎日0時から24時まで",
    "availability_basis_points": 9_995,
    "rto_hours": 4,
    "rpo_hours": None,
    "maintenance_notice_days": 14,
    "onboarding_weeks": 6,
    "training": None,
    "responsibility_boundary": None,
}
EXIT = {
    "notice_months": 6,
    "transition_days": 30,
    "retrieval_days": 60,
    "export_charge_yen": 0,
    "deletion_certificate": True,
    "parallel_running": False,
    "escrow": None,
    "exit_note": None,
}
COMPONENT = {
    "kind": "usage",
    "name": "予約1件",
    "unit": "case",
    "interval": "usage",
    "tier_mode": "volume",
    "tiers": [{"from": 0, "unit_price": 30}, {"from": 1000, "unit_price": 25}],
    "minimum": 1_000,
    "maximum": None,
    "size_classes": [],
    "valid_from": None,
    "valid_to": "2030-03-31",
    "currency": "JPY",
}
BASE = {
    **COMPONENT,
    "kind": "base",
    "name": "月額基本",
    "unit": "lump",
    "interval": "month",
    "tiers": [{"from": 0, "unit_price": 20_000}],
    "minimum": None,
    "valid_to": None,
}
PRICES = {
    "minimum_term_months": 12,
    "tax_rounding": "whole",
    "part_month": "whole",
    "components": [BASE, COMPONENT],
}
GROUPS: dict[str, Any] = {
    "overview": OVERVIEW,
    "hosting": HOSTING,
    "users": {
        "body_kinds": [],
        "languages": ["ja"],
        "authentication": [],
        "accessibility_level": None,
        "accessibility_statement": None,
    },
    "data": {
        "data_categories": [
            {"name": "予約", "imports": None, "exports": "CSV", "conformity": "partly"}
        ]
    },
    "accreditations": {
        "accreditations": [
            {
                "kind": "iso_27001",
                "number": "JQA-1",
                "body": "見本の認証機関",
                "scope": "全社",
                "expires_on": "2030-01-31",
            }
        ]
    },
    "prices": PRICES,
    "discounts": {
        "discounts": [{"from_bodies": 5, "basis_points": 525}],
        "state_support_yen": 100_000,
        "state_support_until": "2030-03-31",
        "state_support_note": None,
    },
    "operation": OPERATION,
    "exit": EXIT,
}
