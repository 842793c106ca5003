"""The rules by which a price becomes a cost: tax and discount. Pure, integer yen."""

TAX_RATE_BASIS_POINTS = 1000


def compute_tax(amount: int, tax_basis_points: int = TAX_RATE_BASIS_POINTS) -> int:
    """Give the consumption tax on an amount in yen, fractions of a yen dropped."""
    return amount * tax_basis_points // 10_000


def discount(amount: int, basis_points: int) -> int:
    """Give an amount in yen less a discount in basis points, fractions of a yen dropped."""
    return amount * (10_000 - basis_points) // 10_000
