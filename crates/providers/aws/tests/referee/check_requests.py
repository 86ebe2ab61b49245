"""Reads recorded requests (JSON, a list) and prints one line for each thing that AWS's models do not know."""

import json
import re
import sys
from urllib.parse import parse_qs, parse_qsl, urlsplit

import botocore.session
from botocore.validate import ParamValidator

NAMES = {"elasticloadbalancing": "elbv2", "monitoring": "cloudwatch", "elasticfilesystem": "efs"}
session = botocore.session.get_session()
models = {}


def model_of(signed):
    name = NAMES.get(signed, signed)
    return models.setdefault(name, session.get_service_model(name))


def typed(text, shape):
    if shape.type_name in ("integer", "long"):
        return int(text)
    if shape.type_name in ("float", "double"):
        return float(text)
    if shape.type_name == "boolean":
        return {"true": True, "false": False}[text]
    return text


def grown(pairs, shape, prefix, ec2, wrong):
    """The parameters of a query as the structure that they stand for."""
    if shape.type_name == "structure":
        known, result = set(), {}
        for member, inner in shape.members.items():
            if ec2:
                name = inner.serialization.get("queryName")
                if name is None:
                    name = inner.serialization.get("name", member)
                    name = name[0].upper() + name[1:]
            else:
                name = inner.serialization.get("name", member)
            path = f"{prefix}.{name}" if prefix else name
            below = {key: value for key, value in pairs.items() if key == path or key.startswith(path + ".")}
            known.update(below)
            if below:
                result[member] = grown(below, inner, path, ec2, wrong)
        for key in set(pairs) - known:
            wrong.append(f"unknown parameter {key}")
        return result
    if shape.type_name == "list":
        step = prefix
        if not ec2 and not shape.serialization.get("flattened"):
            step = f"{prefix}.{shape.member.serialization.get('name', 'member')}"
        found = {}
        for key, value in pairs.items():
            match = re.match(re.escape(step) + r"\.(\d+)(\.|$)", key)
            if not match:
                wrong.append(f"{key} is no element of a list {step}.N")
                continue
            found.setdefault(int(match[1]), {})[key] = value
        if sorted(found) != list(range(1, len(found) + 1)):
            wrong.append(f"the elements of {step} are not counted from 1")
        return [grown(below, shape.member, f"{step}.{at}", ec2, wrong) for at, below in sorted(found.items())]
    if list(pairs) != [prefix]:
        wrong.append(f"{prefix} is one value, not {list(pairs)}")
    return typed(next(iter(pairs.values())), shape)


def unknown(value, shape, path):
    """Members that a structure does not have, which the validator lets pass."""
    if shape is None:
        return [f"{path}: nothing is taken"] if value else []
    if shape.type_name == "structure" and isinstance(value, dict):
        return [
            line
            for key, inner in value.items()
            for line in (
                unknown(inner, shape.members[key], f"{path}.{key}") if key in shape.members
                else [f"unknown member {path}.{key}"]
            )
        ]
    if shape.type_name == "list" and isinstance(value, list):
        return [line for inner in value for line in unknown(inner, shape.member, path + "[]")]
    if shape.type_name == "map" and isinstance(value, dict):
        return [line for inner in value.values() for line in unknown(inner, shape.value, path + "{}")]
    enum = getattr(shape, "enum", None)
    if enum and value not in enum:
        return [f"{path} is not one of {enum}"]
    return []


def rest(model, request):
    """The operation and the parameters of a request that has a path."""
    split = urlsplit(request["path"])
    for name in model.operation_names:
        operation = model.operation_model(name)
        uri = operation.http["requestUri"]
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(uri))
        match = re.fullmatch(pattern, split.path)
        if operation.http["method"] == request["method"] and match:
            params = json.loads(request["body"] or "{}")
            places = {inner.serialization.get("name", member): member
                      for member, inner in operation.input_shape.members.items()}
            for key, value in [*match.groupdict().items(), *parse_qsl(split.query)]:
                params[places.get(key, key)] = value
            return operation, params
    raise LookupError(f"no operation for {request['method']} {split.path}")


def check(request):
    signed = request["scope"].split("Credential=")[1].split("/")[3]
    model = model_of(signed)
    wrong = []
    if request["target"]:
        prefix, name = request["target"].split(".")
        if prefix != model.metadata.get("targetPrefix"):
            wrong.append(f"{prefix} is not {model.metadata.get('targetPrefix')}")
        operation, params = model.operation_model(name), json.loads(request["body"])
    elif model.metadata["protocol"] in ("query", "ec2"):
        pairs = {key: values[0] for key, values in parse_qs(request["body"], True).items()}
        name = pairs.pop("Action")
        if pairs.pop("Version") != model.api_version:
            wrong.append("another version")
        operation = model.operation_model(name)
        if operation.input_shape is not None:
            params = grown(pairs, operation.input_shape, "", model.metadata["protocol"] == "ec2", wrong)
        else:
            params = {}
            wrong += [f"unknown parameter {key}" for key in pairs]
    else:
        operation, params = rest(model, request)
    if operation.input_shape is not None:
        report = ParamValidator().validate(params, operation.input_shape)
        wrong += [report.generate_report()] if report.has_errors() else []
    wrong += unknown(params, operation.input_shape, operation.name)
    return [f"{signed} {operation.name}: {line}" for line in wrong]


lines = {line for request in json.load(sys.stdin) for line in check(request)}
print("\n".join(sorted(lines)), end="")
