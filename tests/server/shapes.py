"""How what comes is held against what is documented."""

from typing import Any

from pydantic import BaseModel


def has_the_shape_of(found: dict[str, Any], model: type[BaseModel]) -> bool:
    """All members that are always there stand in their order, and no other is undocumented."""
    fields = model.model_fields
    always = [name for name, field in fields.items() if field.is_required()]
    return [name for name in found if name in always] == always and set(found) <= set(fields)
