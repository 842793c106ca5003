"""The rules by which a price becomes a cost: rounding, tax, discount, currency. Pure, integer yen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from catalog.price_plan import Currency, TaxRounding

TAX_RATE_BASIS_POINTS = 1000
_WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """How many yen 100 of a currency are worth on a day, with its source; ValueError if impossible.

    1 dollar at 152.34 yen is 15,234. No rate is built in: who computes names one.
    """

    currency: Currency
    yen_per_100: int
    as_of: date
    source: str

    def __post_init__(self) -> None:
        """Refuse what is not a rate, or nobody's."""
        if self.currency is Currency.JPY or self.yen_per_100 <= 0:
            raise ValueError("an exchange rate is a positive number for a foreign currency")
        if not self.source.strip():
            raise ValueError("an exchange rate has a source")

    @property
    def per_unit(self) -> str:
        """Give how many yen one unit is worth, as people write it: 152.34."""
        return f"{self.yen_per_100 // 100}.{self.yen_per_100 % 100:02d}"

    def to_yen(self, amount: int) -> int:
        """Give an amount in hundredths of the currency in yen, fractions of a yen dropped."""
        return amount * self.yen_per_100 // 10_000


@dataclass(frozen=True, slots=True)
class CostRules:
    """By what a body computes: tax rounding, options in use, leaving, discount, exchange rates.

    The discount is off what runs (base, usage, options), each charge for itself; what is paid once
    and what a cloud charges is passed on in full.
    """

    rounding: TaxRounding
    options: frozenset[str] = frozenset()
    include_exit: bool = False
    discount_basis_points: int = 0
    rates: Mapping[Currency, ExchangeRate] = field(default_factory=dict)
    tax_basis_points: int = TAX_RATE_BASIS_POINTS

    def __post_init__(self) -> None:
        """Refuse a discount or a tax that nobody could owe, and a rate of another currency."""
        if not 0 <= self.discount_basis_points <= _WHOLE:
            raise ValueError("a discount is 0 to 10,000 basis points")
        if self.tax_basis_points < 0:
            raise ValueError("a tax rate must not be negative")
        if any(rate.currency is not currency for currency, rate in self.rates.items()):
            raise ValueError("an exchange rate stands under its own currency")


PLAIN_RULES = CostRules(TaxRounding.WHOLE)


def compute_tax(amount: int, tax_basis_points: int = TAX_RATE_BASIS_POINTS) -> int:
    """Give the consumption tax on an amount in yen, fractions of a yen dropped."""
    return amount * tax_basis_points // _WHOLE


def discount(amount: int, basis_points: int) -> int:
    """Give an amount in yen less a discount in basis points, fractions of a yen dropped."""
    return amount * (_WHOLE - basis_points) // _WHOLE
