"""Forms keep what was typed, name every wrong field, and show both texts of a conflict."""

from datetime import date
from enum import StrEnum

import pytest
from werkzeug.datastructures import MultiDict

from core.errors import GuardFailed, StaleVersion
from core.fields import (
    FormSchema,
    checked,
    choice,
    day,
    line,
    lines,
    option,
    options,
    whole,
    yen,
)
from core.forms import Form


class Colour(StrEnum):
    BLUE = "blue"


class OrderSchema(FormSchema):
    name = line("名称", maximum=10)
    note = lines("備考", maximum=20, required=False)
    price = yen("月額")
    seats = whole("人数", required=False, minimum=1, maximum=99)
    starts_on = day("開始日")
    colour = choice("色", Colour, required=False)
    region = option("地域", ("east", "west"), required=False)
    networks = options("回線", ("lgwan", "internet"), required=False)
    version = whole("版", required=False)


GOOD = [
    ("name", " 見本 "),
    ("price", "１２０，０００円"),
    ("starts_on-era", "reiwa"),
    ("starts_on-year", "８"),
    ("starts_on-month", "10"),
    ("starts_on-day", "1"),
    ("networks", "lgwan"),
    ("networks", "internet"),
    ("csrf_token", "x"),
]


def form(*changes, drop=()):
    pairs = [pair for pair in GOOD if pair[0] not in drop]
    return Form(OrderSchema(), MultiDict([*pairs, *changes]))


def test_values_as_people_write_them_are_understood():
    posted = form(("seats", "１２"), ("colour", "blue"))
    assert posted.validate()
    assert posted.data == {
        "name": "見本",
        "note": "",
        "price": 120_000,
        "seats": 12,
        "starts_on": date(2026, 10, 1),
        "colour": Colour.BLUE,
        "region": "",
        "networks": ["lgwan", "internet"],
        "version": None,
    }


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "名称を入力してください。"),
        ("name", "　", "名称を入力してください。"),
        ("name", "長" * 12, "名称は10文字以内で入力してください。現在12文字です。"),
        ("price", "", "月額を入力してください。"),
        ("price", "-5", "月額"),
        ("seats", "百", "人数は数字で入力してください。"),
        ("seats", "100", "人数は1以上99以下の数字で入力してください。"),
        ("colour", "red", "色は一覧から選択してください。"),
        ("region", "north", "地域は一覧から選択してください。"),
        ("networks", "radio", "回線は一覧から選択してください。"),
        ("starts_on-month", "13", "開始日"),
    ],
)
def test_each_wrong_value_is_named_and_kept(field, value, sentence):
    posted = form((field, value), drop=(field,))
    assert not posted.validate()
    base = field.removesuffix("-month")
    assert sentence in (posted.error(base) or "")
    assert posted.value(field) == value
    assert posted.summary == [(f"f-{base}", posted.error(base))]
    assert posted.status == 422


@pytest.mark.parametrize("name", ["\u202eevil", "a\u0000b", "a\u2066b"])
def test_invisible_characters_are_refused(name):
    posted = form(("name", name), drop=("name",))
    assert not posted.validate()
    assert "名称" in posted.error("name")


def test_an_unknown_field_is_refused_by_name():
    posted = form(("admin", "1"))
    assert not posted.validate()
    assert posted.summary == [("main", "「admin」という項目は受け付けていません。")]


def test_a_field_of_one_value_sent_twice_is_refused_and_nothing_is_lost():
    posted = form(("name", "二つ目の名称"), ("starts_on-day", "2"), ("networks", "lgwan"))
    assert not posted.validate()
    assert posted.error("name") == (
        "名称が2回送られました（「 見本 」「二つ目の名称」）。一つだけにして、送り直してください。"
    )
    assert "開始日が2回送られました（「1」「2」）" in posted.error("starts_on")
    assert posted.error("networks") is None
    assert (posted.status, [name for name, _ in posted.summary]) == (
        422,
        ["f-name", "f-starts_on"],
    )
    assert posted.value("price") == "１２０，０００円"


def test_a_password_sent_twice_is_not_shown():
    class SignIn(FormSchema):
        password = line("パスワード", maximum=50)

    posted = Form(SignIn(), MultiDict([("password", "one-secret"), ("password", "two-secret")]))
    assert not posted.validate()
    assert posted.error("password") == (
        "パスワードが2回送られました。一つだけにして、送り直してください。"
    )


def test_a_missing_date_says_what_to_enter():
    posted = form(drop=("starts_on-year", "starts_on-month", "starts_on-day"))
    assert not posted.validate()
    assert posted.error("starts_on") == "開始日を入力してください。"


def test_initial_dates_fill_their_three_parts():
    shown = Form(OrderSchema(), None, {"starts_on": date(2026, 10, 1)})
    parts = [shown.value(f"starts_on-{part}") for part in ("era", "year", "month", "day")]
    assert parts == ["reiwa", "8", "10", "1"]


def test_a_guard_lists_every_reason_on_the_page(database):
    def act(_session, _data):
        raise GuardFailed([("f-name", "名称がありません。"), ("f-price", "料金がありません。")])

    posted = form()
    assert posted.submit(act) is None
    assert posted.summary == [("f-name", "名称がありません。"), ("f-price", "料金がありません。")]


def test_a_conflict_shows_both_texts_and_the_choice_is_kept(database):
    def act(_session, _data):
        raise StaleVersion(current={"name": "先の人", "price": 5, "version": 7})

    posted = form(("version", "6"))
    assert posted.submit(act) is None
    assert posted.status == 412
    rows = {row["name"]: (row["mine"], row["theirs"]) for row in posted.conflict["rows"]}
    assert rows == {"name": ("見本", "先の人"), "price": ("120000", "5")}
    assert posted.value("version") == "7"
    again = form(
        ("version", "7"),
        ("keep-name", "theirs"),
        ("theirs-name", "先の人"),
        ("keep-price", "mine"),
        ("theirs-price", "5"),
    )
    assert again.validate()
    assert (again.data["name"], again.data["price"]) == ("先の人", 120_000)


def test_a_box_that_must_be_ticked_says_so():
    class Confirm(FormSchema):
        confirmed = checked("内容を確認しました")

    posted = Form(Confirm(), MultiDict())
    assert not posted.validate()
    assert "チェックを入れてください" in posted.error("confirmed")
