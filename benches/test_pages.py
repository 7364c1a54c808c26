"""docs/benchmarks.md and the README quote their records."""

import pytest

from benches.pages import BLOCK, PAGES, named, text


@pytest.mark.parametrize(
    ("name", "records", "tables"), [block for page in PAGES for block in BLOCK.findall(page.read_text())]
)
def test_a_table_is_that_of_the_records_it_names(name: str, records: str, tables: str) -> None:
    read = named(records)
    assert read
    assert tables == f"{text(name, read)}\n"
