"""What is typed to keep a search."""

from core.fields import FormSchema, checked, line

NAME_LENGTH = 60


class NameSchema(FormSchema):
    """The name under which a search is kept."""

    name = line("検索の名前", maximum=NAME_LENGTH)


class DeleteSchema(FormSchema):
    """The end of a saved search."""

    confirmed = checked("この検索を削除することを確かめました")


class OpenSchema(FormSchema):
    """Opening takes nothing but the button."""
