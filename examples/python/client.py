#!/usr/bin/env python3
"""A client of Plasmid in Python, with nothing but the standard library.

It drives one app from its installation to its end, over the public API of docs/api.md: install, call, signal, grant, clone,
disable, uninstall.

    usage: client.py DATA-FOLDER HAPP-FILE
"""

import base64
import json
import os
import queue
import socket
import struct
import sys
import threading


class Refused(Exception):
    """What the conductor refused: a stable code and words for people."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Conductor:
    """JSON-RPC and signals over one WebSocket (RFC 6455), by hand: it is not much."""

    def __init__(self, port, token):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.reader = self.socket.makefile("rb")
        self.signals = queue.Queue()
        self.answers = {}
        self.last = 0
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        status = self.reader.readline().decode()
        while self.reader.readline() not in (b"\r\n", b""):
            pass
        if " 101 " not in status:
            raise Refused("connectionRefused", status.strip())
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, method, params=None):
        """The result of a method, or Refused."""
        self.last += 1
        waiting = self.answers[self.last] = queue.Queue()
        self._send(1, json.dumps({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params or {}}).encode())
        answer = waiting.get(timeout=30)
        if "error" in answer:
            raise Refused(answer["error"]["data"]["code"], answer["error"]["message"])
        return answer["result"]

    def call(self, instance, zome, function, args=None, **more):
        """What a zome function returns. The result of `call` is JSON in a text, as it was in 2019."""
        params = {"instance_id": instance, "zome": zome, "function": function, "args": args or {}, **more}
        outcome = json.loads(self.ask("call", params))
        if "Ok" in outcome:
            return outcome["Ok"]
        error = outcome["Err"]
        raise Refused(error.get("code"), next(words for key, words in error.items() if key != "code"))

    def signal(self, name):
        """The next signal of this name, and what it carries."""
        while True:
            frame = self.signals.get(timeout=30)
            if frame.get("signal", {}).get("name") == name:
                return json.loads(frame["signal"]["arguments"])

    def close(self):
        self._send(8, struct.pack(">H", 1000))

    def _send(self, kind, payload):
        mask = os.urandom(4)
        size = len(payload)
        if size < 126:
            head = struct.pack(">BB", 0x80 | kind, 0x80 | size)
        elif size < 1 << 16:
            head = struct.pack(">BBH", 0x80 | kind, 0x80 | 126, size)
        else:
            head = struct.pack(">BBQ", 0x80 | kind, 0x80 | 127, size)
        self.socket.sendall(head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload)))

    def _listen(self):
        message = b""
        while True:
            head = self.reader.read(2)
            if len(head) < 2:
                return
            size = head[1] & 0x7F
            if size == 126:
                (size,) = struct.unpack(">H", self.reader.read(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", self.reader.read(8))
            payload = self.reader.read(size)
            kind = head[0] & 0x0F
            if kind == 9:
                self._send(10, payload)
            elif kind in (0, 1):
                message += payload
                if head[0] & 0x80:
                    self._take(json.loads(message))
                    message = b""
            elif kind == 8:
                return

    def _take(self, frame):
        if "jsonrpc" in frame:
            self.answers.pop(frame["id"]).put(frame)
        else:
            self.signals.put(frame)


def refused(code, ask):
    """That something is refused with this code."""
    try:
        answer = ask()
    except Refused as refusal:
        assert refusal.code == code, f"refused with {refusal}, not {code}"
        return
    raise AssertionError(f"it was not refused, but answered {answer}")


def operator(folder):
    """The ports of the conductor that keeps its data in a folder, and a connection to its admin port."""
    try:
        with open(f"{folder}/ports.json", encoding="utf-8") as file:
            ports = json.load(file)
        with open(f"{folder}/admin.token", encoding="utf-8") as file:
            token = file.read().strip()
        return ports, Conductor(ports["admin"], token)
    except OSError as error:
        sys.exit(
            f"error: no conductor runs with its data in {folder} ({error})\n"
            "hint: start one, or name the folder of one that runs (of plasmid dev: PACKAGE/.plasmid-dev)"
        )


def main(folder, happ):
    ports, admin = operator(folder)

    def app(name):
        return Conductor(ports["app"], admin.ask("admin/token/issue", {"app_id": name})["token"])

    # Install: two people, each with an agent and a chain of their own.
    ada_app = admin.ask("admin/app/install", {"path": happ, "app_id": "py-ada"})
    ben_app = admin.ask("admin/app/install", {"path": happ, "app_id": "py-ben"})
    ada_cell, ben_cell = ada_app["roles"][0]["instance_id"], ben_app["roles"][0]["instance_id"]
    ada, ben = app("py-ada"), app("py-ben")
    print(f"installed: {ada_cell} and {ben_cell}")

    # Call.
    page = ada.call(ada_cell, "workshop", "write", {"text": "written in Python"})
    assert ada.call(ada_cell, "workshop", "pages") == ["written in Python"]
    print(f"called: {page['action']}")

    # Signal: Ben's `receive` keeps what Ada sends, and tells who she is.
    ada.call(ada_cell, "workshop", "say", {"to": ben_app["agent"], "order": "keep", "text": "good morning"})
    assert ben.signal("kept") == {"caller": ada_app["agent"]}
    print("heard: kept")

    # Grant: what needs a capability is refused without one, done with it, and refused when it is taken back.
    def write_for_ada(**more):
        return ben.call(ada_cell, "workshop", "write", {"text": "by Ben"}, **more)

    refused("capabilityMissing", write_for_ada)
    grant = admin.ask(
        "admin/grant",
        {
            "instance_id": ada_cell,
            "tag": "write for me",
            "access": "assigned",
            "assignees": [ben_app["agent"]],
            "functions": ["workshop/write"],
        },
    )
    write_for_ada(token=grant["secret"])
    admin.ask("admin/revoke", {"instance_id": ada_cell, "address": grant["address"]})
    refused("capabilityWrong", lambda: write_for_ada(token=grant["secret"]))
    print("granted, used, revoked")

    # Clone: the same zomes in a network of its own, and away with it.
    clone = admin.ask("admin/app/clone", {"app_id": "py-ada", "role": "main", "name": "Garden", "network_seed": "garden"})
    assert ada.call(clone["instance_id"], "workshop", "pages") == []
    ada.call(clone["instance_id"], "workshop", "write", {"text": "among the roses"})
    assert len(ada.call(ada_cell, "workshop", "pages")) == 2
    admin.ask("admin/app/clone/disable", {"app_id": "py-ada", "clone": clone["clone"]})
    refused("cellNotActive", lambda: ada.call(clone["instance_id"], "workshop", "pages"))
    admin.ask("admin/app/clone/delete", {"app_id": "py-ada", "clone": clone["clone"]})
    print(f"cloned: {clone['instance_id']}")

    # Disable, enable, uninstall.
    admin.ask("admin/app/disable", {"app_id": "py-ada"})
    refused("cellNotActive", lambda: ada.call(ada_cell, "workshop", "pages"))
    admin.ask("admin/app/enable", {"app_id": "py-ada"})
    assert len(ada.call(ada_cell, "workshop", "pages")) == 2
    # What is uninstalled ends its connections, if they do not end themselves.
    ada.close()
    ben.close()
    for name in ("py-ada", "py-ben"):
        admin.ask("admin/app/uninstall", {"app_id": name})
    refused("unknownInstance", lambda: admin.call(ada_cell, "workshop", "pages"))
    print("disabled, enabled, uninstalled")
    admin.close()
    print("python: all held")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
