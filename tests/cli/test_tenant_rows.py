"""The results of several tenants become one JSON or one CSV, and none of them is lost."""

import json

from pwsh_kernels.cli.tenant_rows import csv_rows, json_rows


def test_every_object_has_its_tenant_in_front() -> None:
    text, broken = json_rows([("a.com", '[{"N": 1}, {"N": 2}]'), ("b.com", '{"M": null}')])
    assert json.loads(text) == [
        {"tenant": "a.com", "N": 1},
        {"tenant": "a.com", "N": 2},
        {"tenant": "b.com", "M": None},
    ]
    assert broken == []


def test_a_column_of_the_same_name_and_values_without_columns_are_kept_as_values() -> None:
    text, _ = json_rows([("a.com", '[{"Tenant": "x"}, 5, [1]]')])
    assert [one["value"] for one in json.loads(text)] == [{"Tenant": "x"}, 5, [1]]


def test_a_result_that_is_cut_off_is_named_and_the_others_are_there() -> None:
    text, broken = json_rows([("a.com", '[{"N": '), ("b.com", "1"), ("c.com", "")])
    assert (json.loads(text), broken) == ([{"tenant": "b.com", "value": 1}], ["a.com"])


def test_csv_has_every_column_of_every_tenant_and_texts_of_several_lines() -> None:
    text = csv_rows([("a.com", '"N","T"\n"1","x\r\n""y"""\n'), ("b.com", '"M"\n"2"\n'), ("c", "")])
    assert text == '"tenant","N","T","M"\n"a.com","1","x\r\n""y""",""\n"b.com","","","2"\n'
    assert csv_rows([("a.com", "")]) == ""
