"""Which column of somebody's table feeds which field: recognised, then confirmed by a person."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.offerings.sheets.columns import BY_TARGET, NOTE
from core.errors import Invalid

IGNORED = ""


@dataclass(frozen=True, slots=True)
class SheetMapping:
    """What a person told: by heading the target, or nothing for a column that is not read.

    `specification` (code and version) stands for the whole file where no column names it.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, str] = field(default_factory=dict)
    specification: str = ""

    @classmethod
    def from_json(cls, value: Any) -> "SheetMapping":
        """Read what to_json() wrote or a person typed; raises Invalid naming what is unknown."""
        if not isinstance(value, dict) or set(value) - {"columns", "prices", "specification"}:
            names = "columns、prices、specification"
            raise _refuse(f"対応表は {names} を持つJSONの {{}} にしてください。")
        specification = value.get("specification", "")
        if not isinstance(specification, str):
            raise _refuse('対応表の specification は文字にしてください。例："MADO 1.0"')
        parts = [_targets(value.get(name, {}), name) for name in ("columns", "prices")]
        return cls(parts[0], parts[1], specification)

    @classmethod
    def from_file(cls, content: bytes, name: str) -> "SheetMapping":
        """Read a mapping file; raises Invalid."""
        try:
            value = json.loads(content.decode("utf-8-sig"))
        except ValueError as error:
            raise _refuse(f"「{name}」はJSONではありません。（{error}）") from error
        return cls.from_json(value)

    def to_json(self) -> dict[str, Any]:
        """Return the form that a mapping file and the upload hold."""
        return {
            "columns": dict(self.columns),
            "prices": dict(self.prices),
            "specification": self.specification,
        }


def _refuse(sentence: str) -> Invalid:
    return Invalid({"mapping": sentence})


def _targets(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _refuse(f"対応表の {name} は、見出しと項目の組（JSONの {{}}）にしてください。")
    for heading, target in value.items():
        if target not in (IGNORED, NOTE, *BY_TARGET):
            known = "、".join(BY_TARGET)
            raise _refuse(f"{name} の「{heading}」の項目がありません。使える名前：{known}")
    return {str(heading): str(target) for heading, target in value.items()}
