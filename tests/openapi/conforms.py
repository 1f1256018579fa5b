"""Checks the description of the API, and that real answers are what it says: python conforms.py URL TOKEN JOB, of a job that is published.

Schemas of the description let unknown fields pass, as clients have to. Here they do not: a field that the description lacks is a mistake.
"""

import json
import sys
import urllib.error
import urllib.request

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

url, token, job = sys.argv[1:]


def get(path, accept=None):
    request = urllib.request.Request(url + path, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers.get_content_type(), refusal.read()


def closed(schema):
    """The same schema, without room for fields that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: closed(part) for name, part in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
    return schema


description = json.loads(get("/openapi.json")[2])
validate(description, cls=OpenAPIV31SpecValidator)
schemas = closed(description["components"]["schemas"])
checked = 0
for path, operations in description["paths"].items():
    if "get" not in operations or "{sid}" in path or path.endswith(("/receipts", "/events")):
        continue
    asked = path.replace("{id}", job)
    status, media_type, body = get(asked)
    responses = operations["get"]["responses"]
    described = responses.get(str(status), responses["default"])
    assert media_type in described["content"], f"{asked}: {status} with {media_type}"
    if media_type == "text/csv":
        continue
    schema = {**closed(described["content"][media_type]["schema"]), "components": {"schemas": schemas}}
    # References lead to the root of the document.
    errors = list(Draft202012Validator(schema).iter_errors(json.loads(body)))
    assert not errors, f"{asked}: {status}: {errors[0].json_path}: {errors[0].message}"
    checked += 1
    print(f"{asked} {status}")
for name in ("result", "certificate"):
    assert get(f"/v1/jobs/{job}/{name}")[0] == 200, name
print(f"{checked} answers are as described")
