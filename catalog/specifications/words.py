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
    "level": "段階（1列に書かれたレベル）",
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
        "要件id 機能id 機能要件id 要件番号 機能番号 要件コード 帳票id 項目id 要求id 要求番号 仕様id 仕様番号"
        " 機能コード 機能要件番号 管理番号 要件no 機能no 要求no reqid requirementid reqno requirementno"
        " requirementnumber requirement# req# reqnumber requirementref controlid controlidentifier"
        " controlnumber objectidentifier reqifforeignid 管理策番号 safeguardid cissafeguard 要件識別子 functionid"
    ),
    "chapter": _words("大項目 大分類 大区分 機能大分類 章 章名 chapter chaptername"),
    "section": _words("中項目 中分類 中区分 機能中分類 節 節名 subchapter sectionname"),
    "subsection": _words("小項目 小分類 小区分 機能小分類 subsection subsectionname"),
    "name": _words(
        "機能名称 機能名 要件名称 要件名 帳票名称 帳票名 項目名 名称 要求名称 要求名 件名 functionname name"
        " reqifname reqname requirementname requirementtitle controlname controlorcontrolenhancementname"
    ),
    "text": _words(
        "機能要件 機能要件本文 要件本文 要件内容 要件の内容 機能要件の内容 要件 本文 要求事項 要求内容"
        " 要求仕様 要件詳細 機能要件詳細 要件説明 仕様内容 帳票要件 データ要件 連携要件 非機能要件 requirement"
        " requirements requirementtext requirementdescription requirementstatement reqdescription reqtext"
        " objecttext reqiftext controltext controlstatement controldescription nistcontroldescription userstory verificationrequirement shallstatement"
    ),
    "class": _words(
        "実装区分 実装類型 実装区分どの団体も同じ 要件区分 必須区分 実装必須区分 実装要否 要求区分 適用区分 要否"
        " 必須任意 必須任意区分 必須任意の別 class classtoday requirementclass requirementlevel obligation"
        " requiredoptional mandatoryoptional mandatory moscow mustshouldmay"
    ),
    "class_designated_city": _words(
        "実装区分指定都市 実装区分政令指定都市 指定都市 政令指定都市 政令市 classdesignatedcity"
        " designatedcity designatedcities"
    ),
    "class_core_city": _words("実装区分中核市 中核市 中核市等 classcorecity corecity corecities"),
    "class_other": _words(
        "実装区分その他の団体 実装区分その他 実装区分一般市区町村 実装区分一般市町村"
        " その他の団体 その他の市区町村 その他の市町村 その他市区町村 その他市町村 一般市区町村 一般市町村"
        " 一般市 classother othermunicipalities otherbodies"
    ),
    "kind": _words("種別 要件種別 要件の種別 kind"),
    "rationale": _words("考え方理由 要件の考え方理由 考え方 要件の考え方 理由 rationale"),
    "conformity_date": _words("適合基準日 conformitydate"),
    "level": _words(
        "レベル 要求レベル 段階 level lv l baseline baselines baselineimpact tier ig 達成段階"
    ),
    "change_type": _words("改定種別 改訂種別 改定区分 変更種別 changetype"),
    "predecessor_requirement_id": _words(
        "前版要件id 前版機能id 旧要件id 旧機能id 改定前要件id predecessor predecessorrequirementid"
    ),
}

# Words that mean it only where nothing clearer stands in the table.
WEAK_HEADINGS = {
    "requirement_id": _words(
        "id no 番号 項番 code # 項目番号 項目no 通番 連番 identifier ref reference number コード"
    ),
    "section": _words("section subcategory"),
    "subsection": _words("section 項"),
    "chapter": _words("分類 カテゴリ カテゴリー category family domain area 領域 分野"),
    "name": _words("機能 データ項目名 function title タイトル 見出し summary"),
    "text": _words(
        "内容 仕様 text description 説明 概要 詳細 statement 機能内容 機能概要 specification detail"
        " details control 帳票概要 帳票の概要 帳票内容 帳票説明 連携概要 連携内容 データ概要"
    ),
    "class": _words(
        "区分 必須オプション 必須 必須か任意か 優先度 重要度 優先順位 優先区分 priority importance type"
        " strength keyword status 判定 記号"
    ),
    "kind": _words("種類 type"),
    "rationale": _words("reason discussion guidance supplementalguidance 補足 補足説明 理由背景"),
    "conformity_date": _words(
        "適用日 適合日 適用開始日 施行日 effectivedate effectivefrom compliancedate duedate"
    ),
}

