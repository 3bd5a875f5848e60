"""What systemd does for one service with Type=notify, Restart=on-failure and FileDescriptorStoreMax=, as far as its protocol goes:

sd_notify datagrams on $NOTIFY_SOCKET with descriptors in SCM_RIGHTS (FDSTORE=1, FDSTOREREMOVE=1, FDNAME=), which are handed to the
next process from number 3 on (LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID).

    supervisor.py DIRECTORY COMMAND...      DIRECTORY/pid            the process that runs
                                            DIRECTORY/notifications  what it said, a line each, and with how many descriptors
    SIGHUP: restart, by SIGTERM;  SIGTERM: stop, and end as the process does;  a process that ends by itself is started again
"""
import ctypes
import os
import select
import signal
import socket
import sys

directory, command = sys.argv[1], sys.argv[2:]
os.makedirs(directory, exist_ok=True)
address = os.path.join(directory, "notify")
if os.path.exists(address):
    os.unlink(address)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(address)
notify.setblocking(False)
store = []  # (name, descriptor), in the order in which they came


def listen():
    while True:
        try:
            data, received, _, _ = socket.recv_fds(notify, 65536, 64)
        except BlockingIOError:
            return
        said = dict(line.split("=", 1) for line in data.decode().split("\n") if "=" in line)
        with open(os.path.join(directory, "notifications"), "a") as log:
            log.write(" ".join(data.decode().split("\n")).strip() + f" ({len(received)} descriptors)\n")
        name = said.get("FDNAME", "stored")
        if said.get("FDSTORE") == "1":
            store.extend((name, descriptor) for descriptor in received)
        elif said.get("FDSTOREREMOVE") == "1":
            for entry in [entry for entry in store if entry[0] == name]:
                store.remove(entry)
                os.close(entry[1])


def start():
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it doesn't outlive a test that is killed
        if os.getppid() != parent:
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        aside = [os.dup2(descriptor, 512 + index) for index, (_, descriptor) in enumerate(store)]
        os.closerange(3, 512)
        for index, descriptor in enumerate(aside):
            os.dup2(descriptor, 3 + index)
        os.closerange(512, 512 + len(aside))
        environment = dict(os.environ, NOTIFY_SOCKET=address)
        if store:
            environment.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(store)),
                               LISTEN_FDNAMES=":".join(name for name, _ in store))
        os.execve(command[0], command, environment)
    with open(os.path.join(directory, "pid.new"), "w") as file:
        file.write(str(pid))
    os.rename(os.path.join(directory, "pid.new"), os.path.join(directory, "pid"))
    return pid


wanted = [signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD]
wake_read, wake_write = os.pipe()
os.set_blocking(wake_write, False)
signal.set_wakeup_fd(wake_write)
for number in wanted:
    signal.signal(number, lambda *_: None)
pid, stopping = start(), False
while True:
    ready, _, _ = select.select([notify, wake_read], [], [])
    listen()
    if wake_read not in ready:
        continue
    for number in os.read(wake_read, 4096):
        if number in (signal.SIGHUP, signal.SIGTERM):
            stopping = stopping or number == signal.SIGTERM
            os.kill(pid, signal.SIGTERM)
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended == 0:
        continue
    listen()
    code = os.waitstatus_to_exitcode(status)
    print(f"supervisor: {pid} ended with {code}", flush=True)
    if stopping or code > 0:
        sys.exit(code if code > 0 else 0)
    pid = start()
