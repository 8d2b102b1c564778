#!/usr/bin/env python3
"""Holds the JSON Schemas of `plasmid schema` against the corpus, with validators that nobody here wrote.

usage: schemas.py SCHEMAS CORPUS… SAMPLES

SCHEMAS has dna.json, happ.json and conductor.json. Every file of a CORPUS has a listing beside it whose first line says
what the schema of its kind does: accepts, rejects, or never sees it (unread: the reader refuses it as YAML). Every sample
must be accepted. Needs the packages jsonschema and pyyaml.
"""
import json
import pathlib
import re
import sys

import jsonschema
import yaml


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as the program reads it: `yes` is a text, keys are texts."""


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    ("float", r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.nan)$", "-+0123456789."),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
]:
    Core.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(pattern), list(first))


def whole(loader, node):
    text = node.value.lower()
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    base = 16 if digits.startswith("0x") else 8 if digits.startswith("0o") else 10
    return sign * int(digits[2:] if base != 10 else digits, base)


def fraction(loader, node):
    return float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan"))


def mapping(loader, node):
    # A key is the text that was written, whatever it looks like.
    return {key.value: loader.construct_object(value, deep=True) for key, value in node.value}


Core.add_constructor("tag:yaml.org,2002:int", whole)
Core.add_constructor("tag:yaml.org,2002:float", fraction)
Core.add_constructor("tag:yaml.org,2002:map", mapping)


def kind_of(path):
    for kind in ("happ", "conductor"):
        if path.name.endswith(f".{kind}.yaml") or path.name == f"{kind}.yaml":
            return kind
    return "dna"


def main():
    schemas, *corpora, samples = [pathlib.Path(word) for word in sys.argv[1:]]
    validators = {}
    for kind in ("dna", "happ", "conductor"):
        schema = json.loads((schemas / f"{kind}.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validators[kind] = jsonschema.Draft202012Validator(schema)
    faults, count = [], 0

    def verdict(path):
        value = yaml.load(path.read_bytes(), Loader=Core)
        return next(iter(validators[kind_of(path)].iter_errors(value)), None)

    for corpus in corpora:
        for path in sorted(corpus.glob("*.yaml")):
            count += 1
            listing = path.with_name(path.name.replace(".yaml", ".expected"))
            mark = listing.read_text().splitlines()[0].removeprefix("schema: ")
            if mark == "unread":
                continue
            error = verdict(path)
            seen = "accepts" if error is None else "rejects"
            if seen != mark:
                faults.append(f"{path}: the schema {seen}, the listing says {mark}: {error and error.message[:200]}")
            if corpus.name == "Good" and error is not None:
                faults.append(f"{path} is good")
    found = sorted(samples.glob("*/*.yaml"))
    for path in found:
        error = verdict(path)
        if error is not None:
            faults.append(f"{path}: {error.json_path}: {error.message[:200]}")
    print("\n".join(faults))
    print(f"{count} manifests of the corpus, {len(found)} samples, {len(faults)} faults")
    return 1 if faults or not found else 0


sys.exit(main())
