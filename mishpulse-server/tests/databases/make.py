#!/usr/bin/env python3
"""Makes the fixture of a schema version for tests/upgrades.rs: a database that a real server wrote, as SQL, and what that server
said of it.

    python3 mishpulse-server/tests/databases/make.py target/debug/mishpulse

Run it with a server of the last version before the schema changes; it writes schema_N.sql and schema_N.json beside itself, N being the
schema of that server. It takes half a minute.
"""

import http.server
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

CONFIG = """
admin_key = "k3y-of-the-fixture-0123456789abcdef"
[channels.good]
kind = "webhook"
url = "http://127.0.0.1:{good}/"
[channels.down]
kind = "webhook"
url = "http://127.0.0.1:{down}/"
[channels.gone]
kind = "webhook"
url = "http://127.0.0.1:{gone}/"
[[services]]
name = "declared"
token = "token-declared"
timeout = "2h"
tags = ["file"]
"""

# Name, settings beside the token, beats.
SERVICES = [
    ("new", {}, []),
    ("alive", {"timeout": "1h"}, [{"status": "ok"}]),
    ("worded", {"timeout": "1h"}, [{"status": "ok", "message": "снова 'всё' \"хорошо\"\nline 2 \\ ✓"}]),
    ("warning", {"timeout": "1h"}, [{"status": "warning", "message": "disk 91%"}]),
    ("error", {"timeout": "1h"}, [{"status": "ok"}, {"status": "error", "message": "disk full"}]),
    ("recovered", {"timeout": "1h"}, [{"status": "error", "message": "no route"}, {"status": "ok"}]),
    ("dead", {"timeout": "1s", "channels": ["good"]}, [{"status": "ok", "message": "last words"}]),
    ("paused", {"timeout": "1h"}, [{"status": "ok", "message": "before the pause"}]),
    ("undelivered", {"timeout": "1h", "channels": ["down"]}, [{"status": "error", "message": "nobody hears"}]),
    ("refused", {"timeout": "1h", "channels": ["gone"]}, [{"status": "error", "message": "410"}]),
    # Pardoned for the first gap and not heard since: a second one is not pardoned.
    ("pardoned", {"timeout": "1h"}, [{"status": "ok"}]),
    (
        "whole",
        {
            "timeout": "26h", "grace": "90m", "tags": ["prod", "eu"], "channels": ["good", "gone"],
            "notify_on": ["dead", "warning"], "remind_every": "2h", "error_cooldown": "10m",
            "resume_on_beat": False, "description": "All settings — 'each' of them",
        },
        [{"status": "ok"}],
    ),
]

STORM = 12
ALL_AT_ONCE = {"status": "error", "message": "all at once"}


def hook(status):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


class Server:
    def __init__(self, program, folder):
        self.process = subprocess.Popen(
            [program, "serve", "--listen", "127.0.0.1:0"], cwd=folder, env={}, stderr=subprocess.PIPE, text=True
        )
        first = self.process.stderr.readline()
        self.base = re.search(r"http://\S+", first).group(0)
        threading.Thread(target=lambda: [0 for _ in self.process.stderr], daemon=True).start()
        wait("the server is ready", lambda: self.ask("GET", "/readyz")["status"] == "ready")

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method)
        request.add_header("Authorization", "Bearer k3y-of-the-fixture-0123456789abcdef")
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(request, data) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def beat(self, name, body):
        self.ask("POST", f"/api/heartbeat/token-{name}", body)

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait()


def wait(what, condition):
    for _ in range(600):
        try:
            if condition():
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.05)
    raise SystemExit(f"waited in vain: {what}")


def storm(server):
    """More alerts than a channel takes one by one, so that there is a digest."""
    for number in range(STORM):
        name = f"storm-{number:02}"
        server.ask("POST", "/api/services", {"name": name, "token": f"token-{name}", "channels": ["good"]})
    for number in range(STORM):
        server.beat(f"storm-{number:02}", ALL_AT_ONCE)


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        config = CONFIG.format(good=hook(200), down=hook(500), gone=hook(410))
        with open(f"{folder}/mishpulse.toml", "w") as file:
            file.write(config)
        server = Server(program, folder)
        for name, settings, beats in SERVICES:
            server.ask("POST", "/api/services", {"name": name, "token": f"token-{name}", **settings})
            for body in beats:
                server.beat(name, body)
        server.beat("declared", {"status": "ok"})
        server.ask("POST", "/api/services/paused/pause")
        storm(server)

        def settled():
            pending = server.ask("GET", "/api/deliveries?state=pending&limit=1000")
            return pending and all(delivery["channel"] == "down" for delivery in pending)

        def statuses():
            return {service["name"]: service["status"] for service in server.ask("GET", "/api/status")}

        wait("dead is dead", lambda: statuses()["dead"] == "dead")
        wait("all has gone that can go", settled)
        # A crash, and an absence that pardons.
        server.end(signal.SIGKILL)
        time.sleep(11)
        server = Server(program, folder)
        for name, _, beats in SERVICES:
            if name not in ("new", "dead", "paused", "pardoned"):
                server.beat(name, beats[-1])
        for number in range(STORM):
            server.beat(f"storm-{number:02}", ALL_AT_ONCE)
        server.beat("declared", {"status": "ok"})
        services = server.ask("GET", "/api/services?limit=1000")
        said = {
            "services": services,
            "events": {
                service["name"]: server.ask("GET", f"/api/services/{service['name']}/events?limit=1000") for service in services
            },
            "deliveries": server.ask("GET", "/api/deliveries?limit=1000"),
        }
        server.end(signal.SIGTERM)
        save(f"{folder}/mishpulse-data/mishpulse.db", said)


def save(path, said):
    database = sqlite3.connect(path)
    version = database.execute("PRAGMA user_version").fetchone()[0]
    application = database.execute("PRAGMA application_id").fetchone()[0]
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"schema_{version}")
    with open(f"{beside}.sql", "w") as file:
        print(f"-- A database of schema version {version}, as a server wrote it; made by make.py.", file=file)
        print(f"PRAGMA foreign_keys = OFF;\nPRAGMA application_id = {application};\nPRAGMA user_version = {version};", file=file)
        for line in database.iterdump():
            print(line, file=file)
    with open(f"{beside}.json", "w") as file:
        json.dump(said, file, ensure_ascii=False, indent=1)
        file.write("\n")


main()
