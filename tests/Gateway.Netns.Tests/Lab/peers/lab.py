"""What the lab's two programs share: a TUN device, and the loop between it and a UDP socket. One packet a datagram, no header."""
import fcntl, os, select, struct, subprocess
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether

TUNSETIFF, IFF_TUN, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0001, 0x0002, 0x1000


def open_device(pattern, tap=False):
    """Makes the device; the kernel fills in the %d of the pattern. Returns the file and the name."""
    tun = os.open("/dev/net/tun", os.O_RDWR)
    request = struct.pack("16sH", pattern.encode(), (IFF_TAP if tap else IFF_TUN) | IFF_NO_PI)
    name = fcntl.ioctl(tun, TUNSETIFF, request)[:16].rstrip(b"\0").decode()
    print(f"Interface Name: {name}", flush=True)
    return tun, name


def run(command):
    subprocess.run(command.split(), check=True)


def describe(data, tap):
    """SRC --> DST of a packet, as the lab prints it."""
    packet = Ether(data) if tap else IP(data) if data[0] >> 4 == 4 else IPv6(data)
    if ARP in packet:
        return f"{packet[ARP].psrc} who-has {packet[ARP].pdst}" if packet[ARP].op == 1 else f"{packet[ARP].psrc} is-at {packet[ARP].hwsrc}"
    inner = packet.payload if tap and (IP in packet or IPv6 in packet) else packet
    return f"{inner.src} --> {inner.dst}"


def loop(sock, tun, from_socket, from_tun):
    while True:
        for ready in select.select([sock, tun], [], [])[0]:
            if ready is sock:
                from_socket(*sock.recvfrom(2048))
            else:
                from_tun(os.read(tun, 2048))
