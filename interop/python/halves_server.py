"""A TCP server that speaks first, and whose first line says what it does then. Prints its port.

    whole      reads to the end of the caller's half, and answers with length and SHA-256
    half       ends its own half at once, goes on reading, and notes what it has read
    broken     sends something and resets          wait   notes whether the connection ends with FIN or RST
    endless    sends for ever                      note   answers with what was noted
"""
import hashlib
import queue
import socket
import struct
import threading

notes = queue.Queue()


def take(sock):
    total, digest = 0, hashlib.sha256()
    while data := sock.recv(1 << 16):
        total += len(data)
        digest.update(data)
    return b"%d %s" % (total, digest.hexdigest().encode())


def serve(sock):
    sock.sendall(b"hello, who are you?\n")
    said = b""
    while not said.endswith(b"\n"):
        byte = sock.recv(1)
        if not byte:
            sock.close()
            return
        said += byte
    word = said.decode().strip()
    try:
        if word == "whole":
            sock.sendall(take(sock))
        elif word == "half":
            sock.sendall(b"bye\n")
            sock.shutdown(socket.SHUT_WR)
            notes.put(take(sock))
        elif word == "broken":
            sock.sendall(b"x" * 1000)
            sock.recv(1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif word == "wait":
            # a reset takes what was not read with it: the caller waits for this
            sock.sendall(b"waiting\n")
            try:
                take(sock)
                notes.put(b"FIN")
            except ConnectionResetError:
                notes.put(b"RST")
        elif word == "endless":
            try:
                while True:
                    sock.sendall(bytes(1 << 16))
            except OSError:
                notes.put(b"told")
        elif word == "note":
            sock.sendall(notes.get(timeout=30))
    except OSError:
        pass
    finally:
        sock.close()


listener = socket.create_server(("127.0.0.1", 0), backlog=128)
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
