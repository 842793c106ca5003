"""Which ways to a contract are open for an amount, and why: 地方自治法 234条, 施行令 167条・167条の2.

Nothing here knows a secret: the amount is one that everybody in the body may see (published
prices), never the estimated price (予定価格).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.models import BodyKind
from core.japanese import format_yen
from core.state_machine import LabelledCode
from procurement.bodies.models import ContractCategory
from procurement.bodies.rules import BodyRules


class Method(LabelledCode):
    """The ways from candidates to one contractor."""

    LIST_PRICE = "list_price", "少額の随意契約（公表料金）"
    QUOTES = "quotes", "少額の随意契約（見積合わせ）"
    SINGLE_QUOTE = "single_quote", "随意契約（一者見積）"
    PROPOSAL = "proposal", "公募型プロポーザルと随意契約"
    DESIGNATED = "designated", "指名競争入札"
    OPEN_TENDER = "open_tender", "一般競争入札"


class Ground(LabelledCode):
    """The nine legal grounds of a direct contract (施行令 167条の2 ①)."""

    SMALL_AMOUNT = "small_amount", "少額の契約（施行令第167条の2第1項第1号）"
    SOLE_SUPPLIER = (
        "sole_supplier",
        "性質又は目的が競争入札に適しない（施行令第167条の2第1項第2号）",
    )
    WELFARE = "welfare", "福祉施設等からの調達（施行令第167条の2第1項第3号）"
    NEW_PRODUCT = "new_product", "新商品の生産者等からの調達（施行令第167条の2第1項第4号）"
    URGENT = "urgent", "緊急の必要（施行令第167条の2第1項第5号）"
    UNFAVOURABLE = "unfavourable", "競争入札が不利（施行令第167条の2第1項第6号）"
    FAVOURABLE = "favourable", "時価に比べて著しく有利な価格（施行令第167条の2第1項第7号）"
    NO_BIDDER = "no_bidder", "入札者又は落札者がない（施行令第167条の2第1項第8号）"
    SUCCESSOR = "successor", "落札者が契約を結ばない（施行令第167条の2第1項第9号）"


_G = Ground
AFTER_TENDER = (_G.NO_BIDDER, _G.SUCCESSOR)
_OF_ONE_VENDOR: tuple[Ground, ...] = tuple(each for each in Ground if each is not _G.SMALL_AMOUNT)


class Need(LabelledCode):
    """What a method asks for before it may be decided."""

    ONE_VENDOR_REASON = "one_vendor_reason", "1者だけに依頼する理由"
    SPLITTING_NOTE = "splitting_note", "分けて発注していない理由"
    QUOTES = "quotes", "見積の依頼と開封"
    ESTIMATED_PRICE = "estimated_price", "予定価格調書"
    BUDGET_CLAUSE = "budget_clause", "予算の減額・削除のときに変更・解除できる条項"
    ACKNOWLEDGEMENT = "acknowledgement", "適合するサービスがほかにもあることを確かめた決裁者の記録"


@dataclass(frozen=True, slots=True)
class MethodFacts:
    """What decides which methods are open; amounts in yen with tax over the whole term.

    `conforming` counts different services in the locked evidence, exclusions ignored: resellers of
    one service are one. `amount` is None where published prices give no total; `is_estimate` tells
    that it stands for what quotes will say, so that no published price can be chosen for it.
    """

    kind_of_body: BodyKind | None
    category: ContractCategory
    amount: int | None
    ceiling: int | None
    conforming: int
    rules: BodyRules
    amount_is_estimate: bool = False
    related_total: int = 0
    has_budget_clause: bool = False

    @property
    def is_small(self) -> bool:
        """Tell whether the amount is within the ceiling of ground 1号."""
        return self.ceiling is not None and self.amount is not None and self.amount <= self.ceiling

    @property
    def splits(self) -> bool:
        """Tell whether it is within the ceiling alone but not together with related orders."""
        if not self.is_small or not self.related_total:
            return False
        return (self.amount or 0) + self.related_total > (self.ceiling or 0)

    @property
    def asks_for_sheet(self) -> bool:
        """Tell whether the body's rules ask for an estimated price on paper at this amount."""
        limit = self.rules.sheet_omitted_up_to
        return limit is None or self.amount is None or self.amount > limit

    @property
    def may_ask_one(self) -> bool:
        """Tell whether the body's rules let one quote or one published price do at this amount."""
        limit = self.rules.single_quote_up_to
        return limit is not None and self.amount is not None and self.amount <= limit


