"""The words by which ministries' tables are recognised, folded by mapping.fold_word()."""

from catalog.terms import RequirementClass, RequirementKind

TARGET_LABELS = {
    "requirement_id": "要件ID",
    "chapter": "大項目",
    "section": "中項目",
    "subsection": "小項目",
    "name": "機能名称",
    "text": "機能要件（本文）",
    "class": "実装区分（どの団体も同じ）",
    "class_designated_city": "実装区分（指定都市）",
    "class_core_city": "実装区分（中核市）",
    "class_other": "実装区分（その他の団体）",
    "kind": "種別",
    "rationale": "考え方・理由",
    "conformity_date": "適合基準日",
    "change_type": "改定種別",
    "predecessor_requirement_id": "前版要件ID",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STRONG_HEADINGS = {
    "requirement_id": _words(
        "要件id 機能id 機能要件id 要件番号 機能番号 要件コード 帳票id 項目id reqid requirementid"
    ),
    "chapter": _words("大項目 大分類 機能大分類 章 chapter"),
    "section": _words("中項目 中分類 機能中分類 節 subchapter"),
    "subsection": _words("小項目 小分類 機能小分類 subsection"),
    "name": _words("機能名称 機能名 要件名称 要件名 帳票名称 帳票名 項目名 名称 functionname name"),
    "text": _words(
        "機能要件 機能要件本文 要件本文 要件内容 要件の内容 機能要件の内容 要件 本文 requirement"
        " requirementtext"
    ),
    "class": _words(
        "実装区分 実装区分どの団体も同じ 要件区分 必須区分 実装必須区分 class classtoday"
        " requirementclass"
    ),
    "class_designated_city": _words(
        "実装区分指定都市 実装区分政令指定都市 指定都市 政令指定都市 classdesignatedcity"
    ),
    "class_core_city": _words("実装区分中核市 中核市 classcorecity"),
    "class_other": _words(
        "実装区分その他の団体 実装区分その他 実装区分一般市区町村 実装区分一般市町村"
        " その他の団体 一般市区町村 一般市町村 classother"
    ),
    "kind": _words("種別 要件種別 要件の種別 kind"),
    "rationale": _words("考え方理由 要件の考え方理由 考え方 要件の考え方 理由 rationale"),
    "conformity_date": _words("適合基準日 conformitydate"),
    "change_type": _words("改定種別 改訂種別 改定区分 変更種別 changetype"),
    "predecessor_requirement_id": _words(
        "前版要件id 前版機能id 旧要件id 旧機能id 改定前要件id predecessor predecessorrequirementid"
    ),
}

# Words that mean it only where nothing clearer stands in the table.
WEAK_HEADINGS = {
    "requirement_id": _words("id no 番号 項番 code"),
    "section": _words("section"),
    "subsection": _words("section 項"),
    "chapter": _words("分類 category"),
    "name": _words("機能 function title 件名"),
    "text": _words("内容 仕様 text description"),
    "class": _words("区分 必須オプション obligation"),
    "kind": _words("種類 type"),
    "rationale": _words("reason"),
}

_MUST, _MAY, _MUST_NOT = RequirementClass

CLASS_WORDS = {
    word: code
    for code, words in (
        (
            _MUST,
            "実装必須 実装必須機能 必須 必須機能 実装すべき機能 ◎ must shall required mandatory",
        ),
        (_MAY, "標準オプション 標準オプション機能 オプション may optional option"),
        (_MAY, "実装してもしなくても良い機能 実装してもしなくてもよい機能"),
        (
            _MUST_NOT,
            "実装不可 実装不可機能 不可 実装しない機能 × ✕ mustnot shallnot prohibited forbidden",
        ),
    )
    for word in words.split()
}

KIND_WORDS = {
    word: code
    for code, words in (
        (RequirementKind.FUNCTION, "機能 機能要件 function functional"),
        (RequirementKind.FORM, "帳票 帳票要件 form report"),
        (RequirementKind.DATA, "データ データ要件 data"),
        (RequirementKind.LINK, "連携 連携要件 link interface"),
        (RequirementKind.NON_FUNCTIONAL, "非機能 非機能要件 nonfunctional"),
    )
    for word in words.split()
}

ABOLISHED_WORDS = _words("廃止 削除 abolished deleted")
