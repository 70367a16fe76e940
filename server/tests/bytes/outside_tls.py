"""A TLS client that shares nothing with the server: Python's ssl over OpenSSL, HTTP and WebSocket
written by hand. Arguments: port, certificate to trust, TLS version. Ends with 0 if all is as it must be."""

import base64
import json
import os
import socket
import ssl
import struct
import sys

PORT, CERTIFICATE, VERSION = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def dial():
    context = ssl.create_default_context(cafile=CERTIFICATE)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[VERSION]
    context.set_alpn_protocols(["h2", "http/1.1"])
    plain = socket.create_connection(("127.0.0.1", PORT), timeout=15)
    # An end without close_notify is an error here, not an end.
    stream = context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
    assert stream.selected_alpn_protocol() == "http/1.1", stream.selected_alpn_protocol()
    assert stream.version() == VERSION.replace("_", "."), stream.version()
    return stream


def until(stream, end):
    read = b""
    while not read.endswith(end):
        byte = stream.recv(1)
        assert byte, f"ended within {read!r}"
        read += byte
    return read


def ask(stream, head, body=b""):
    stream.sendall(head.encode() + b"\r\n\r\n" + body)
    head = until(stream, b"\r\n\r\n").decode()
    return int(head.split()[1]), head


def exactly(stream, count):
    read = b""
    while len(read) < count:
        more = stream.recv(count - len(read))
        assert more, f"ended within {read!r}"
        read += more
    return read


def to_end(stream):
    read = b""
    while more := stream.recv(65536):
        read += more
    return read


def publish(data):
    body = json.dumps({"type": "chat", "data": data}, ensure_ascii=False).encode()
    stream = dial()
    head = f"POST /rooms/KPL/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}"
    status, _ = ask(stream, head, body)
    assert status == 201, status
    assert b"cursor" in to_end(stream)


def frame(stream):
    first, length = exactly(stream, 2)
    assert first == 0x81, first
    if length == 126:
        (length,) = struct.unpack(">H", exactly(stream, 2))
    return json.loads(exactly(stream, length))


def sse():
    stream = dial()
    status, _ = ask(stream, "GET /rooms/KPL/sse HTTP/1.1\r\nHost: localhost")
    assert status == 200, status
    until(stream, b'"missed":0}\n\n\r\n')
    publish("峡谷")
    assert "峡谷".encode() in until(stream, b"}\n\n\r\n")


def websocket():
    stream = dial()
    key = base64.b64encode(os.urandom(16)).decode()
    status, _ = ask(
        stream,
        "GET /rooms/KPL/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}",
    )
    assert status == 101, status
    assert frame(stream)["type"] == "hello"
    publish("over wss")
    assert frame(stream)["data"] == "over wss"
    # A close without a mask's worth of payload: code 1000, mask 0.
    stream.sendall(b"\x88\x82\0\0\0\0\x03\xe8")
    assert exactly(stream, 4) == b"\x88\x02\x03\xe8"
    assert to_end(stream) == b""


def long_answer():
    """The last answer is whole, and the end of the connection is TLS's own."""
    for number in range(20):
        publish(f"{number}:" + "x" * 60_000)
    stream = dial()
    status, head = ask(stream, "GET /rooms/KPL/poll?cursor=0 HTTP/1.1\r\nHost: localhost\r\nConnection: close")
    assert status == 200, status
    body = to_end(stream)
    (length,) = [line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("content-length")]
    assert len(body) == int(length), (len(body), length)
    assert json.loads(body)["events"], "no events"


sse()
websocket()
long_answer()
