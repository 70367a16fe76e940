//! The head of a client's GET: `Host` and what its transport needs, and under a preset the published
//! headers around it, at exactly the published size. On a WebSocket the library writes the head, so
//! the preset's headers ride on it and no size is promised.

use super::Client;
use crate::net::failure::Failure;
use pushlab_server::wire::lab_headers::Template;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};

/// The class of answers whose head is not of the size that the scenario asks for.
pub const OFF_PRESET: &str = "answer-head-off-preset";

/// `GET target`, with the headers `own` beside `Host`.
pub(super) fn request(
    client: &Client,
    target: &str,
    own: &[(&str, String)],
) -> Result<String, Failure> {
    let template = client.lane.request_head.as_ref();
    head(client, ("GET", target), own, template)
}

/// `POST target` with `bytes` of text to come; no preset has one.
pub(super) fn post(client: &Client, target: &str, bytes: usize) -> Result<String, Failure> {
    let own = [
        ("Content-Type", "text/plain;charset=UTF-8".to_owned()),
        ("Content-Length", bytes.to_string()),
    ];
    head(client, ("POST", target), &own, None)
}

fn head(
    client: &Client,
    (method, target): (&str, &str),
    own: &[(&str, String)],
    template: Option<&Template>,
) -> Result<String, Failure> {
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    let mut taken = vec!["Host"];
    write(&mut head, "Host", client.host());
    for (name, value) in own {
        write(&mut head, name, value);
        taken.push(name);
    }
    if let Some(cookie) = client.lane.setting.cookie(client.index) {
        write(&mut head, "Cookie", cookie);
        taken.push("Cookie");
    }
    for (name, value) in &client.lane.setting.manner.headers {
        write(&mut head, name, value);
        taken.push(name);
    }
    if let Some(template) = template {
        for (name, value) in template.fill(head.len() + LINE_END.len(), &taken)? {
            write(&mut head, name, &value);
        }
    }
    head.push_str(LINE_END);
    Ok(head)
}

const LINE_END: &str = "\r\n";

fn write(head: &mut String, name: &str, value: &str) {
    for part in [name, ": ", value, LINE_END] {
        head.push_str(part);
    }
}

pub(super) fn put_on_handshake(client: &Client, headers: &mut HeaderMap) {
    let lines = client
        .lane
        .request_head
        .iter()
        .flat_map(|head| head.lines());
    for (name, value) in lines {
        // Those of the files are all plain; nothing else is in a template.
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    let cookie = client.lane.setting.cookie(client.index);
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(cookie).ok()) {
        headers.insert("Cookie", cookie);
    }
    for (name, value) in &client.lane.setting.manner.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
}

/// Counts an answer whose head is of another size than the preset's: the server was not told of it.
pub(super) fn check_answer(client: &Client, head_bytes: usize) {
    if client
        .lane
        .answer_bytes
        .is_some_and(|bytes| bytes != head_bytes)
    {
        client.sink.error(OFF_PRESET);
    }
}
