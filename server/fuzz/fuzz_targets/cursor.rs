//! A cursor as it stands in a query or in `Last-Event-ID`: what is read is written as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pushlab_server::wire::cursor::{Cursor, Start};

fuzz_target!(|bytes: &[u8]| {
    for (_, value) in form_urlencoded::parse(bytes) {
        let _ = value.parse::<Start>();
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(cursor) = text.parse::<Cursor>() {
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!(text.parse(), Ok(Start::After(cursor)));
    }
});
