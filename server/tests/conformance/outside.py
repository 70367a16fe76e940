"""The Python package websockets as a client of our WebSockets. The argument is the address of a server
with --conformance and short ping intervals. Each check is a line; the first that does not hold ends it."""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

ADDRESS = sys.argv[1]


def to(path, **options):
    return connect(f"ws://{ADDRESS}{path}", max_size=None, proxy=None, **options)


async def closed(connection):
    """The code and the reason of the server's close frame."""
    try:
        while True:
            await connection.recv()
    except ConnectionClosed as error:
        return error.rcvd.code, error.rcvd.reason


async def text_and_binary_come_back_as_they_were():
    async with to("/lab/echo") as echo:
        assert echo.protocol.extensions == [], "no extension is offered back"
        for payload in ["", "瑶, 峡谷", "x" * 2**20, b"", b"\xfe" * 125, b"\xfe" * 65_536, b"\0" * 2**24]:
            await echo.send(payload)
            assert await echo.recv() == payload


async def a_ping_is_answered_with_its_payload_between_fragments_too():
    async with to("/lab/echo") as echo:
        for payload in [b"", "瑶".encode(), b"x" * 125]:
            await (await echo.ping(payload))

        async def fragments():
            yield "峡"
            await (await echo.ping(b"now"))
            yield ""
            yield "谷"

        await echo.send(fragments())
        assert await echo.recv() == "峡谷"

        async def many():
            for _ in range(100_000):
                yield b"x"

        await echo.send(many())
        assert await echo.recv() == b"x" * 100_000


async def a_close_is_echoed_code_for_code():
    for code, reason in [(1000, ""), (3000, "再见"), (4999, "x" * 123)]:
        async with to("/rooms/KPL/ws") as room:
            await room.recv()
            await room.close(code, reason)
            assert room.close_code == code, room.close_code


async def what_is_wrong_is_told_by_a_code_and_a_sentence():
    async def fragments():
        for _ in range(1_025):
            yield ""

    for path, message, code, sentence in [
        ("/lab/echo", b"\xff", 1007, "UTF-8"),
        ("/rooms/KPL/ws", b"\xff", 1007, "UTF-8"),
        ("/rooms/KPL/ws", "x" * 131_073, 1009, "131072 bytes"),
        ("/rooms/KPL/ws", fragments(), 1008, "1024 fragments"),
    ]:
        async with to(path) as connection:
            try:
                await connection.send(message, text=True)
            except ConnectionClosed:
                pass
            told, reason = await closed(connection)
            assert told == code and sentence in reason, (path, told, reason)


async def the_subprotocol_is_one_of_those_that_were_offered():
    for offered, chosen in [
        (None, None),
        (["chat"], None),
        (["pushlab.json"], "pushlab.json"),
        (["chat", "pushlab.msgpack"], "pushlab.msgpack"),
        (["pushlab.json", "pushlab.msgpack"], "pushlab.json"),
    ]:
        async with to("/rooms/KPL/ws", subprotocols=offered) as room:
            assert room.subprotocol == chosen, (offered, room.subprotocol)
            hello = await room.recv()
            assert isinstance(hello, bytes) == (chosen == "pushlab.msgpack")


async def a_client_that_answers_pings_stays_and_hears_its_own_publish():
    # Pings of its own too, and more often than ours.
    async with to("/rooms/KPL/ws", ping_interval=0.1) as room:
        assert json.loads(await room.recv())["type"] == "hello"
        try:
            # Longer than two of the server's pings take.
            raise AssertionError(await asyncio.wait_for(room.recv(), 2))
        except TimeoutError:
            pass
        await room.send(json.dumps({"type": "chat", "data": "瑶"}))
        event = json.loads(await room.recv())
        assert (event["type"], event["data"]) == ("chat", "瑶"), event


async def main():
    for check in [
        text_and_binary_come_back_as_they_were,
        a_ping_is_answered_with_its_payload_between_fragments_too,
        a_close_is_echoed_code_for_code,
        what_is_wrong_is_told_by_a_code_and_a_sentence,
        the_subprotocol_is_one_of_those_that_were_offered,
        a_client_that_answers_pings_stays_and_hears_its_own_publish,
    ]:
        await check()
        print("ok:", check.__name__.replace("_", " "), flush=True)


asyncio.run(main())
