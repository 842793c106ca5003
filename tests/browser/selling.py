"""What a vendor does at its first visit, step by step: registration, offering, submission."""

import re

from openpyxl import load_workbook

from tests.letterbox import empty_letterbox

PASSWORD = "mihon-narabi-walk-2026"
_OTHER = {"name": "別の表.csv", "mimeType": "text/csv", "buffer": "品名,数\n見本,1\n".encode()}


def register_vendor(walker, settings, key, number, name, kana):
    """A company registers, is checked and approved, and accepts the framework agreement."""
    vendor = walker(key).open("/vendors/register")
    vendor.fill("法人番号", "1234567890123").fill("商号又は名称", name).fill("かな", kana)
    vendor.fill("登録する方の氏名", "見本 花子").fill("メールアドレス", f"{key}@example.jp")
    vendor.fill("パスワード", PASSWORD).press("登録を始める").sees("法人番号")
    assert vendor.field("商号又は名称").input_value() == name
    vendor.fill("法人番号", number).fill("パスワード", PASSWORD).press("登録を始める")
    vendor.follow("サインインして続ける").fill("メールアドレス", f"{key}@example.jp")
    file = vendor.fill("パスワード", PASSWORD).press("サインインする").page.url
    letter = empty_letterbox(settings)["メールアドレスの確認のお願い"][0].get_content()
    vendor.open(re.search(r"/account/address/\S+", letter)[0]).press("このメールアドレスを使う")
    vendor.follow("会社の情報").fill("代表者の氏名", "見本 太郎")
    vendor.fill("本店の所在地", "長野県松本市見本1-1").choose("中小企業に当たるか", "当たる")
    vendor.choose("市場での役割", "開発").choose("市場での役割", "団体と契約").press("保存する")
    vendor.open(file).follow("全省庁統一資格").fill("資格の登録番号", "0000123456")
    vendor.choose("資格の種類", "物品の販売").choose("資格の種類", "役務の提供等")
    vendor.choose("資格の等級", "A").choose("競争参加地域", "関東")
    vendor.date("資格の有効期限", 2028, 3, 31).press("保存する")
    vendor.open(file).follow("指名停止等").choose("指名停止等の期間があるか", "ない").press(
        "保存する"
    )
    vendor.open(file).follow("連絡先").fill("連絡先のメールアドレス", f"info-{key}@example.jp")
    vendor.choose("GビズIDの種類", "プライム").press("保存する")
    vendor.open(file).follow("確認して提出する")
    vendor.tick("入力した内容は事実です").press("この内容で提出する")
    lead = walker("lead").open("/vendors/queue").follow(name)
    lead.follow("確認する審査員を決める").choose("確認する審査員", "審査 一郎").press(
        "審査員を決める"
    )
    lead.follow("登録について判断する").choose("判断", "認める").tick(
        "提出された内容を確かめました"
    )
    lead.press("判断を確定する")
    vendor.open(file).follow("基本契約を読んで同意する")
    vendor.tick("版の文面を読み").press("基本契約に同意する")


def offer(walker, key, name, reading, *, standard, chapter):
    """The vendor describes, prices and answers for a service by its forms, and submits it."""
    vendor = walker(key).open("/vendor/offerings").follow("サービスを登録する")
    vendor.press("登録を始める").sees("選択してください")
    vendor.choose("標準仕様書", standard).fill("サービスの名称", name)
    vendor.press("登録を始める")
    tasks = vendor.page.url
    vendor.follow("概要").fill("名称の読み", reading).fill(
        "一行の説明", "小さな町の窓口のための住民記録です。"
    )
    vendor.fill("サービスの説明", "転入、転出、証明書の発行までを一つの画面で行います。")
    vendor.fill("主な機能", "転入届の受付\n住民票の写しの発行").press("保存して次へ進む")
    vendor.choose("設置場所の事業者", "AWS").fill("設置する地域", "東京").choose(
        "使える回線", "LGWAN"
    )
    vendor.choose("対応する団体の人口", "1万人未満").fill("取り込めるデータの形式", "CSV（UTF-8）")
    vendor.fill("取り出せるデータの形式", "CSV、JSON").press("保存して次へ進む")
    answer_all(vendor, tasks, chapter)
    finish_terms(vendor, tasks)
    vendor.open(tasks).follow("確認して提出する").follow("提出の確認へ進む")
    vendor.tick("提出する内容は事実のとおりです").press("この内容で提出する")
    return tasks


def finish_terms(vendor, tasks):
    """Fill in the prices, the operation and the way out."""
    vendor.open(tasks).follow("料金を入力する")
    price(vendor, 1, "初期", "一式", "1回", 50_000)
    price(vendor, 2, "月額基本", "一式", "毎月", 10_000)
    price(vendor, 3, "従量", "人口1人", "毎月", 1)
    vendor.choose("消費税の計算", "全期間の合計").press("保存して次へ進む")
    vendor.open(tasks).follow("運用を入力する").fill(
        "問い合わせを受ける時間", "平日9時から17時まで"
    )
    vendor.fill("サービスを提供する予定の時間", "毎日6時から24時まで").fill("稼働率の目標", "99.5")
    vendor.press("保存して次へ進む")
    vendor.open(tasks).follow("やめるときを入力する").fill("終了を知らせる時期", "12")
    vendor.fill("移行を助ける日数", "30")
    vendor.fill("データを取り出せる日数", "60").choose("データ消去の証明書を出しますか", "はい")
    vendor.press("保存して次へ進む")


def price(vendor, row, kind, unit, interval, amount):
    """Fill one row of the price list."""
    for field, words in (("kind", kind), ("unit", unit), ("interval", interval)):
        vendor.page.locator(f"#f-{field}_{row}").select_option(label=words)
    vendor.page.locator(f"#f-price_{row}").fill(str(amount))


def answer_all(vendor, tasks, chapter):
    """Answer the first page of requirements one by one, and the rest in the spreadsheet."""
    vendor.open(tasks).follow("要件ごとに回答する").follow(chapter)
    for group in vendor.page.locator("fieldset:has(input[name^='answer_'])").all():
        words = "非実装" if group.get_by_label("非実装", exact=True).count() else "適合"
        group.get_by_text(words, exact=True).click()
    vendor.press("保存して次へ進む").open(tasks).follow("要件ごとに回答する")
    vendor.follow("表計算ソフトでまとめて回答する")
    vendor.field("記入した表").set_input_files(_OTHER)
    vendor.press("表を確かめる")
    vendor.sees("何も保存していません")
    sheet = vendor.download("回答の表（XLSX）")
    workbook = load_workbook(sheet)
    rows = workbook.active.iter_rows()
    columns = {cell.value: number for number, cell in enumerate(next(rows))}
    for row in rows:
        if not row[columns["回答"]].value:
            forbidden = "不可" in row[columns["実装区分"]].value
            row[columns["回答"]].value = "非実装" if forbidden else "適合"
    workbook.save(sheet)
    vendor.attach("記入した表", sheet).press("表を確かめる").press("この内容で保存する")
    vendor.sees("件の回答を変えました")
