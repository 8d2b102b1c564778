#!/usr/bin/env python3
"""Kad-DHT of py-libp2p on a loopback port, driven line by line, for Plasmid's interop tests.

    kad_peer.py PROTOCOL

Prints {"ok": true, "multiaddr": ..., "peer_id": ...} once it listens and serves PROTOCOL (Plasmid's name of the
protocol; py-libp2p's own is /ipfs/kad/1.0.0), then answers each JSON line of stdin with one line, until stdin ends:

    {"know": MULTIADDR}          connects, and takes the peer into the routing table
    {"find": PEER_ID}            looks a peer up over the network: {"addrs": [...]} or {"addrs": null}
    {"provide": HEX}             announces itself under a key
    {"providers": HEX}           looks for those who did: {"peers": [...]}
    {"table": true}              {"peers": [...]}: who is in the routing table

Diagnostics go to stderr.
"""
from __future__ import annotations

import json
import logging
import os
import sys

import multiaddr
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair as new_ed25519
from libp2p.crypto.x25519 import create_new_key_pair as new_x25519
from libp2p.custom_types import TProtocol
from libp2p.kad_dht import common, kad_dht, peer_routing, provider_store, routing_table, value_store
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE_ID
from libp2p.security.noise.transport import Transport as NoiseTransport
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX_ID
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.tools.anyio_service import background_trio_service


def emit(obj: dict) -> None:
    sys.stdout.write(json.dumps(obj, sort_keys=True) + "\n")
    sys.stdout.flush()


async def answer(dht: kad_dht.KadDHT, host, request: dict) -> dict:
    if "know" in request:
        info = info_from_p2p_addr(multiaddr.Multiaddr(request["know"]))
        host.get_peerstore().add_addrs(info.peer_id, info.addrs, 3600)
        await host.connect(info)
        return {"ok": await dht.add_peer(info.peer_id, skip_server_mode_check=True)}
    if "find" in request:
        found = await dht.find_peer(ID.from_base58(request["find"]))
        return {"addrs": [str(addr) for addr in found.addrs] if found else None}
    if "provide" in request:
        return {"ok": await dht.provide(request["provide"])}
    if "providers" in request:
        found = await dht.find_providers(request["providers"])
        return {"peers": [info.peer_id.to_base58() for info in found]}
    return {"peers": [peer.to_base58() for peer in dht.routing_table.get_peer_ids()]}


async def run(protocol: str) -> int:
    # The modules took the name over when they were loaded.
    for module in (common, kad_dht, peer_routing, provider_store, routing_table, value_store):
        module.PROTOCOL_ID = TProtocol(protocol)
    keys = new_ed25519()
    noise = NoiseTransport(keys, noise_privkey=new_x25519().private_key)
    address = multiaddr.Multiaddr("/ip4/127.0.0.1/tcp/0")
    host = new_host(
        key_pair=keys, sec_opt={NOISE_ID: noise}, muxer_opt={TProtocol(YAMUX_ID): Yamux}, listen_addrs=[address]
    )
    async with host.run(listen_addrs=[address]):
        dht = kad_dht.KadDHT(host, kad_dht.DHTMode.SERVER)
        async with background_trio_service(dht):
            where = [str(addr) for addr in host.get_addrs()][0]
            if "/p2p/" not in where:
                where += f"/p2p/{host.get_id().to_base58()}"
            emit({"ok": True, "multiaddr": where, "peer_id": host.get_id().to_base58()})
            while True:
                line = await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
                if not line:
                    return 0
                try:
                    with trio.fail_after(60):
                        emit(await answer(dht, host, json.loads(line)))
                except Exception as error:
                    emit({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=os.environ.get("PEER_LOG", "ERROR"))
    sys.exit(trio.run(run, sys.argv[1]))
