"""Rules written to a model file, and read from it: texts and counts as JSON, numbers as a few tensors that all columns share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from .._types import AnyArray
from .category_features import BUCKETS, VOCABULARY
from .column import Kind
from .column_rules import CategoryRule, NumberRule, Rule, TextRule
from .number_features import MOST_BINS, SMALLEST_HALF_WIDTH
from .prepared_column import PreparedColumn
from .text_features import WORD_BUCKETS

TENSORS = {"median": "float64", "scale": "float64", "edges": "float64", "buckets": "int32"}
"""The dtype of each tensor; all have one dimension, and hold the numbers of all rules in the order of the columns."""

RULE_OF_KIND = {"number": "number", "category": "category", "boolean": "category", "constant": "category", "text": "text"}
RULE_OF_PART = {"days": "number", "month": "category", "weekday": "category", "hour": "number"}


def columns_to_json(columns: tuple[PreparedColumn, ...]) -> list[dict[str, Any]]:
    """Give everything but the tensors as JSON's types."""
    return [
        {
            "name": column.name,
            "kind": column.kind,
            "distinct": column.distinct,
            "missing": column.missing,
            "example": column.example,
            "reason": column.reason,
            "rules": [{"part": part, **_rule_to_json(rule)} for part, rule in column.rules],
        }
        for column in columns
    ]


def _rule_to_json(rule: Rule) -> dict[str, Any]:
    if isinstance(rule, NumberRule):
        return {"rule": "number", "edges": len(rule.edges), "missing": rule.missing}
    if isinstance(rule, TextRule):
        return {"rule": "text", "buckets": len(rule.buckets)}
    return {
        "rule": "category",
        "values": [*rule.values],
        "rare": [*rule.rare],
        "buckets": len(rule.buckets),
        "missing": rule.missing,
    }


def tensors_of(columns: tuple[PreparedColumn, ...]) -> dict[str, AnyArray]:
    """Give the tensors of all rules, by name."""
    rules = [rule for column in columns for _, rule in column.rules]
    numbers = [rule for rule in rules if isinstance(rule, NumberRule)]
    parts: dict[str, list[AnyArray]] = {
        "median": [np.array([rule.median for rule in numbers])],
        "scale": [np.array([rule.scale for rule in numbers])],
        "edges": [rule.edges for rule in numbers],
        "buckets": [rule.buckets for rule in rules if not isinstance(rule, NumberRule)],
    }
    return {name: np.concatenate([*parts[name], np.empty(0)]).astype(dtype) for name, dtype in TENSORS.items()}


def tensor_lengths(described: Any) -> dict[str, int]:
    """Give the length that each tensor must have; any mistake raises ValueError, TypeError or KeyError."""
    lengths = dict.fromkeys(TENSORS, 0)
    for rule in (rule for column in described for rule in column["rules"]):
        if rule["rule"] == "number":
            lengths["median"] += 1
            lengths["scale"] += 1
            lengths["edges"] += _count(rule["edges"], MOST_BINS + 1)
        else:
            lengths["buckets"] += _count(rule["buckets"], WORD_BUCKETS)
    return lengths


def parse_columns(described: Any, tensors: Mapping[str, AnyArray]) -> tuple[PreparedColumn, ...]:
    """Read the columns and their rules strictly; any mistake raises ValueError, TypeError or KeyError."""
    lengths = tensor_lengths(_list(described))
    found = {name: (str(array.dtype), array.shape) for name, array in tensors.items()}
    if found != {name: (dtype, (lengths[name],)) for name, dtype in TENSORS.items()}:
        raise ValueError("the tensors of its columns are not those that their rules need")
    if not all(np.isfinite(array).all() for array in tensors.values()):
        raise ValueError("the numbers of its columns are not finite")
    reader = _TensorReader(tensors)
    columns = tuple(_parse_column(entry, reader) for entry in described)
    if len({column.name for column in columns}) < len(columns):
        raise ValueError("two of its columns have the same name")
    if not any(column.rules for column in columns):
        raise ValueError("none of its columns is used")
    return columns


