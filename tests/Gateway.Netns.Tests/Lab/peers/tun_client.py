#!/usr/bin/python3
"""The lab's client: everything that is routed into its device goes to the server, one packet a datagram."""
import argparse, os, socket
from lab import describe, loop, open_device, run
from scapy.layers.inet import ICMP, IP

arguments = argparse.ArgumentParser()
arguments.add_argument("--server", default="10.0.2.8")
arguments.add_argument("--port", type=int, default=9090)
arguments.add_argument("--name", default="zhang%d")
arguments.add_argument("--address", default="192.168.53.99/24")
arguments.add_argument("--route", action="append", default=[])
arguments.add_argument("--tap", action="store_true")
arguments.add_argument("--down", action="store_true", help="only make the device: no address, link down")
arguments.add_argument("--write", choices=["forged", "text"], help="experiment 2: answer each packet at the device instead of sending it")
options = arguments.parse_args()

tun, name = open_device(options.name, options.tap)
if not options.down:
    run(f"ip addr add {options.address} dev {name}")
    run(f"ip link set dev {name} up")
    for route in options.route:
        run(f"ip route add {route} dev {name}")
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print("ready", flush=True)


def from_socket(data, sender):
    print(f"From socket <==: {describe(data, options.tap)}", flush=True)
    os.write(tun, data)


def from_tun(data):
    print(f"From tun ==>: {describe(data, options.tap)}", flush=True)
    if options.write == "text":
        os.write(tun, b"hello")
    elif options.write == "forged":
        request = IP(data)
        if ICMP in request and request[ICMP].type == 8:
            answer = IP(src="1.2.3.4", dst=request.src) / ICMP(type=0, id=request[ICMP].id, seq=request[ICMP].seq) / request[ICMP].payload
            os.write(tun, bytes(answer))
    else:
        sock.sendto(data, (options.server, options.port))


loop(sock, tun, from_socket, from_tun)
