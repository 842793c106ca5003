"""What lists of the API leave out by themselves, said in every answer (`server_filters`)."""

from core.state_machine import LabelledCode


class ServerFilter(LabelledCode):
    """One condition that nobody asked for and that holds all the same."""

    PUBLIC = "public", "公開中で、提供する事業者が確かめた販売条件だけ"
    VENDOR_IN_FORCE = "vendor_in_force", "登録が有効な事業者だけ（停止中と終了を除く）"
    STANDING_NOW = "standing_now", "認証の状態は、今の時点のもの"
    PRICES_BEGUN = "prices_begun", "今日までに始まった料金だけ"
    PRICES_ON_DAY = "prices_on_day", "計算の日（priced_on）に有効な料金だけ"
    ACCREDITATIONS_VALID = "accreditations_valid", "今日有効な認証・登録だけ"
    REFERENCES_CONFIRMED = "references_confirmed", "名前を出すことを確かめた団体だけ"
    ONCE_PUBLIC = "once_public", "公開されたことのある版だけ"
    VERSIONS_PUBLISHED = "versions_published", "公表された版だけ"
    NOTICES_PUBLISHED = (
        "notices_published",
        "団体が公表した契約だけ。取り下げたものは中身を載せない",
    )
    OWN_ORGANISATION = "own_organisation", "トークンの組織のものだけ"
    NOT_PUBLIC = "not_public", "まだ公開していない版だけ"


PUBLIC = (
    ServerFilter.PUBLIC,
    ServerFilter.VENDOR_IN_FORCE,
    ServerFilter.STANDING_NOW,
    ServerFilter.PRICES_BEGUN,
    ServerFilter.ACCREDITATIONS_VALID,
    ServerFilter.REFERENCES_CONFIRMED,
)
"""Of offerings as buyers find them."""
