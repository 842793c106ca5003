"""For whom the costs of results are computed. Pure."""

from dataclasses import dataclass, field

from catalog.cost_rules import PLAIN_RULES, CostRules, ExchangeRate
from catalog.price_bands import ReferencePrice, first_year_cost
from catalog.price_plan import PricePlan, Volumes
from search.engine import REFERENCE_POPULATIONS


@dataclass(frozen=True, slots=True)
class Costing:
    """A population, with what else a reader keeps: quantities, options in use, exchange rates.

    `words` say what is kept beside the population; they decide nothing.
    """

    population: int
    volumes: Volumes
    options: frozenset[str] = frozenset()
    rates: tuple[ExchangeRate, ...] = ()
    words: str = field(default="", compare=False)

    @property
    def is_plain(self) -> bool:
        """Tell whether the population alone decides, as in the index."""
        only = Volumes(population=self.population)
        return not (self.options or self.rates) and self.volumes == only

    @property
    def is_indexed(self) -> bool:
        """Tell whether the index knows these costs."""
        return self.is_plain and self.population in REFERENCE_POPULATIONS

    def first_year(self, plan: PricePlan) -> ReferencePrice:
        """Return what the first twelve months cost by a price list."""
        return first_year_cost(plan, self.volumes, self._rules())

    def _rules(self) -> CostRules:
        if not (self.options or self.rates):
            return PLAIN_RULES
        rates = {each.currency: each for each in self.rates}
        return CostRules(PLAIN_RULES.rounding, options=self.options, rates=rates)


def for_population(population: int) -> Costing:
    """Return the costs of a body of which nothing but the population is known."""
    return Costing(population, Volumes(population=population))
