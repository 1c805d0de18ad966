#!/usr/bin/python3
"""The lab's server: writes what arrives to its own device, and sends what is routed into that to the client."""
import argparse, os, socket
from lab import describe, loop, open_device, run

arguments = argparse.ArgumentParser()
arguments.add_argument("--client", default="10.0.2.7")
arguments.add_argument("--port", type=int, default=9090)
arguments.add_argument("--name", default="tun%d")
arguments.add_argument("--address", default="192.168.53.98/24")
arguments.add_argument("--tap", action="store_true")
arguments.add_argument("--listen-only", action="store_true", help="the first version: print what arrives, pass nothing on")
options = arguments.parse_args()

tun, name = open_device(options.name, options.tap)
run(f"ip addr add {options.address} dev {name}")
run(f"ip link set dev {name} up")
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("0.0.0.0", options.port))
client_port = None
print("ready", flush=True)


def from_socket(data, sender):
    global client_port
    client_port = sender[1]
    if options.listen_only:
        print(f"{sender[0]}:{sender[1]} --> 0.0.0.0:{options.port}\n Inside: {describe(data, options.tap)}", flush=True)
    else:
        print(f"From socket <==: {describe(data, options.tap)}", flush=True)
        os.write(tun, data)


def from_tun(data):
    print(f"From tun ==>: {describe(data, options.tap)}", flush=True)
    if client_port is not None and not options.listen_only:
        sock.sendto(data, (options.client, client_port))


loop(sock, tun, from_socket, from_tun)
