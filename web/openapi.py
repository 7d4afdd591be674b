"""An interface's description: the OpenAPI document with its roles, and the rows of a page that shows it."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from web.guard import PUBLIC, Rules, new_router
from web.problems import MEDIA_TYPE, ProblemDetails

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {"description": "What was wrong, and what to do (RFC 9457)",
                "content": {MEDIA_TYPE: {"schema": ProblemDetails.model_json_schema()}}}}


def document(request: Request, rules: Rules) -> dict[str, Any]:
    """Return the OpenAPI document, with how to log in and which roles may do what, both from the one table."""
    spec: dict[str, Any] = request.app.openapi()
    schemes = spec.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["token"] = {"type": "http", "scheme": "bearer", "description": "POST /tokens makes one"}
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            roles = rules[method.upper(), path]
            operation["security"] = [] if roles is PUBLIC else [{"token": []}]
            operation["x-roles"] = sorted(roles)
    return spec


def description_router(rules: Rules, page: Callable[..., Response]) -> APIRouter:
    """Return the routes openapi.json and /docs: a `page` that shows it without a file from the internet."""
    router = new_router(rules, "description")

    @router.get("/openapi.json", response_class=Response, include_in_schema=False)
    async def openapi(request: Request) -> Response:
        """Return the OpenAPI document."""
        return JSONResponse(document(request, rules))

    @router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    async def docs(request: Request) -> Response:
        """Return the OpenAPI document as a page."""
        return page(request, "docs.html", operations=operations(document(request, rules)))

    return router


def operations(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per operation, in order of subject, with schemas resolved one level deep for reading."""
    rows = []
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {})
            rows.append({
                "method": method.upper(), "path": path, "tag": operation["tags"][0],
                "summary": operation.get("description") or operation.get("summary", ""),
                "roles": operation["x-roles"] or ["anybody"],
                "parameters": [(p["name"], p["in"], p.get("required", False), _words(p["schema"], spec),
                                p.get("description", "")) for p in operation.get("parameters", [])],
                "bodies": [(media, _fields(c.get("schema", {}), spec)) for media, c in body.items()],
                "answers": [(status, answer.get("description", ""), _answer(answer, spec))
                            for status, answer in operation.get("responses", {}).items() if status != "default"]})
    return rows


def _answer(answer: dict[str, Any], spec: dict[str, Any]) -> list[tuple[str, str, bool, str]]:
    content = answer.get("content", {}).get("application/json", {})
    return _fields(content.get("schema", {}), spec)


def _resolve(schema: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return spec["components"]["schemas"][reference.rsplit("/", 1)[1]] if reference else schema


def _fields(schema: dict[str, Any], spec: dict[str, Any]) -> list[tuple[str, str, bool, str]]:
    """(name, type in words, required, description) of an object's fields."""
    found = _resolve(schema, spec)
    required = found.get("required", [])
    return [(name, _words(field, spec), name in required, field.get("description", ""))
            for name, field in found.get("properties", {}).items()]


def _words(schema: dict[str, Any], spec: dict[str, Any]) -> str:
    """Return a schema's type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "enum" in schema or "const" in schema:
        return " | ".join(map(str, schema.get("enum", [schema.get("const")])))
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(_words(s, spec) for s in schema.get("anyOf") or schema["oneOf"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_words(schema.get('items', {}), spec)}" if "items" in schema else "list"
    return schema.get("format", kind) if kind == "string" else kind
