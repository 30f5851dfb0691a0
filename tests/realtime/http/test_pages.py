"""CSV: no cell of it can run in a spreadsheet, and all else comes as it is."""

import csv
import io

import pytest

from realtime.http.pages import as_csv


def cell_of(value: object) -> str:
    _, (cell,) = csv.reader(io.StringIO(as_csv([{"name": value}], ["name"]), newline=""))
    return cell


@pytest.mark.parametrize(
    "before", ["", " ", "\t", "\r", "\n", "\r\n ", "\u00a0", "\u3000", "\ufeff"]
)
@pytest.mark.parametrize("sign", "=+-@\uff1d\uff0b\uff0d\uff20\ufe66")
def test_a_formula_in_any_width_behind_any_blank_gets_an_apostrophe(before: str, sign: str) -> None:
    formula = f'{before}{sign}HYPERLINK("https://evil.example.com")'
    assert cell_of(formula) == f"'{formula}"


@pytest.mark.parametrize("value", ["\tx", "\rx", "\nx"])
def test_what_could_begin_another_cell_gets_one_too(value: str) -> None:
    assert cell_of(value) == f"'{value}"


@pytest.mark.parametrize("value", ["", " ", "Ada", " Ada", "a=1", "Ärger\nund =1", "1-2", -7, -0.5])
def test_anything_else_comes_as_it_is(value: object) -> None:
    assert cell_of(value) == str(value)


def test_an_object_comes_as_json() -> None:
    assert cell_of({"a": [1]}) == '{"a":[1]}'
