"""Queries that are asked again and again, as text for the driver.

Building a statement of SQLAlchemy, finding it among the compiled ones and running it in a
transaction costs many times what SQLite needs to answer it. Here a query is built once, and then
its text is run with values. A query is one statement, so what it shows is of one moment.
"""

import sqlite3
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Select

from papertape.storage.engines import unavailable

Values = Mapping[str, Any]
Row = dict[str, Any]

_KNOWN_MAX = 2_000


@dataclass(frozen=True, slots=True)
class _Text:
    sql: str
    places: Sequence[str]
    columns: Sequence[str]
    own: dict[str, Any]
    """Values that the dialect adds by itself."""


class QueryTexts:
    """The texts of one engine; safe for use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._texts: dict[Hashable, _Text] = {}

    def rows(self, key: Hashable, make: Callable[[], Select[Any]], values: Values) -> list[Row]:
        """The rows of a query by column names.

        `make` gives the query for a `key` that was not asked yet; all its values are bind
        parameters by the names of `values`.
        """
        text = self._texts.get(key) or self._compiled(key, make())
        values = text.own | dict(values)
        given = tuple(values[name] for name in text.places)
        columns = text.columns
        return [dict(zip(columns, row, strict=True)) for row in self._run(text.sql, given)]

    def _compiled(self, key: Hashable, query: Select[Any]) -> _Text:
        compiled = query.compile(dialect=self._engine.dialect)
        columns = [column.name for column in query.selected_columns]
        own = {name: value for name, value in compiled.params.items() if value is not None}
        text = _Text(str(compiled), tuple(compiled.positiontup or ()), columns, own)
        if len(self._texts) >= _KNOWN_MAX:
            self._texts.clear()
        self._texts[key] = text
        return text

    def _run(self, sql: str, values: tuple[Any, ...]) -> Sequence[Sequence[Any]]:
        if self._engine.dialect.name != "sqlite":
            with self._engine.connect() as connection:
                return connection.exec_driver_sql(sql, values).all()
        try:
            pooled = self._engine.raw_connection()
            try:
                found: list[tuple[Any, ...]] = pooled.cursor().execute(sql, values).fetchall()
            finally:
                pooled.close()
        except sqlite3.OperationalError as error:
            raise unavailable(error) from error
        return found
