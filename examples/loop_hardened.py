"""A Python app that beats in a loop and withstands what happens, with the standard library only:

    MISHPULSE_URL=http://... python3 loop_hardened.py FILE [seconds]

Its work is to read FILE, once each so many seconds (60). An exception in the work is reported as an error and the loop
goes on. A monitor that is away or does not answer is tried again with growing waits, for half of that time at most.
"""

import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request

MESSAGE_CHARS_MAX = 1000
TRY_TIMEOUT = 5.0
WAIT_MAX = 30.0


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """The address holds a token: it is shown to nobody else."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirects)


def beat(url, status, message, patience):
    """Sends one heartbeat, trying for `patience` seconds; returns whether it was taken. Never raises."""
    # What is no UTF-8, as in the name of a file, must not stop the report.
    message = message[:MESSAGE_CHARS_MAX].encode("utf-8", "replace").decode()
    body = json.dumps({"status": status, "message": message}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    end = time.monotonic() + patience
    wait = 0.25
    while True:
        left = end - time.monotonic()
        try:
            with OPENER.open(request, timeout=max(0.1, min(TRY_TIMEOUT, left))):
                return True
        except urllib.error.HTTPError as error:
            trouble = f"refused with status {error.code}"
            error.close()
            # The same again will not help against an unknown token.
            is_final = error.code not in (408, 425, 429) and error.code < 500
        except (OSError, http.client.HTTPException) as error:
            trouble, is_final = f"{type(error).__name__}: {error}", False
        # By chance up to half as long again, so that many apps do not come back at once.
        pause = wait * (1 + random.random() / 2)
        if is_final or time.monotonic() + pause >= end:
            print(f"no heartbeat: {trouble}", file=sys.stderr)
            return False
        time.sleep(pause)
        wait = min(wait * 2, WAIT_MAX)


def work(path):
    """What the app is there for: raises where it cannot do it."""
    with open(path, encoding="utf-8") as file:
        return len(file.read())


def main():
    url = os.environ.get("MISHPULSE_URL")
    if not url or len(sys.argv) < 2:
        sys.exit("usage: MISHPULSE_URL=http://... loop_hardened.py FILE [seconds]")
    path, every = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    due = time.monotonic()
    while True:
        try:
            work(path)
            status, message = "ok", ""
        except Exception as error:
            status, message = "error", f"{type(error).__name__}: {error}"
        beat(url, status, message, patience=every / 2)
        # To the next round by the clock: the time that the work takes is not added, and lost rounds are not made up for.
        now = time.monotonic()
        due = max(due + every, now)
        time.sleep(due - now)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
