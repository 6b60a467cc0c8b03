#!/usr/bin/env python3
"""Relinks a server again and again while it serves. Called by run.sh, which says what for.

For each configuration: the server is built from sources, started, and put under load by redis-benchmark and by clients that
check every reply (clients.py). Then its sources are edited (edits.py), compiled by its own makefile and linked anew beside the
running server, a hundred times; every tenth time the server is told to save and end, and the new one goes on with the data.
"""

import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the source folder
sys.path.insert(0, str(Path(__file__).resolve().parent))
import clients
import measure
from edits import Edits

CLIENTS = 4
TESTS = "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange_100,mset"
HANG = 300  # seconds, after which a process is taken to hang
CONFIGURATIONS = ["uffd", "uffd-alone", "signal", "signal-alone", "twin"]
HEADINGS = ["", "relinks", "full links", "restarts", "requests checked", "failed", "cut off", "benchmark runs", "failed",
            "keys read back", "memory, MB: first life", "last life", "loader's descriptors", "others'", "mappings",
            "index, MB: first third", "second third", "last third", "processes reaped", "server's zombies", "minutes"]


class Soak:
    def __init__(self, options, name):
        self.options, self.name = options, name
        self.pager, _, alone = name.partition("-")
        self.is_twin = name == "twin"
        self.folder = options.work / name
        self.source = self.folder / "redis/src"
        self.app = self.source / "redis-server"
        self.path = self.folder / "server.socket"
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("UNFOLD_")}
        if alone:
            self.environment["UNFOLD_BACKGROUND"] = "off"
        self.problems = []
        self.count = collections.Counter()
        self.why_full, self.pagers = collections.Counter(), collections.Counter()
        self.lives = []  # the samples of each life of the server
        self.disk = []
        self.known = set()  # our own processes
        self.is_over = False

    def problem(self, text):
        print(f"{self.name}: PROBLEM: {text}", flush=True)
        self.problems.append(text)

    # --- building -----------------------------------------------------------------------------------------
    def make(self, *targets, is_restart=False):
        environment = self.environment
        if is_restart:
            # A server that starts at once after a link finds little rendered. Here it finds nothing new.
            environment = environment | {"UNFOLD_BACKGROUND": "off"}
        linker = self.options.linkers / ("twin" if self.is_twin else "unfold")
        words = ["make", "-C", str(self.source), "-j2", "USE_SYSTEM_JEMALLOC=yes", f"CC=gcc -B{linker}", *targets]
        done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        (self.folder / "make.log").write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            raise SystemExit(f"{self.name}: make failed: {self.folder}/make.log\n{done.stderr[-2000:]}")

    def build(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        subprocess.run(["cp", "-a", str(self.options.template), str(self.folder / "redis")], check=True)
        for name in ("redis-server", "redis-benchmark", "redis-cli"):
            (self.source / name).unlink(missing_ok=True)
        self.edits = Edits(self.source, self.name.partition("-")[0])
        self.make("redis-server", "redis-benchmark", is_restart=True)
        self.look_at_link()

    def unfold(self, *words):
        done = subprocess.run([str(self.options.linkers / "unfold/unfold"), *map(str, words)], env=self.environment,
                              capture_output=True, text=True)
        if done.returncode != 0:
            self.problem(f"unfold {' '.join(map(str, words))}: {done.stdout[-500:]}{done.stderr[-500:]}")
        return done.stdout

    def look_at_link(self):
        if self.is_twin:
            return
        status = json.loads(self.unfold("status", self.app, "--json") or "{}")
        if not status.get("incremental"):
            self.count["full"] += 1
            self.why_full[status.get("why_full")] += 1

    # --- the server ---------------------------------------------------------------------------------------
    def start_server(self):
        log = open(self.folder / "server.log", "ab")
        words = [str(self.app), "--port", "0", "--unixsocket", str(self.path), "--dir", str(self.folder), "--save", "",
                 "--dbfilename", "dump.rdb", "--maxclients", "200"]
        environment = self.environment | ({} if self.is_twin else {"UNFOLD_PAGER": self.pager})
        self.server = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        self.known.add(self.server.pid)
        self.answer = self.edits.answer()
        self.lives.append([])
        while True:
            if self.server.poll() is not None:
                raise SystemExit(f"{self.name}: the server does not start: {self.folder}/server.log")
            try:
                self.control = clients.Connection(self.path)
                if self.control.call("PING") == b"PONG":
                    break
            except (clients.Gone, clients.Wrong):
                time.sleep(0.01)  # it reads its file
        self.sample()
        self.look_at_server()
        if not self.is_twin:
            self.pagers[json.loads(self.unfold("status", self.app, "--json"))["last_run"]["pager"]] += 1

    def look_at_server(self):
        """It is the one that was started, and is well."""
        if self.server.poll() is not None:
            raise SystemExit(f"{self.name}: the server has ended with {self.server.returncode}: {self.folder}/server.log")
        found = self.control.call("SOAK")
        if found != self.answer:
            self.problem(f"after edit {self.number}: the server answers {found!r}, not {self.answer!r}")
        for number in range(1, self.lives_commands + 1):
            if self.control.call(f"SOAK{number}") != b"more %d" % number:
                self.problem(f"SOAK{number} does not answer")
        information = dict(line.split(":", 1) for line in self.control.call("INFO").decode().split("\r\n") if ":" in line)
        if int(information["process_id"]) != self.server.pid:
            self.problem("another process answers")
        if information["rdb_last_bgsave_status"] != "ok":
            self.problem("the server could not save from a forked process")
        if information["rdb_bgsave_in_progress"] == "0":
            self.control.call("BGSAVE")

    def sample(self):
        sample = measure.process(self.server.pid)
        sample["zombies"] = sum(state == "Z" for state, _ in measure.children(self.server.pid).values())
        self.lives[-1].append(sample)
        if not self.is_twin:
            self.disk.append(measure.disk(self.source / ".unfold"))
        self.reap()

    def reap(self):
        for pid, (state, name) in measure.children().items():
            if pid not in self.known and state == "Z":
                os.waitpid(pid, 0)
                # A server that is told to end kills the process that saves, and does not wait for it.
                if name != "redis-server":
                    self.count["left behind"] += 1
                if not name.startswith(("ld", "redis-server")):
                    self.problem(f"a process that has ended was left behind: {name}")

    def stop_server(self, save):
        try:
            self.control.call("SHUTDOWN", *save)
        except clients.Gone:
            pass
        self.control.close()
        self.server.wait(120)
        if self.server.returncode != 0:
            self.problem(f"the server ended with {self.server.returncode}")

    def restart(self):
        with self.shared.ends.get_lock():
            self.shared.ends.value += 1
        self.stop_server(["SAVE"])
        self.lives_commands = self.edits.commands
        self.start_server()
        with self.shared.ready.get_lock():
            self.shared.ready.value = self.shared.ends.value
        self.count["restarts"] += 1

    # --- the load -----------------------------------------------------------------------------------------
    def benchmark(self):
        """Runs redis-benchmark again and again. A run that meets a restart may fail."""
        words = [str(self.source / "redis-benchmark"), "-s", str(self.path), "-n", "2000", "-c", "8", "-r", "1000", "-P", "4",
                 "-q", "-t", TESTS]
        while not self.is_over:
            ends, ready = self.shared.ends.value, self.shared.ready.value
            process = subprocess.Popen(words, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT)
            self.known.add(process.pid)
            try:
                said, _ = process.communicate(timeout=HANG)
            except subprocess.TimeoutExpired:
                # So it does when its server is gone for good, or has closed its connections.
                process.kill()
                said, _ = process.communicate()
            is_excused = ends != ready or self.shared.ends.value != ends
            is_good = process.returncode == 0 and b"rror" not in said
            if is_good:
                self.count["benchmarks"] += 1
            elif not is_excused:
                self.count["failed benchmarks"] += 1
                self.problem(f"redis-benchmark: {process.returncode}, {said[-300:]!r}")
            try:
                connection = clients.Connection(self.path)
                connection.call("DEL", "mylist", "myset", "myzset", "myhash")
                connection.close()
            except (clients.Gone, clients.Wrong):
                time.sleep(0.01)

    # --- all of it ----------------------------------------------------------------------------------------
    def run(self):
        began = time.monotonic()
        self.number, self.lives_commands = 0, 0
        self.build()
        self.start_server()
        processes, self.shared = clients.start(CLIENTS, self.path)
        self.known |= {process.pid for process in processes}
        thread = threading.Thread(target=self.benchmark)
        thread.start()
        try:
            for self.number in range(1, self.options.relinks + 1):
                self.step()
        except BaseException:
            self.server.kill()
            raise
        finally:
            self.shared.stop.value = 1
            self.is_over = True
            thread.join()
            for process in processes:
                process.join(120)
                if process.exitcode != 0:
                    self.problem(f"a client ended with {process.exitcode}")
        while not self.shared.failures.empty():
            self.problem(self.shared.failures.get())
            self.count["failed"] += 1
        self.end()
        return self.row((time.monotonic() - began) / 60)

    def step(self):
        kind, written = self.edits.edit(self.number)
        is_restart = self.number % self.options.every == 0
        self.make("redis-server", is_restart=is_restart)
        self.count["relinks"] += 1
        self.look_at_link()
        self.look_at_server()
        if self.number % 7 == 0 and not self.is_twin:
            self.unfold("gc", self.source / ".unfold")
        self.sample()
        if is_restart:
            self.restart()
            print(f"{self.name}: {self.number} relinks, {self.shared.requests.value} requests; the last edit: {kind} "
                  f"in {', '.join(written)}; {self.lives[-2][-1]}", flush=True)

    def end(self):
        """Nobody is left, and what is on disk is whole."""
        self.stop_server(["NOSAVE"])
        deadline = time.monotonic() + 120
        while measure.children().keys() - self.known and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.1)
        for pid, (state, name) in measure.children().items():
            if pid not in self.known:
                self.problem(f"process {pid} ({name}, {state}) does not end")
        if self.is_twin:
            return
        self.unfold("gc", self.source / ".unfold")
        self.unfold("verify", self.app)
        self.disk.append(measure.disk(self.source / ".unfold"))

    def row(self, minutes):
        count, disk = self.count, [size / 1e6 for size in self.disk] or [0, 0, 0]
        # Each life begins anew; the most of each tells whether something grows.
        memory = [max(sample["rss"] for sample in life) / 1e3 for life in self.lives if life]
        samples = [sample for life in self.lives for sample in life]
        own = max(sample["loader"] for sample in samples)
        others = [sample["descriptors"] - sample["loader"] for sample in samples]
        third = max(1, len(disk) // 3)
        parts = [max(disk[:third]), max(disk[third:2 * third] or disk), max(disk[2 * third:])]
        self.judge(memory, own, others, samples, parts)
        return [self.name, count["relinks"], count["full"], count["restarts"], self.shared.requests.value, count["failed"],
                self.shared.cut_off.value, count["benchmarks"], count["failed benchmarks"], self.shared.checked.value,
                f"{memory[0]:.1f}", f"{memory[-1]:.1f}", own, max(others), max(sample["maps"] for sample in samples),
                *(f"{part:.1f}" for part in parts), count["left behind"],
                max(sample["zombies"] for sample in samples), f"{minutes:.1f}"]

    def judge(self, memory, own, others, samples, disk):
        if own > 4:
            self.problem(f"the loader has {own} descriptors")
        if max(sample["threads"] for sample in samples) > 6:
            self.problem("there are more threads than the server's five and the loader's one")
        # One is the process that saves, before the server looks after it.
        if max(sample["zombies"] for sample in samples) > 1:
            self.problem("the server has zombies")
        half = len(memory) // 2
        if half and max(memory[half:]) > 1.5 * max(memory[:half]):
            self.problem(f"memory grows from life to life: {memory}")
        if max(others) > 24:
            self.problem(f"the server has {max(others)} descriptors that are no sockets")
        if disk[2] > 2 * disk[0]:
            self.problem(f"the index grows: {disk}")
        if not self.shared.requests.value or not self.count["benchmarks"]:
            self.problem("there was no load")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--template", type=Path, required=True, help="a Redis that was built once")
    parser.add_argument("--linkers", type=Path, required=True, help="with unfold/ld, unfold/unfold and twin/ld")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--relinks", type=int, default=100)
    parser.add_argument("--every", type=int, default=10, help="relinks between two restarts")
    parser.add_argument("names", nargs="*", default=CONFIGURATIONS, metavar="CONFIGURATION", help=", ".join(CONFIGURATIONS))
    options = parser.parse_args()
    options.names = options.names or CONFIGURATIONS
    measure.adopt()
    rows, problems = [HEADINGS], []
    for name in options.names:
        if name not in CONFIGURATIONS:
            parser.error(f"no configuration {name!r}: {', '.join(CONFIGURATIONS)}")
        soak = Soak(options, name)
        try:
            rows.append(soak.run())
        except SystemExit as error:
            soak.problem(str(error))
        problems += [f"{name}: {problem}" for problem in soak.problems]
        if not soak.is_twin:
            print(f"{name}: full links: {dict(soak.why_full)}; pagers: {dict(soak.pagers)}", flush=True)
    print()
    for heading, *cells in zip(*rows):
        print(f"{heading:24}", *(f"{cell!s:>14}" for cell in cells))
    print("\n".join(problems) if problems else "nothing failed but what restarts cut off")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
