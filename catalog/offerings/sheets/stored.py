"""What a row of a file may do to what is stored: to a draft, or to what is public by a new draft."""

from collections.abc import Iterable, Iterator

from catalog.offerings.models import EDITABLE_STATES, OfferState
from catalog.offerings.sheets.acts import Act
from catalog.offerings.sheets.columns import BY_TARGET, Part
from catalog.offerings.sheets.queries import OwnOffering
from catalog.offerings.sheets.rendering import mark_versions

_STALE = (
    "ファイルを書き出したあとに、ほかで変更されています。"
    "もう一度書き出し、新しいファイルに書き写してください。"
)


def choose_act(stored: OwnOffering | None, changed: Iterable[str], *, has_new_prices: bool) -> Act:
    """Return what a row makes: what is public is never changed, a draft beside it is opened."""
    if stored is None:
        return Act.NEW
    of_software, of_terms = _split(changed, has_new_prices=has_new_prices)
    if of_software and stored.version.state is OfferState.PUBLISHED:
        return Act.VERSION
    if of_terms and not of_software and stored.terms.state is OfferState.PUBLISHED:
        return Act.TERMS
    return Act.DRAFT


def find_stale(written: str, stored: OwnOffering) -> str:
    """Return the sentence for a row that somebody changed since the export, nothing for another."""
    return "" if written == mark_versions(stored) else _STALE


def find_stops(
    stored: OwnOffering, changed: Iterable[str], *, has_new_prices: bool
) -> Iterator[tuple[str, str, bool]]:
    """Give (target, sentence, whether somebody was faster) of all that keeps a row from changing."""
    of_software, of_terms = _split(changed, has_new_prices=has_new_prices)
    if of_software and stored.is_resold:
        for target in of_software:
            sentence = (
                "ほかの会社のサービスの内容は変えられません。書き出したときの値に戻してください。"
            )
            yield target, sentence, False
    elif of_software and stored.version.state is OfferState.PUBLISHED:
        if stored.pending is not None:
            sentence = (
                f"書き出したあとに、第{stored.pending}版の準備が始まっています。"
                "もう一度書き出すと、その版の行を変えられます。"
            )
            yield of_software[0], sentence, True
    elif of_software and stored.version.state not in EDITABLE_STATES:
        yield of_software[0], _closed(stored.version.state), False
    if of_terms and stored.terms.state not in {*EDITABLE_STATES, OfferState.PUBLISHED}:
        yield of_terms[0], _closed(stored.terms.state), False


def _closed(state: OfferState) -> str:
    return (
        f"「{state.label}」なので、今は変えられません。審査や公開が済むか、"
        "画面で取り下げてから、書き出し直してください。"
    )


def _split(changed: Iterable[str], *, has_new_prices: bool) -> tuple[list[str], list[str]]:
    told = list(changed)
    of_software = [each for each in told if BY_TARGET[each].part is Part.OFFERING]
    of_terms = [each for each in told if BY_TARGET[each].part is Part.LISTING]
    return of_software, [*of_terms, *(["component_kind"] if has_new_prices else [])]
