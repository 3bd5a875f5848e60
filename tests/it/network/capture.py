"""Writes the IPv4 frames of an interface to a file as tcpdump does. In a user namespace tcpdump can't give up root, and ends.
argv: interface, file."""
import socket
import struct
import sys

ETH_P_ALL = 3
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
wire.bind((sys.argv[1], 0))
with open(sys.argv[2], "wb", buffering=0) as file:
    file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    print("listening on " + sys.argv[1], flush=True)
    while True:
        frame = wire.recv(65535)
        if frame[12:14] == b"\x08\x00":
            file.write(struct.pack("=IIII", 0, 0, len(frame), len(frame)) + frame)
