"""What buyers see of one seller's terms, as plain values: quick to read by thousands, tied to no session."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from catalog.offerings.models import PriceComponentRow
from catalog.price_plan import PartMonth
from catalog.specifications.models import title_of
from vendors.models import label_of


@dataclass(frozen=True, slots=True)
class Listed:
    """One listing version that is listed now, with its software, its maker and its seller.

    Named as the columns they come from; `components` are rows of the price plan in their order.
    """

    id: uuid.UUID
    listing_id: uuid.UUID
    offering_id: uuid.UUID
    offering_version_id: uuid.UUID
    maker_id: uuid.UUID
    seller_id: uuid.UUID
    maker_name: str
    maker_is_sample: bool
    seller_name: str
    seller_is_sample: bool
    specification_code: str
    specification_name: str
    specification_field: str
    specification_label: str
    name: str
    summary: str
    description: str
    features: list[str]
    hosting_provider: str
    hosting_region: str
    networks: list[str]
    size_classes: list[str]
    export_formats: str
    body_kinds: list[str]
    languages: list[str]
    authentication: list[str]
    accreditations: list[dict[str, Any]]
    data_categories: list[dict[str, Any]]
    minimum_term_months: int
    part_month: PartMonth
    notice_months: int | None
    transition_days: int | None
    retrieval_days: int | None
    export_charge_yen: int | None
    deletion_certificate: bool | None
    parallel_running: bool | None
    escrow: bool | None
    search_text: str
    search_text_version: str
    components: Sequence[PriceComponentRow]

    @property
    def maker(self) -> str:
        """The maker, marked when invented."""
        return label_of(self.maker_name, is_sample=self.maker_is_sample)

    @property
    def seller(self) -> str:
        """The seller, marked when invented."""
        return label_of(self.seller_name, is_sample=self.seller_is_sample)

    @property
    def specification_title(self) -> str:
        """The version of the specification as it is read: 第1.0版."""
        return title_of(self.specification_label)