@dataclass(frozen=True, slots=True)
class MethodAnswer:
    """Whether a method is open, why, on which grounds, and what it asks for."""

    method: Method
    is_open: bool
    why: str
    grounds: tuple[Ground, ...] = ()
    needs: frozenset[Need] = frozenset()
    is_suggested: bool = False


def open_methods(facts: MethodFacts) -> tuple[MethodAnswer, ...]:
    """Return an answer for every method, in the order of the page; at most one is suggested.

    A direct contract as sole supplier (2号) is never suggested while two services conform.
    """
    suggested = _suggest(facts)
    always = {Need.BUDGET_CLAUSE} if facts.has_budget_clause else set()
    return tuple(
        MethodAnswer(
            method,
            is_open,
            why,
            grounds,
            frozenset(needs | always) if is_open else frozenset(),
            is_open and method is suggested,
        )
        for method, is_open, why, grounds, needs in _judge(facts)
    )


_Judged = tuple[Method, bool, str, tuple[Ground, ...], set[Need]]


def _judge(facts: MethodFacts) -> Iterator[_Judged]:
    yield (Method.LIST_PRICE, *_list_price(facts))
    yield (Method.QUOTES, *_quotes(facts))
    yield (Method.SINGLE_QUOTE, *_single_quote(facts))
    yield (Method.PROPOSAL, *_proposal(facts))
    yield (Method.DESIGNATED, *_designated(facts))
    yield (Method.OPEN_TENDER, *_open_tender(facts))


def _suggest(facts: MethodFacts) -> Method | None:
    """Return what the law and the body's rules would take first; None leaves it to people."""
    if not facts.conforming:
        return None
    if facts.amount is None:
        enough = facts.ceiling is not None and facts.conforming >= facts.rules.quotes_at_least
        return Method.QUOTES if enough else None
    if facts.splits or not facts.is_small:
        # Above the ceiling the law's rule is the open tender; one conforming service shuts it out.
        return Method.SINGLE_QUOTE if facts.conforming == 1 else Method.OPEN_TENDER
    if facts.conforming >= facts.rules.quotes_at_least and not (
        facts.may_ask_one and not facts.amount_is_estimate
    ):
        return Method.QUOTES
    if not facts.amount_is_estimate:
        return Method.LIST_PRICE
    return Method.SINGLE_QUOTE if facts.conforming == 1 else None


_Answer = tuple[bool, str, tuple[Ground, ...], set[Need]]
_NONE_CONFORMS = "確定した検索結果に、条件に適合するサービスがありません。"
_NO_CEILING = "今日の時点で使える少額の契約の限度額がありません。"


def _shut(why: str) -> _Answer:
    return False, why, (), set()


def _small_needs(facts: MethodFacts) -> set[Need]:
    return {Need.SPLITTING_NOTE} if facts.splits else set()


def _over(facts: MethodFacts) -> str:
    return (
        f"合計{format_yen(facts.amount or 0)}（税込、利用期間の全体）が、"
        f"少額の契約の限度額{format_yen(facts.ceiling or 0)}をこえます。"
    )


def _within(facts: MethodFacts) -> str:
    words = (
        f"合計{format_yen(facts.amount or 0)}（税込、利用期間の全体）が、"
        f"少額の契約の限度額{format_yen(facts.ceiling or 0)}以下です。"
    )
    if facts.splits:
        total = format_yen((facts.amount or 0) + facts.related_total)
        words += f"ただし、関係する案件と合わせると{total}になり、限度額をこえます。"
    return words


def _list_price(facts: MethodFacts) -> _Answer:
    if not facts.conforming:
        return _shut(_NONE_CONFORMS)
    if facts.ceiling is None:
        return _shut(_NO_CEILING)
    if facts.amount is None or facts.amount_is_estimate:
        return _shut("公表された料金だけでは合計が決まらないため、見積が必要です。")
    if not facts.is_small:
        return _shut(_over(facts))
    needs, words = _small_needs(facts), _within(facts)
    limit = facts.rules.single_quote_up_to
    if facts.may_ask_one:
        words += f"団体の規則では、{format_yen(limit or 0)}以下は1者の金額だけで決められます。"
    else:
        needs.add(Need.ONE_VENDOR_REASON)
        words += "見積合わせをしない理由が必要です。"
    return True, words, (_G.SMALL_AMOUNT,), needs