class _TensorReader:
    """Tensors that are read in order, some numbers at a time."""

    def __init__(self, tensors: Mapping[str, AnyArray]) -> None:
        self._tensors = tensors
        self._read = dict.fromkeys(tensors, 0)

    def take(self, name: str, count: int) -> AnyArray:
        """Give the next ``count`` numbers of a tensor."""
        start = self._read[name]
        self._read[name] += count
        return self._tensors[name][start : start + count]


def _parse_column(entry: Any, reader: _TensorReader) -> PreparedColumn:
    _check_keys(entry, "name", "kind", "distinct", "missing", "example", "reason", "rules")
    name, kind, example, reason = (_text(entry[key]) for key in ("name", "kind", "example", "reason"))
    if kind not in get_args(Kind):
        raise ValueError("a column is of an unknown kind")
    _count(entry["distinct"])
    _count(entry["missing"])
    rules = tuple((_text(rule["part"]), _parse_rule(rule, reader)) for rule in _list(entry["rules"]))
    if bool(rules) == bool(reason):
        raise ValueError("a column must have either rules or a reason to be left out")
    allowed = RULE_OF_PART if kind == "date" else {"": RULE_OF_KIND[kind]} if kind in RULE_OF_KIND else {}
    parts = [part for part, _ in rules]
    if len(set(parts)) < len(parts) or any(allowed.get(rule["part"]) != rule["rule"] for rule in entry["rules"]):
        raise ValueError(f"a column of kind {kind} has rules of another kind")
    return PreparedColumn(name, kind, entry["distinct"], entry["missing"], example, rules, reason)  # type: ignore[arg-type]


def _parse_rule(entry: Any, reader: _TensorReader) -> Rule:
    if entry["rule"] == "number":
        return _parse_number(entry, reader)
    if entry["rule"] == "category":
        return _parse_category(entry, reader)
    _check_keys(entry, "part", "rule", "buckets")
    buckets = reader.take("buckets", entry["buckets"])
    if entry["rule"] != "text" or not len(buckets):
        raise ValueError("a column has an unknown rule")
    return TextRule(_check_buckets(buckets, WORD_BUCKETS))


def _parse_number(entry: Any, reader: _TensorReader) -> NumberRule:
    _check_keys(entry, "part", "rule", "edges", "missing")
    median, scale = (float(reader.take(name, 1)[0]) for name in ("median", "scale"))
    rule = NumberRule(median, scale, reader.take("edges", entry["edges"]), _flag(entry["missing"]))
    if not 0 <= rule.scale <= 0.5 / SMALLEST_HALF_WIDTH:
        raise ValueError("the scale of a number is below 0 or too large")
    if len(rule.edges) in (1, 2) or (np.diff(rule.edges / 2) < SMALLEST_HALF_WIDTH).any():
        raise ValueError("the edges of a number's bins do not ascend")
    if rule.scale == 0 and (rule.bins or not rule.missing):
        raise ValueError("a number tells nothing, but is not left out")
    return rule


def _parse_category(entry: Any, reader: _TensorReader) -> CategoryRule:
    _check_keys(entry, "part", "rule", "values", "rare", "buckets", "missing")
    values, rare = (tuple(map(_text, _list(entry[key]))) for key in ("values", "rare"))
    buckets = _check_buckets(reader.take("buckets", entry["buckets"]), BUCKETS)
    known = len(values) + len(rare)
    if len({*values, *rare}) < known or known > VOCABULARY or len(rare) == 1 or (rare and len(buckets)):
        raise ValueError("the values of a category are not those that a training keeps")
    if known + len(buckets) == 0:
        raise ValueError("a category has no values")
    return CategoryRule(values, rare, buckets, _flag(entry["missing"]))


def _check_buckets(buckets: AnyArray, most: int) -> AnyArray:
    if len(buckets) and (buckets[0] < 0 or buckets[-1] >= most or (np.diff(buckets) <= 0).any()):
        raise ValueError("hash buckets do not ascend, or are out of range")
    return buckets


def _check_keys(entry: Any, *keys: str) -> None:
    if type(entry) is not dict or set(entry) != set(keys):
        raise ValueError(f"a column's entry must have {', '.join(keys)} and nothing else")


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("a column's entry is not a text")
    return value


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise TypeError("a column's entry is not a list")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError("a column's entry is not true or false")
    return value


def _count(value: Any, most: int = 2**53) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"a column's entry is not a whole number from 0 to {most}")
    return value
