"""Reads Terraform's language and prints the EventBridge rules as JSON: name, state and pattern."""

import json
import re
import sys

import hcl2


def text(value):
    return json.loads(value)


def pattern(expression):
    # An object of Terraform's is JSON but for its equal signs and what escapes templates.
    inner = re.fullmatch(r"\$\{jsonencode\((.*)\)\}", expression, re.S).group(1)
    inner = re.sub(r'("(?:[^"\\]|\\.)*") = ', r"\1: ", inner)
    return json.loads(inner.replace("$${", "${").replace("%%{", "%{"))


parsed = hcl2.load(sys.stdin)
rules = [block['"aws_cloudwatch_event_rule"'] for block in parsed["resource"] if '"aws_cloudwatch_event_rule"' in block]
kinds = sorted({kind.strip('"') for block in parsed["resource"] for kind in block})
print(json.dumps({
    "kinds": kinds,
    "variables": sorted(name.strip('"') for block in parsed.get("variable", []) for name in block),
    "rules": [
        {"name": text(rule["name"]), "state": text(rule["state"]), "pattern": pattern(rule["event_pattern"])}
        for block in rules
        for rule in block.values()
    ],
}))
