"""Runs a command in a root file system as Docker runs a container: pid, mount and network namespaces, no capabilities, no root.

Outside is a network namespace, too, joined to the container by a pair of interfaces: nothing of the machine's own network is
touched, and all of it ends with this process.
"""
import ctypes
import os
import signal
import subprocess

CLONE_NEWNET = 0x40000000
ADDRESS, GATEWAY = "192.0.2.2", "192.0.2.1"

# Waits for a line, so that the network is there before the command is.
BEGIN = """
mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && mount -t tmpfs -o "size=$2" shm "$1/dev/shm" || exit 70
ip link set lo up || exit 70
echo ready
read -r go || exit 70
shift 2
exec "$@" </dev/null >&2
"""


def leave_the_machines_network():
    """For this process and its children. Before any thread is started."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


class Container:
    def __init__(self, stage, shm_size, variables, log):
        self.stage, self.variables, self.log, self.pid = stage, {**stage.env, **variables}, log, None
        with open(log, "wb") as errors:
            self.parent = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-c", BEGIN, "begin",
                 stage.root, shm_size, *self.entry(stage.command)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            self.begin()
        except BaseException:
            self.kill()
            raise

    def begin(self):
        if self.parent.stdout.readline() != "ready\n":
            raise RuntimeError(f"the container did not begin: {self.text()}")
        parent = self.parent.pid
        with open(f"/proc/{parent}/task/{parent}/children") as children:
            self.pid = int(children.read())
        self.connect()
        # Keeps the container's /dev/shm, so that one can see what is left in it.
        self.shm = os.open(f"/proc/{self.pid}/root{self.stage.root}/dev/shm", os.O_RDONLY | os.O_DIRECTORY)
        self.parent.stdin.write("go\n")
        self.parent.stdin.flush()

    def connect(self):
        inside = ["nsenter", "--target", str(self.pid), "--net", "ip"]
        for words in (["ip", "link", "add", "outside", "type", "veth", "peer", "name", "eth0", "netns", str(self.pid)],
                      ["ip", "address", "add", f"{GATEWAY}/30", "dev", "outside"], ["ip", "link", "set", "outside", "up"],
                      [*inside, "address", "add", f"{ADDRESS}/30", "dev", "eth0"], [*inside, "link", "set", "eth0", "up"]):
            subprocess.run(words, check=True)

    def entry(self, words):
        """`words` as the image's user, with what cap_drop and no-new-privileges leave."""
        user = self.stage.user
        variables = [f"{name}={value}" for name, value in self.variables.items()]
        return ["chroot", self.stage.root, "setpriv", "--reuid", user, "--regid", user, "--init-groups", "--no-new-privs",
                "--bounding-set=-all", "--inh-caps=-all", "env", "-i", *variables, *self.stage.inside(words)]

    def execute(self, words):
        """As `docker exec` does."""
        return subprocess.run(["nsenter", "--target", str(self.pid), "--mount", "--pid", "--net", *self.entry(words)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    def status_of_processes(self):
        """/proc/PID/status of each process in the container, as {name: value}."""
        namespace = os.readlink(f"/proc/{self.pid}/ns/pid")
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/ns/pid") == namespace:
                    with open(f"/proc/{pid}/status") as lines:
                        found.append({name: value.strip() for name, _, value in (line.partition(":") for line in lines)})
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                pass  # it has ended meanwhile, or belongs to a machine around this one
        return found

    def alive(self):
        return self.parent.poll() is None

    def stop(self, seconds):
        """SIGTERM to the command, as `docker stop` sends it, then its exit status; None where it does not end."""
        os.kill(self.pid, signal.SIGTERM)
        try:
            return self.parent.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def left_in_shm(self):
        return os.listdir(self.shm)

    def kill(self):
        """The command, and with it all of its pid namespace."""
        if self.alive():
            if self.pid:
                os.kill(self.pid, signal.SIGKILL)
            else:
                self.parent.kill()  # --kill-child; it lasts only until the command changes its user
            self.parent.wait()

    def text(self):
        with open(self.log, errors="replace") as log:
            return log.read()