# What is said under a head of classes only beside its siblings 指定都市 and 中核市.
OTHER_BODIES = _words("その他 others other 上記以外 市町村 市区町村 町村")

_MUST, _MAY, _MUST_NOT = RequirementClass

CLASS_WORDS = {
    word: code
    for code, words in (
        (
            _MUST,
            "実装必須 実装必須機能 必須 必須機能 必須要件 実装すべき機能 ◎ must shall required mandatory m",
        ),
        (_MUST, "musthave 義務 要"),
        (
            _MAY,
            "標準オプション 標準オプション機能 オプション 任意 任意要件 may optional option o can",
        ),
        (
            _MAY,
            "should recommended couldhave could shouldhave nicetohave desirable 推奨 望ましい 努力",
        ),
        (_MAY, "実装してもしなくても良い機能 実装してもしなくてもよい機能 選択"),
        (
            _MUST_NOT,
            "実装不可 実装不可機能 不可 禁止 実装しない機能 × ✕ ✖ mustnot shallnot prohibited forbidden",
        ),
    )
    for word in words.split()
}

# Headings under which bare marks are classes, and parts of headings under which they are answers.
CLASS_NAMES = _words(
    "区分 必須 必須オプション 必須か任意か 優先度 重要度 優先順位 優先区分 priority importance"
)
ANSWER_NAMES = _words(
    "回答 対応可否 対応状況 実現可否 可否 適合 評価 response answer complian conforman rating"
)

# A mark, and a word that is common but means another thing in another table.
MARKS = frozenset("○〇◯◎●◉△▲▽☆★□■◇◆×✕✖✗")
BLANK_WORDS = frozenset(
    ("", "-", "ー", "―", "－", "—", "–", "─", "n/a", "na", "なし", "該当なし", "対象外")
)

# Cells of a column that only says whether a line belongs to a level.
TICKS = _words("x ✓ ✔ ☑ ● ○ 〇 ◯ ◎ ■ ★ 1 yes y true 有 あり 該当 対象 required ✅")
NO_TICKS = _words("no n false 0 無 なし 非該当 対象外 ✗ ✘ ❌ ☐ □ n/a na - ー ― － — – ─ ×")
DOUBTFUL_TICK = "×"

# Levels of which each holds the ones before it; from the lowest.
LEVEL_FAMILIES = (
    ("bronze", "silver", "gold", "platinum"),
    ("low", "moderate", "high"),
    ("low", "medium", "high"),
    ("low", "mid", "high"),
    ("basic", "standard", "advanced"),
    ("basic", "intermediate", "advanced"),
    ("essential", "standard", "advanced"),
    ("foundation", "intermediate", "advanced"),
    ("ブロンズ", "シルバー", "ゴールド", "プラチナ"),
    ("低", "中", "高"),
    ("基本", "標準", "高度"),
    ("基礎", "標準", "発展"),
    ("初級", "中級", "上級"),
    ("最低限", "標準", "推奨"),
    ("a", "aa", "aaa"),
)
LEVEL_HINTS = ("level", "レベル", "tier", "baseline", "段階", "grade", "グレード")
# The highest of these counts first.
RANKINGS = _words(
    "優先度 重要度 優先順位 優先区分 必要度 必要性 priority importance criticality severity need urgency"
)

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

# In the first cell of a row that only counts the others.
TOTAL_WORDS = _words(
    "合計 計 総計 小計 件数 総件数 合計件数 要件数 total subtotal grandtotal sum count"
)

ABOLISHED_WORDS = _words("廃止 削除 abolished deleted")
