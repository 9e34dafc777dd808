"""A line that counts, and the kernel's word on what is in force."""

import socket
import time

NETLINK_NETFILTER = 12
NFNLGRP_NFTABLES = 7


def line(address, n):
    now = time.strftime("%b %e %H:%M:%S")
    return f"{now} host sshd[{2000 + n % 30000}]: Failed password for root from {address} port 4711 ssh2\n".encode()


def events():
    """The kernel's messages about nftables; it sends them once a change is in force."""
    stream = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    stream.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
    stream.bind((0, 1 << (NFNLGRP_NFTABLES - 1)))
    return stream
