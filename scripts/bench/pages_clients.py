"""Asks a server for its pages as many people with a page open would, in a process of its own whose CPU is told.

usage: pages_clients.py ADDRESS PORT CLIENTS OTHERS SECONDS KIND

Each of CLIENTS asks for a day every ten seconds, three of five times for today, else for one of the 29 before; each of
OTHERS for another page. KIND is `browser`, which takes gzip and asks for what it has only if it changed, or `plain`, which
does neither. Prints one object.
"""
import asyncio
import datetime
import json
import random
import resource
import sys
import time

EVERY_S = 10
TODAY_SHARE = 0.6
DAYS = 30
OTHER_PAGES = ["/events", "/events?camera=camera-07&label=person", "/search?q=white+van", "/search?q=yesterday+ladder",
               "/night", "/storage", "/metrics", "/api/v1/status", "/api/v1/events?limit=50", "/api/v1/cameras",
               "/play/camera-09", "/events.atom"]


class Client:
    """One connection that is kept, as browsers do."""

    def __init__(self, address, kind, dice):
        self.address, self.kind, self.dice = address, kind, dice
        self.tags = {}
        self.streams = None

    async def ask(self, path):
        """Returns the status, how many bytes came, and how long the answer took to its last byte."""
        if self.streams is None:
            self.streams = await asyncio.open_connection(*self.address, limit=1 << 22)
        reader, writer = self.streams
        lines = [f"GET {path} HTTP/1.1", f"Host: {self.address[0]}"]
        if self.kind == "browser":
            lines.append("Accept-Encoding: gzip")
            if path in self.tags:
                lines.append(f"If-None-Match: {self.tags[path]}")
        began = time.monotonic()
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in head[1:] if line)}
        status = int(head[0].split()[1])
        size = await self.body(reader, headers) if status not in (204, 304) else 0
        took = time.monotonic() - began
        if "etag" in headers:
            self.tags[path] = headers["etag"]
        return status, size, took

    @staticmethod
    async def body(reader, headers):
        if "content-length" in headers:
            return len(await reader.readexactly(int(headers["content-length"])))
        total = 0
        while True:
            size = int(await reader.readuntil(b"\r\n"), 16)
            await reader.readexactly(size + 2)
            if size == 0:
                return total
            total += size

    def forget(self):
        if self.streams:
            self.streams[1].close()
        self.streams = None


def day(dice):
    if dice.random() < TODAY_SHARE:
        return "/"
    return f"/day/{datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=dice.randrange(1, DAYS))}"


async def visit(client, choose, until, answers):
    """Asks every ten seconds, beginning at any time within the first ten."""
    at = time.monotonic() + client.dice.random() * EVERY_S
    while at < until:
        await asyncio.sleep(max(0, at - time.monotonic()))
        path = choose(client.dice)
        try:
            status, size, took = await asyncio.wait_for(client.ask(path), 120)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError) as error:
            client.forget()
            status, size, took = type(error).__name__, 0, time.monotonic() - at
        answers.append({"path": path, "status": status, "bytes": size, "s": took})
        # Whoever waits longer than that asks next when the answer is there.
        at = max(at + EVERY_S, time.monotonic())


async def main(address, port, clients, others, seconds, kind):
    until = time.monotonic() + seconds
    days, rest = [], []
    crowd = [visit(Client((address, port), kind, random.Random(n)), day, until, days) for n in range(clients)]
    page = lambda dice: dice.choice(OTHER_PAGES)
    crowd += [visit(Client((address, port), kind, random.Random(-1 - n)), page, until, rest) for n in range(others)]
    await asyncio.gather(*crowd)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    json.dump({"days": days, "others": rest, "cpu_s": usage.ru_utime + usage.ru_stime}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6]))
