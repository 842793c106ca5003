"""What importing a row of a file makes."""

from core.state_machine import LabelledCode


class Act(LabelledCode):
    """What is public is never changed by a file: a draft beside it is."""

    NEW = "new", "新しいサービスの下書き"
    DRAFT = "draft", "下書きを変更"
    VERSION = "version", "新しい版の下書きを作成"
    TERMS = "terms", "料金・条件の変更の下書きを作成"
