#!/usr/bin/env python3
"""Lays out an image (a docker-archive) as a folder, or runs what its configuration says in that folder; see check-image.sh.

    run_image.py lay IMAGE.tar FOLDER
    run_image.py run IMAGE.tar FOLDER      as root, in network, mount and process namespaces of its own
"""

import gzip
import json
import os
import signal
import ssl
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import http.server
import time
import urllib.request

BYTES_MAX = 30_000_000


def read(image):
    with tarfile.open(image) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))[0]
        config = json.load(archive.extractfile(manifest["Config"]))
        layers = [archive.extractfile(layer).read() for layer in manifest["Layers"]]
    return config, layers


def lay(image, root):
    config, layers = read(image)
    steps = [step["created_by"] for step in config["history"] if not step.get("empty_layer")]
    for layer, step in zip(layers, steps):
        step = step.split("in /image")[-1][:60]
        print(f"{len(layer):>10} bytes, {len(gzip.compress(layer)):>9} compressed: {step}")
        with tempfile.TemporaryFile() as file:
            file.write(layer)
            file.seek(0)
            with tarfile.open(fileobj=file) as tar:
                tar.extractall(root, numeric_owner=True)
    total = sum(map(len, layers))
    print(f"{total:>10} bytes in all")
    assert total < BYTES_MAX, "the image is too large"
    for folder, _, files in sorted(os.walk(root)):
        for name in sorted(files):
            path = os.path.join(folder, name)
            print(f"{os.lstat(path).st_size:>10} {path.removeprefix(root)}")


class Image:
    """The image as an engine would run it: its user, variables and folder, on a root that is read-only."""

    def __init__(self, config, root):
        self.config, self.root = config["config"], root
        self.user, self.group = map(int, self.config["User"].split(":"))
        self.variables = dict(pair.split("=", 1) for pair in self.config["Env"])

    def start(self, arguments, **more):
        def enter():
            os.chroot(self.root)
            os.chdir(self.config["WorkingDir"])
            os.setgroups([])
            os.setgid(self.group)
            os.setuid(self.user)

        variables = {**self.variables, **more.pop("variables", {})}
        return subprocess.Popen(arguments, preexec_fn=enter, env=variables, **more)

    def is_healthy(self, **more):
        word, *command = self.config["Healthcheck"]["Test"]
        assert word == "CMD", "there is no shell in the image"
        return self.said(command, **more)[0] == 0

    def said(self, command, **more):
        process = self.start(command, stderr=subprocess.PIPE, text=True, **more)
        _, said = process.communicate(timeout=30)
        return process.returncode, said

    def mount(self, folder):
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "--bind", self.root, self.root], check=True)
        for number, volume in enumerate(self.config["Volumes"]):
            # A new volume begins as the folder in the image: with its owner.
            inside, outside = self.root + volume, f"{folder}/{number}"
            found = os.stat(inside)
            os.mkdir(outside)
            os.chown(outside, found.st_uid, found.st_gid)
            os.chmod(outside, stat.S_IMODE(found.st_mode))
            subprocess.run(["mount", "--bind", outside, inside], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", self.root], check=True)


def until(what, condition):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise SystemExit(f"waited in vain: {what}")


def run(image, root):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        it = Image(read(image)[0], root)
        it.mount(folder)
        server = it.start([*it.config["Entrypoint"], *it.config["Cmd"]])
        until("the health check succeeds", it.is_healthy)
        print("the health check succeeds")
        with open(f"/proc/{server.pid}/status") as status:
            print("its process:", *(line.strip() for line in status if line.startswith(("Uid", "CapEff"))))
        data = root + it.variables["MISHPULSE_DATA_DIR"]
        for name in sorted(os.listdir(data)):
            found = os.stat(f"{data}/{name}")
            assert found.st_uid == it.user and found.st_mode & 0o077 == 0, name
        with open(f"{data}/admin.key") as file:
            key = {"Authorization": f"Bearer {file.read().strip()}"}
        base = "http://127.0.0.1:8080"
        with urllib.request.urlopen(urllib.request.Request(f"{base}/api/services", headers=key)) as answer:
            token = json.load(answer)[0]["token"]
        code, said = it.said(["/usr/bin/mishpulse", "beat", f"{base}/api/heartbeat/{token}"])
        assert code == 0, said
        with urllib.request.urlopen(f"{base}/api/status") as answer:
            print(answer.read().decode())
        # As `docker exec` would.
        process = it.start(["/usr/bin/mishpulse", "service", "list"])
        assert process.wait() == 0

        server.send_signal(signal.SIGSTOP)
        assert not it.is_healthy(), "a server that hangs is healthy"
        server.send_signal(signal.SIGCONT)
        until("the health check succeeds again", it.is_healthy)
        print("the health check fails while the server hangs")

        trusts(it, folder)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0, "it did not end well"
        assert not it.is_healthy()
        print("it ended well")


def trusts(it, folder):
    """Authorities are there, so that a certificate is refused for what it is, and names in /etc/hosts are found."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"],
        check=True, capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    stranger = http.server.HTTPServer(("127.0.0.1", 8443), http.server.BaseHTTPRequestHandler)
    stranger.socket = context.wrap_socket(stranger.socket, server_side=True)
    stranger.handle_error = lambda *_: None
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    code, said = it.said(["/usr/bin/mishpulse", "healthcheck", "--url", "https://127.0.0.1:8443"])
    assert code == 1 and "UnknownIssuer" in said, said
    print("a stranger's certificate is refused:", said.strip())
    with open(f"{it.root}/etc/ssl/certs/ca-certificates.crt") as file:
        count = file.read().count("BEGIN CERTIFICATE")
    assert count > 50
    print(f"{count} public authorities are known")


{"lay": lay, "run": run}[sys.argv[1]](*sys.argv[2:])
