"""Google's published description of the Gmail API, as the google-api-python-client ships it.

Requests and answers are held against it: https://developers.google.com/discovery/v1/reference/apis
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

PACKAGE = "google-api-python-client"
DOCUMENT = "googleapiclient/discovery_cache/documents/gmail.v1.json"


class Violation(Exception):
    """What was said is not in the description."""


@dataclass(frozen=True)
class Method:
    """One method that an address leads to, with what the address says."""

    description: dict[str, Any]
    path: dict[str, str]

    @property
    def id(self) -> str:
        name: str = self.description["id"]
        return name.removeprefix("gmail.users.")


@cache
def document() -> dict[str, Any]:
    found = importlib.metadata.distribution(PACKAGE).locate_file(DOCUMENT)
    described: dict[str, Any] = json.loads(found.read_text())  # type: ignore[attr-defined]
    return described


def method_at(verb: str, path: str) -> Method:
    for description in _methods(document()):
        template = re.sub(r"\{\+?(\w+)\}", r"(?P<\1>[^/]+)", "/" + description["path"])
        found = re.fullmatch(template, path)
        if found and description["httpMethod"] == verb:
            return Method(description, found.groupdict())
    raise Violation(f"there is no {verb} {path}")


def _methods(level: dict[str, Any]) -> list[dict[str, Any]]:
    found = list(level.get("methods", {}).values())
    for resource in level.get("resources", {}).values():
        found += _methods(resource)
    return found


def check_query(method: Method, query: list[tuple[str, str]]) -> None:
    """Every parameter is one of the method or of all methods, with a value that fits."""
    described = document()["parameters"] | method.description.get("parameters", {})
    for name, value in query:
        parameter = described.get(name, {})
        if parameter.get("location") != "query":
            raise Violation(f"{method.id} has no parameter {name}")
        _check_text(name, parameter, value)
    for name in {name for name, _ in query}:
        if [one for one, _ in query].count(name) > 1 and not described[name].get("repeated"):
            raise Violation(f"{name} stands there twice")
    if method.id == "messages.list" and int(dict(query).get("maxResults", 100)) > 500:
        raise Violation("maxResults is at most 500")  # the description says so in words


def _check_text(name: str, parameter: dict[str, Any], value: str) -> None:
    fits = {"integer": r"-?\d+", "boolean": "true|false"}.get(parameter["type"], ".*")
    if not re.fullmatch(fits, value, re.DOTALL) or value not in parameter.get("enum", [value]):
        raise Violation(f"{name} cannot be {value!r}")


def check_body(method: Method, body: bytes) -> Any:
    """What was sent, in the form the method wants it."""
    if "request" not in method.description:
        if body:
            raise Violation(f"{method.id} takes no body")
        return None
    said = json.loads(body)
    check(method.description["request"], said, method.id)
    return said


def check_answer(method: Method, answer: Any) -> None:
    if "response" in method.description:
        check(method.description["response"], answer, method.id)
    elif answer is not None:
        raise Violation(f"{method.id} answers nothing")


def check(schema: dict[str, Any], value: Any, where: str) -> None:
    schema = document()["schemas"][schema["$ref"]] if "$ref" in schema else schema
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    if not isinstance(value, kinds[schema["type"]]):
        raise Violation(f"{where} is no {schema['type']}: {value!r}")
    if schema["type"] == "array":
        for number, item in enumerate(value):
            check(schema["items"], item, f"{where}[{number}]")
    elif schema["type"] == "object":
        for name, item in value.items():
            if name not in schema["properties"]:
                raise Violation(f"{where} has no {name}")
            check(schema["properties"][name], item, f"{where}.{name}")
    elif schema["type"] == "string":
        _check_string(schema, value, where)


def _check_string(schema: dict[str, Any], value: str, where: str) -> None:
    fits = {"byte": r"[A-Za-z0-9_-]*={0,2}", "uint64": r"\d+", "int64": r"-?\d+"}.get(schema.get("format", ""), ".*")
    if not re.fullmatch(fits, value, re.DOTALL) or value not in schema.get("enum", [value]):
        raise Violation(f"{where} cannot be {value[:40]!r}")
