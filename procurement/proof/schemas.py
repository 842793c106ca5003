"""Forms of proof."""

from core.fields import FormSchema


class ExportSchema(FormSchema):
    """The button that makes the ZIP; it asks for nothing."""
