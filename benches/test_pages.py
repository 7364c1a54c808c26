"""docs/benchmarks.md quotes its records."""

import json

import pytest

from benches.pages import BLOCK, PAGE, ROOT, text


@pytest.mark.parametrize(("name", "records", "tables"), BLOCK.findall(PAGE.read_text()))
def test_a_table_is_that_of_the_records_it_names(name: str, records: str, tables: str) -> None:
    paths = [ROOT / path for path in records.split()]
    read = {path.stem.split("-", 3)[3]: json.loads(path.read_text()) for path in paths}
    assert read
    assert tables == f"{text(name, read)}\n"
