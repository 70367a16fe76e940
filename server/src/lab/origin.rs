//! Which page may do what. A session is opened by a page of this very server alone, and by an address
//! that cannot be rebound: any other page in the learner's browser could read what lies on its lanes. A
//! lane answers that same page across origins, since its port is another one, and refuses every other:
//! what another page sent there would be drawn and counted as one's own.

use crate::net::metered::Meter;
use crate::origin::{Leave, is_address, only};
use crate::problems::Refusal;
use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};
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

/// By one of these a proxy says that it hands on what somebody else asked for.
const HANDED_ON: [&str; 5] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// Whether this server was asked by an address that cannot be rebound, and not through a proxy, which
/// makes of strangers visitors from this host.
pub fn of_visitor(request: &HttpRequest) -> Result<(), Refusal> {
    if HANDED_ON
        .iter()
        .any(|name| request.headers().contains_key(*name))
    {
        return Err(Refusal::Forbidden(
            "the lab is not handed on by a proxy: open it on this host, or start the server with --lab off",
        ));
    }
    match only(request.headers(), header::HOST.as_str()) {
        Some(host) if is_address(host) => Ok(()),
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
        (Some(origin), None) if is_own(origin) => Ok(Some(Leave::on_a_lane(origin.clone()))),
        (None, _) if !headers.contains_key("sec-fetch-site") => Ok(None),
        _ => Err(Refusal::Forbidden(
            "this is a lane of the lab, whose bytes are counted: only its own page may use it from a \
             browser; ask the port that the page came from instead",
        )),
    }
}
