"""The query of a request, as fields."""

from __future__ import annotations

from urllib.parse import parse_qs

from cairn.core.errors import Invalid


def parse_query(query: str, fields_max: int) -> dict[str, list[str]]:
    """The values of each field, in order.

    Raises:
        Invalid: there are more fields than any request needs.
    """
    try:
        return parse_qs(query, keep_blank_values=True, max_num_fields=fields_max)
    except ValueError:
        raise Invalid(f"the query has more than {fields_max} fields") from None
