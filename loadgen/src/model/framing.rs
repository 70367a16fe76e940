//! Bytes that a push transport puts around one message, by the specifications.

use pushlab_server::wire::transport::Transport;

/// RFC 9112 §7.1: the length in hexadecimal and two line ends.
pub fn chunk_framing(bytes: f64) -> f64 {
    let digits = (bytes.max(1.0).log2() / 4.0).floor() + 1.0;
    digits + 4.0
}

/// RFC 6455 §5.2, server to client.
pub fn websocket_framing(bytes: f64) -> f64 {
    match bytes {
        bytes if bytes <= 125.0 => 2.0,
        bytes if bytes <= 65_535.0 => 4.0,
        _ => 10.0,
    }
}

/// `42["event",x]` around x, for an event of so many characters; a further argument has a comma too.
pub fn socketio_packet(event_name: f64, further: &[f64]) -> f64 {
    7.0 + event_name + further.iter().map(|bytes| bytes + 1.0).sum::<f64>()
}

/// Framing of a line of NDJSON (1 byte) or of an SSE message (`data: ` and two line ends, 8 bytes,
/// and `id_line`), in a chunk of its own.
pub fn stream_framing(sse: bool, event: f64, id_line: f64) -> f64 {
    let message = if sse { 8.0 + id_line } else { 1.0 };
    message + chunk_framing(event + message)
}

/// h, around a pushed event; 0 for transports that answer.
pub(super) fn pushed(transport: Transport, event: f64, id_line: f64) -> f64 {
    match transport {
        Transport::IntervalPolling | Transport::LongPolling => 0.0,
        Transport::HttpStreaming => stream_framing(false, event, id_line),
        Transport::Sse => stream_framing(true, event, id_line),
        Transport::Websocket | Transport::Socketio => websocket_framing(event),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_follows_the_specifications() {
        for (bytes, framing) in [(15.0, 5.0), (16.0, 6.0), (255.0, 6.0), (256.0, 7.0)] {
            assert_eq!(chunk_framing(bytes), framing, "{bytes}");
        }
        assert_eq!((chunk_framing(4095.0), chunk_framing(4096.0)), (7.0, 8.0));
        for (bytes, framing) in [(125.0, 2.0), (126.0, 4.0), (65_536.0, 10.0)] {
            assert_eq!(websocket_framing(bytes), framing, "{bytes}");
        }
        let packet = r#"42["event",,"room-0","e-7"]"#.len() as f64;
        assert_eq!(socketio_packet(5.0, &[8.0, 5.0]), packet);
        assert_eq!(socketio_packet(5.0, &[]), r#"42["event",]"#.len() as f64);
        assert_eq!(stream_framing(true, 21.0, 0.0), 14.0);
        assert_eq!(stream_framing(true, 21.0, 9.0), 23.0);
        assert_eq!(stream_framing(false, 21.0, 9.0), 7.0);
    }
}
