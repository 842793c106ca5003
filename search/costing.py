"""For whom the costs of results are computed. Pure."""

from dataclasses import dataclass, field

from catalog.cost_rules import PLAIN_RULES, CostRules, ExchangeRate
from catalog.price_bands import ReferencePrice, first_year_cost
from catalog.price_plan import PricePlan, Volumes
from search.engine import REFERENCE_POPULATIONS


@dataclass(frozen=True, slots=True)
class WorkCosting:
    """What a reader keeps for the services of one specification: quantities and options in use."""

    code: str
    volumes: Volumes
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Costing:
    """A population, with what else a reader keeps: households, exchange rates, and for single works more.

    `words` say what is kept beside the population; they decide nothing.
    """

    population: int
    volumes: Volumes
    rates: tuple[ExchangeRate, ...] = ()
    works: tuple[WorkCosting, ...] = ()
    words: str = field(default="", compare=False)

    @property
    def is_plain(self) -> bool:
        """Tell whether the population alone decides, as in the index."""
        only = Volumes(population=self.population)
        return not (self.works or self.rates) and self.volumes == only

    @property
    def is_indexed(self) -> bool:
        """Tell whether the index knows these costs."""
        return self.is_plain and self.population in REFERENCE_POPULATIONS

    def first_year(self, plan: PricePlan, work: str) -> ReferencePrice:
        """Return what the first twelve months cost by a price list of a service for a work."""
        own = next((each for each in self.works if each.code == work), None)
        options = own.options if own else frozenset()
        return first_year_cost(plan, own.volumes if own else self.volumes, self._rules(options))

    def _rules(self, options: frozenset[str]) -> CostRules:
        if not (options or self.rates):
            return PLAIN_RULES
        rates = {each.currency: each for each in self.rates}
        return CostRules(PLAIN_RULES.rounding, options=options, rates=rates)


def for_population(population: int) -> Costing:
    """Return the costs of a body of which nothing but the population is known."""
    return Costing(population, Volumes(population=population))