def _quotes(facts: MethodFacts) -> _Answer:
    least = facts.rules.quotes_at_least
    if facts.ceiling is None:
        return _shut(_NO_CEILING)
    if facts.conforming < least:
        return _shut(
            f"団体の規則では{least}者以上から見積を取りますが、"
            f"適合するサービスは{facts.conforming}件です（同じサービスの販売者は1件と数えます）。"
        )
    if facts.amount is not None and not facts.is_small:
        return _shut(_over(facts))
    needs = _small_needs(facts) | {Need.QUOTES}
    if facts.asks_for_sheet:
        needs.add(Need.ESTIMATED_PRICE)
    words = (
        _within(facts)
        if facts.amount is not None
        else (
            "公表された料金だけでは合計が決まりません。見積の合計が限度額"
            f"{format_yen(facts.ceiling)}以下のときに選べます。"
        )
    )
    return (
        True,
        f"{words}{least}者以上に同じ条件で依頼し、最も低い見積を選びます。",
        (_G.SMALL_AMOUNT,),
        needs,
    )


def _single_quote(facts: MethodFacts) -> _Answer:
    if not facts.conforming:
        return _shut(_NONE_CONFORMS)
    needs = {Need.QUOTES}
    if facts.asks_for_sheet:
        needs.add(Need.ESTIMATED_PRICE)
    if not (facts.is_small and facts.may_ask_one):
        needs.add(Need.ONE_VENDOR_REASON)
    words = ""
    grounds: tuple[Ground, ...] = _OF_ONE_VENDOR
    if facts.is_small:
        needs |= _small_needs(facts)
        words = f"{_within(facts)}第1号の契約として、1者の見積で決められます。"
        grounds = (_G.SMALL_AMOUNT, *grounds)
    if facts.conforming == 1:
        words += (
            "確定した検索結果で適合するサービスは1件です。第2号などを根拠にするときは、ほかにないことを"
            "確かめ、1者だけに依頼する理由を書きます。"
        )
    else:
        needs.add(Need.ACKNOWLEDGEMENT)
        words += (
            f"適合するサービスが{facts.conforming}件あるため、第2号（性質又は目的が競争入札に"
            "適しない）は勧めません。選ぶときは、ほかのサービスでは目的を達せられない理由と、"
            "決裁者の確認が要ります。ほかの号は、それぞれの事実があるときだけ選べます。"
        )
    words += "第8号と第9号は入札のあとだけで、その入札の番号か件名と日を根拠の説明に書きます。"
    return True, words, grounds, needs


def _proposal(facts: MethodFacts) -> _Answer:
    if facts.conforming < 2:
        return _shut("提案を比べるには、適合するサービスが2件以上要ります。")
    words = (
        "価格のほかの基準を先に決めて提案を比べ、1位の事業者から見積を取ります。"
        "第2号の契約になり、評価の結果がその理由になります。必要かどうかは団体で判断してください。"
    )
    return True, words, (_G.SOLE_SUPPLIER,), {Need.QUOTES, Need.ESTIMATED_PRICE}


def _designated(facts: MethodFacts) -> _Answer:
    least = facts.rules.designated_at_least
    if facts.conforming < least:
        return _shut(
            f"団体の規則では{least}者以上を指名しますが、適合するサービスは{facts.conforming}件です。"
        )
    words = (
        "契約の性質や目的が一般競争入札に適しないとき、競う者が少数のとき、一般競争入札が不利な"
        f"ときに限ります（施行令第167条）。{least}者以上を指名し、予定価格以下の最も低い金額で決めます。"
        f"{_TENDER_ELSEWHERE}"
    )
    return True, words, (), {Need.ESTIMATED_PRICE}


_TENDER_ELSEWHERE = "入札はこの画面では進められません。"
_TREATY = "政府調達に関する協定の対象になる金額では、特例の手続（公告など）も必要です。"


def _open_tender(facts: MethodFacts) -> _Answer:
    words = "契約の原則です（地方自治法第234条第2項）。いつでも選べます。" + _TENDER_ELSEWHERE
    if facts.kind_of_body in {BodyKind.PREFECTURE, BodyKind.DESIGNATED_CITY}:
        words += _TREATY
    return True, words, (), {Need.ESTIMATED_PRICE}
