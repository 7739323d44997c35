"""A Python app that beats in a loop: MISHPULSE_URL=http://... python3 loop.py [seconds]"""

import os
import sys
import time

import requests

url = os.environ["MISHPULSE_URL"]
every = float(sys.argv[1]) if len(sys.argv) > 1 else 60

while True:
    try:
        requests.post(url, json={"status": "ok"}, timeout=10).raise_for_status()
    except requests.RequestException as error:
        print(f"no heartbeat: {error}", file=sys.stderr)
    time.sleep(every)
