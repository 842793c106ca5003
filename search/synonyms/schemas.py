"""What a lead types about equal words."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from core.errors import BadRequest
from core.fields import FormSchema, checked, lines, whole
from search.analysis import plan_query
from search.spelling import normalise

MOST_WORDS = 12
LONGEST_WORD = 40


class ProposeSchema(FormSchema):
    """A group of equal words, one a line, and why."""

    words = lines("同じ意味のことば", maximum=600, required=False)
    reason = lines("理由", maximum=1_000)

    @validates_schema
    def check_words(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse words that no search could tell apart, or that find nothing."""
        if sentence := _judge(split_words(data.get("words", ""))):
            raise ValidationError(sentence, "words")

    @post_load
    def split(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """Give the words as a list."""
        return {"after": split_words(data["words"]), "reason": data["reason"]}


class EndSchema(FormSchema):
    """The end of a group: why, and that it is meant."""

    reason = lines("理由", maximum=1_000)
    confirmed = checked("この組をやめることを確かめました")


class ApplySchema(FormSchema):
    """The second lead's word."""

    confirmed = checked("検索の結果と並び順が変わることを確かめました")
    version = whole("版", minimum=1)


class DropSchema(FormSchema):
    """The end of a proposal."""

    version = whole("版", minimum=1)


def split_words(text: str) -> list[str]:
    """Return the words of a text, one a line."""
    return [word for line in text.splitlines() if (word := line.strip())]


def _judge(words: list[str]) -> str:
    if not 2 <= len(words) <= MOST_WORDS:
        return f"1行に1つずつ、2つから{MOST_WORDS}のことばを入力してください。"
    if long := next((word for word in words if len(word) > LONGEST_WORD), ""):
        return f"「{long[:10]}…」は{LONGEST_WORD}文字以内にしてください。"
    folded = [normalise(word) for word in words]
    for at, word in enumerate(words):
        if folded[at] in folded[:at]:
            first = words[folded.index(folded[at])]
            return (
                f"「{word}」は「{first}」と同じことばとして探されます。どちらかを消してください。"
            )
        if not _can_be_asked(word):
            return f"「{word}」は検索語になりません。文字のあることばにしてください。"
    return ""


def _can_be_asked(word: str) -> bool:
    try:
        return bool(plan_query(word).terms)
    except BadRequest:
        return False
