//! The teaching page and the chat room, carried within the binary: plain files that a browser runs as
//! they are. A debug build reads them from the source tree at each request.

use crate::desk::Desk;
use crate::lab::origin;
use crate::origin::only;
use crate::problems::Refusal;
use crate::transports::count_control;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "page"]
struct Files;

const CHAT: &str = "chat.html";

/// The lab; where it is off, its page would be dead, and a stranger is sent to the chat room.
pub async fn home(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    if Desk::of(&request).lab.is_some() {
        return answer(&request, "index.html");
    }
    count_control(&request);
    origin::of_lane(&request)?;
    Ok(HttpResponse::Found()
        .insert_header((header::LOCATION, "/chat"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish())
}

/// `/chat`
pub async fn chat(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    answer(&request, CHAT)
}

/// `/page/{file}`
pub async fn file(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let name = request.match_info().query("file").to_owned();
    answer(&request, &name)
}

fn answer(request: &HttpRequest, name: &str) -> Result<HttpResponse, Refusal> {
    count_control(request);
    origin::of_lane(request)?;
    let (Some(file), Some(kind)) = (Files::get(name), content_type(name)) else {
        return Err(Refusal::NotFound);
    };
    let tag = tag(&file);
    let known = request.headers().get(header::IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok(HttpResponse::NotModified().finish());
    }
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::ETAG, tag))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy(request, name)))
        // Alone in its process, a page reads its clock to 5 µs instead of 100.
        .insert_header((header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"))
        .insert_header((header::CROSS_ORIGIN_EMBEDDER_POLICY, "require-corp"))
        .body(match file.data {
            Cow::Borrowed(bytes) => actix_web::web::Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        }))
}

fn tag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let digits: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

/// Scripts and styles of our own alone; connections to where the page came from, for that of the lab to
/// any port of that host, since lanes have ports of their own.
fn policy(request: &HttpRequest, name: &str) -> String {
    let host = only(request.headers(), header::HOST.as_str()).unwrap_or_default();
    let (others, framed) = match name {
        CHAT => (own_websocket(host, Desk::is_https(request)), "'none'"),
        _ => (lanes(host), "'self'"),
    };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
         connect-src 'self' {others}; frame-src {framed}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'self'"
    )
}

/// The page's own place as a WebSocket spells it, which Safari before 15.4 does not count as `'self'`.
fn own_websocket(host: &str, is_https: bool) -> String {
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let scheme = if is_https { "wss" } else { "ws" };
    match is_plain(name) && port.parse::<u16>().is_ok() {
        true => format!("{scheme}://{host}"),
        false => String::new(),
    }
}

/// A name that is nothing else in a policy.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    !name.is_empty() && name.bytes().all(plain)
}

/// The sources that a page's lanes are. The policy's grammar has no IPv6 address in it, and browsers
/// ignore a source that is one (CSP 3 §2.3.1, `host-char`): such a page may connect anywhere.
fn lanes(host: &str) -> String {
    if host.starts_with('[') {
        return "http: ws:".to_owned();
    }
    let name = host.split(':').next().unwrap_or_default();
    match is_plain(name) {
        true => format!("http://{name}:* ws://{name}:*"),
        false => String::new(),
    }
}

fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_ports_of_the_page_s_own_host() {
        for (host, sources) in [
            ("127.0.0.1:8080", "http://127.0.0.1:* ws://127.0.0.1:*"),
            ("localhost", "http://localhost:* ws://localhost:*"),
            ("[::1]:8080", "http: ws:"),
            ("evil; script-src *", ""),
            ("*:80", ""),
            ("", ""),
        ] {
            assert_eq!(lanes(host), sources, "{host}");
        }
    }

    #[test]
    fn the_chat_s_own_websocket_is_of_its_host_port_and_scheme() {
        for (host, is_https, source) in [
            ("127.0.0.1:8080", false, "ws://127.0.0.1:8080"),
            ("chat.example", false, "ws://chat.example"),
            ("chat.example:8443", true, "wss://chat.example:8443"),
            ("chat.example:*", false, ""),
            ("chat.example:80; script-src *", false, ""),
            ("*:80", false, ""),
            // No policy can spell it; browsers of today know it as 'self'.
            ("[::1]:8080", false, ""),
            ("", true, ""),
        ] {
            assert_eq!(own_websocket(host, is_https), source, "{host}");
        }
    }
}
