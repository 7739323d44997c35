"""What the description of the API cannot say."""

import re

import schemathesis

CHANNEL = re.compile(r"[A-Za-z0-9_-]{1,64}")
NAME = re.compile(r"[^/\x00-\x1f\x7f-\x9f]{1,128}")


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    if not isinstance(body, dict):
        return
    # A channel that could be is one that there is; what could not be stays wrong.
    channels = body.get("channels")
    could_be = isinstance(channels, list) and len(channels) <= 64
    if could_be and all(isinstance(name, str) and CHANNEL.fullmatch(name) for name in channels):
        body["channels"] = ["ops" for _ in channels]
    # Nothing is renamed: it would be looked for under its old name, and missed.
    name = body.get("name")
    if case.method.upper() == "PATCH" and isinstance(name, str) and NAME.fullmatch(name):
        del body["name"]
