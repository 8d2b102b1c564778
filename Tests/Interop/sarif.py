#!/usr/bin/env python3
"""Holds SARIF logs against SARIF 2.1.0: the parts of its schema that matter here, and the whole schema where there is a copy.

usage: sarif.py LOG FOLDER

FOLDER is where the check ran: relative paths in the log must lead to files below it, and each region must lie in its file.
The whole schema is used when PLASMID_SARIF_SCHEMA names a copy of sarif-schema-2.1.0.json and jsonschema is installed; the last
line says whether it was.
"""
import json
import os
import pathlib
import re
import sys
import urllib.parse

log, folder = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")), pathlib.Path(sys.argv[2])
faults = []


def must(holds, words):
    if not holds:
        faults.append(words)


def only(value, where, required, allowed=()):
    must(isinstance(value, dict), f"{where} is no object")
    for key in required:
        must(key in value, f"{where} has no {key}")
    for key in value:
        must(key in required or key in allowed, f"{where} has {key}, which is not of SARIF")


def text(value, where):
    only(value, where, ["text"], ["markdown"])
    must(isinstance(value.get("text"), str) and value["text"].strip(), f"{where} says nothing")


def check_rule(rule, where):
    only(rule, where, ["id", "shortDescription", "fullDescription", "help"])
    must(re.fullmatch(r"[A-Za-z0-9]+", rule["id"]), f"{where}: the id {rule['id']!r}")
    for key in ("shortDescription", "fullDescription", "help"):
        text(rule[key], f"{where}.{key}")
    must(len(rule["help"]["text"]) > len(rule["fullDescription"]["text"]), f"{where}: help says no more than the description")


def check_region(region, path, where):
    only(region, where, ["startLine", "startColumn"], ["endColumn"])
    for key, value in region.items():
        must(type(value) is int and value >= 1, f"{where}.{key} is {value!r}")
    must(region.get("endColumn", 1 << 30) > region["startColumn"], f"{where} ends before it starts")
    try:
        lines = re.split("\r\n|\n", path.read_bytes().decode("utf-8-sig"))
    except (UnicodeDecodeError, OSError):
        return
    must(region["startLine"] <= len(lines), f"{where}: the file has no line {region['startLine']}")
    if region["startLine"] <= len(lines) and "endColumn" in region:
        # Columns are code points, as columnKind says.
        must(region["endColumn"] <= len(lines[region["startLine"] - 1]) + 1, f"{where} leaves its line")


def check_result(result, rules, bases, where):
    only(result, where, ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"])
    must(rules[result["ruleIndex"]]["id"] == result["ruleId"], f"{where}: the rule")
    must(result["level"] in ("error", "warning", "note"), f"{where}: the level {result['level']}")
    text(result["message"], f"{where}.message")
    must(all(isinstance(v, str) and v for v in result["partialFingerprints"].values()), f"{where}: fingerprints")
    must(len(result["locations"]) == 1, f"{where}: one location")
    place = result["locations"][0]["physicalLocation"]
    only(place, f"{where}.physicalLocation", ["artifactLocation"], ["region"])
    artifact = place["artifactLocation"]
    only(artifact, f"{where}.artifactLocation", ["uri"], ["uriBaseId"])
    uri = artifact["uri"]
    must(re.fullmatch(r"(?:[A-Za-z0-9\-._~/:]|%[0-9A-F]{2})+", uri), f"{where}: {uri!r} is no URI")
    path = urllib.parse.unquote(uri, errors="strict")
    if "uriBaseId" in artifact:
        must(artifact["uriBaseId"] in bases and not uri.startswith(("/", "./", "file:")), f"{where}: the base of {uri}")
    else:
        must(uri.startswith("file:///"), f"{where}: {uri} has no base and no scheme")
    must("region" in place, f"{where} has no line and column")
    check_region(place["region"], folder / path, f"{where}.region")


only(log, "the log", ["$schema", "version", "runs"])
must(log["version"] == "2.1.0" and log["$schema"].startswith("https://"), "version and schema")
count = 0
for run in log["runs"]:
    only(run, "run", ["tool", "invocations", "originalUriBaseIds", "columnKind", "results"])
    driver = run["tool"]["driver"]
    only(driver, "driver", ["name", "version", "rules"], ["informationUri", "semanticVersion"])
    must(run["columnKind"] == "unicodeCodePoints", "columnKind")
    ids = [rule["id"] for rule in driver["rules"]]
    must(len(set(ids)) == len(ids), "a rule twice")
    must({r["ruleId"] for r in run["results"]} == set(ids), "rules that no result has, or results without a rule")
    for base in run["originalUriBaseIds"].values():
        must(base["uri"].startswith("file:///") and base["uri"].endswith("/"), f"the base {base['uri']}")
    for index, rule in enumerate(driver["rules"]):
        check_rule(rule, f"rules[{index}]")
    for index, result in enumerate(run["results"]):
        check_result(result, driver["rules"], run["originalUriBaseIds"], f"results[{index}]")
    count += len(run["results"])

schema = os.environ.get("PLASMID_SARIF_SCHEMA", "")
whole = "not held against the whole schema: PLASMID_SARIF_SCHEMA names no copy of it"
if schema:
    import jsonschema

    definition = json.loads(pathlib.Path(schema).read_text())
    found = jsonschema.validators.validator_for(definition)(definition).iter_errors(log)
    faults += [f"{error.json_path}: {error.message[:200]}" for error in found]
    whole = "held against the whole schema"
print("\n".join(faults))
print(f"{count} results, {len(faults)} faults; {whole}")
sys.exit(1 if faults else 0)
