//! Which page may do what. A session is opened by a page of this very server alone, and by an address
//! that cannot be rebound: any other page in the learner's browser could read what lies on its lanes. A
//! lane answers that same page across origins, since its port is another one, and refuses every other:
//! what another page sent there would be drawn and counted as one's own.

use crate::net::metered::Meter;
use crate::problems::Refusal;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

/// The origin of the page that asks for a session, if it is one of this server's; the visitor has been
/// looked at.
pub fn of_page(request: &HttpRequest) -> Result<String, Refusal> {
    let headers = request.headers();
    let (Some(host), Some(origin)) = (
        only(headers, header::HOST.as_str()),
        only(headers, header::ORIGIN.as_str()),
    ) else {
        return Err(Refusal::Forbidden(
            "a session is opened by the lab's page: open / in a browser",
        ));
    };
    if origin.strip_prefix("http://") != Some(host) {
        return Err(Refusal::Forbidden(
            "another site may not open a session: open / of this server",
        ));
    }
    Ok(origin.to_owned())
}

/// Whether this server was asked by an address that cannot be rebound.
pub fn of_visitor(request: &HttpRequest) -> Result<(), Refusal> {
    match only(request.headers(), header::HOST.as_str()) {
        Some(host) if is_own(host) => Ok(()),
        _ => Err(Refusal::Forbidden(
            "the lab is open to addresses only: open the page by its IP address or as localhost",
        )),
    }
}

/// Whether no other page asks, as far as the browser tells (Fetch Metadata), be it by a link.
pub fn of_no_other_site(request: &HttpRequest) -> Result<(), Refusal> {
    let mut sites = request.headers().get_all("sec-fetch-site");
    match sites.all(|site| ["same-origin", "none"].iter().any(|own| site == own)) {
        true => Ok(()),
        false => Err(Refusal::Forbidden(
            "another site may not ask for this: open / of this server",
        )),
    }
}

/// Whether a request on a lane may be served; with leave to read the answer where its page asks. Browsers
/// name the origin whenever a page fetches, streams or opens a WebSocket at another port; one that names
/// none and says `Sec-Fetch-Site` follows a link, or fills another page's picture. Programs say neither.
pub fn of_lane(request: &HttpRequest) -> Result<Option<Leave>, Refusal> {
    let meter = request.conn_data::<Rc<Meter>>();
    let Some(tap) = meter.and_then(|meter| meter.tap()) else {
        return Ok(None);
    };
    let headers = request.headers();
    let is_own = |origin: &HeaderValue| origin.as_bytes() == tap.run().origin.as_bytes();
    let mut origins = headers.get_all(header::ORIGIN);
    match (origins.next(), origins.next()) {
        (Some(origin), None) if is_own(origin) => Ok(Some(Leave(origin.clone()))),
        (None, _) if !headers.contains_key("sec-fetch-site") => Ok(None),
        _ => Err(Refusal::Forbidden(
            "this is a lane of the lab, whose bytes are counted: only its own page may use it from a \
             browser; ask the port that the page came from instead",
        )),
    }
}

/// The value of a header that stands there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

/// An IP address or `localhost`, with or without a port: names can be made to mean this host.
fn is_own(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let v6 = || {
        let inner = name.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse::<Ipv6Addr>().ok()
    };
    port_fits && (name == "localhost" || name.parse::<Ipv4Addr>().is_ok() || v6().is_some())
}

/// What lets the page read an answer of one of its lanes.
pub struct Leave(HeaderValue);

impl Leave {
    pub fn grant(&self, answer: &mut HttpResponse) {
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.0.clone());
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
    }

    /// Answers a browser that asks before it sends what is not simple, such as a JSON body.
    pub fn preflight(&self) -> HttpResponse {
        let mut answer = HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
            .insert_header((
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "Content-Type, If-None-Match, Last-Event-ID, Idempotency-Key",
            ))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
            .finish();
        self.grant(&mut answer);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_localhost_are_this_host_and_names_are_not() {
        for host in [
            "127.0.0.1:8080",
            "localhost",
            "localhost:1",
            "[::1]:80",
            "[::1]",
            "10.0.0.7",
        ] {
            assert!(is_own(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "localhost.evil:80",
            "127.0.0.1.evil",
            "127.0.0.1:99999",
            "::1",
            "[::1",
            "localhost:",
            "user@localhost",
        ] {
            assert!(!is_own(host), "{host}");
        }
    }
}
