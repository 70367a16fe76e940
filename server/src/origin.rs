//! Which web pages may use this server: one answer for every route, given before any handler and any
//! upgrade. A browser names the origin of the page that asks; programs name none and are let in. The
//! server's own pages are let in, others only where `--allow-origin` lists them: scheme, host and port as
//! wholes, letter by letter, as browsers write them (RFC 6454 §6.2).
//!
//! It knows nothing of users; what a page may do once it is in is not decided here.

use crate::config::Config;
use crate::forwarded::ProxyFlags;
use crate::problems::Refusal;
use actix_web::HttpResponse;
use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::uri::Authority;
use clap::Args;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Who is who")]
pub struct OriginFlags {
    /// A web page's origin, such as https://chat.example, that may use this server beside the server's
    /// own pages; repeatable; * lets in every site, but not the nameless origin null, which must be
    /// listed
    #[arg(
        long = "allow-origin",
        env = "PUSHLAB_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub allowed: Vec<Allowed>,
}

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// `*`
    Every,
    /// As browsers write it, or `null`.
    This(String),
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "*" => return Ok(Allowed::Every),
            "null" => return Ok(Allowed::This(text.to_owned())),
            _ => {}
        }
        let lower = text.to_ascii_lowercase();
        match lower.split_once("://") {
            Some((scheme @ ("http" | "https"), authority)) if is_authority(authority) => {
                let authority = without_default_port(scheme, authority);
                Ok(Allowed::This(format!("{scheme}://{authority}")))
            }
            _ => Err(format!(
                "{text:?} is no origin; write scheme, host and perhaps port, such as https://chat.example \
                 or http://127.0.0.1:3000, with nothing after them, or null, or *"
            )),
        }
    }
}

/// Host and perhaps port, with nothing that stands for others or for a user.
fn is_authority(authority: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    authority.bytes().all(plain) && authority.parse::<Authority>().is_ok()
}

/// The list of one port.
pub struct Origins {
    listed: Vec<HeaderValue>,
    every: bool,
    tls: bool,
    /// May say another scheme.
    proxies: ProxyFlags,
    /// Only this host can reach it, so no name leads here but one that was rebound.
    loopback: bool,
}

impl Origins {
    /// For a port that listens at `address`.
    pub fn new(config: &Config, address: SocketAddr, tls: bool) -> Origins {
        let allowed = &config.origins.allowed;
        let listed = allowed.iter().filter_map(|allowed| match allowed {
            Allowed::This(origin) => HeaderValue::from_str(origin).ok(),
            Allowed::Every => None,
        });
        Origins {
            listed: listed.collect(),
            every: allowed.contains(&Allowed::Every),
            tls,
            proxies: config.proxies.clone(),
            loopback: address.ip().is_loopback(),
        }
    }

    /// Lets a request in or refuses it; with leave to read the answer where another site's page asks.
    pub fn judge(&self, head: &RequestHead) -> Result<Option<Leave>, Refusal> {
        let headers = &head.headers;
        let mut origins = headers.get_all(header::ORIGIN);
        let Some(origin) = origins.next() else {
            return match self.is_rebound(headers) {
                true => Err(Refusal::Forbidden(
                    "on this host alone the server is asked by its address or as localhost; by a name only \
                     where --allow-origin lists an origin of that name",
                )),
                false => Ok(None),
            };
        };
        if origins.next().is_some() {
            return Err(Refusal::Forbidden(
                "a request has one Origin; this one has several",
            ));
        }
        if self.is_own(origin, head) {
            return Ok(None);
        }
        if self.listed.contains(origin) {
            return Ok(Some(Leave::to(origin.clone())));
        }
        if self.every && origin != "null" {
            return Ok(Some(Leave::to_everybody()));
        }
        Err(Refusal::Forbidden(
            "pages of this origin may not use this server; open its own page, or start it with \
             --allow-origin and the origin as it stands in the request's Origin header",
        ))
    }

    /// Whether answers differ by origin, which caches must be told of.
    pub fn vary(&self) -> bool {
        !self.listed.is_empty()
    }

    /// A page whose name was made to mean this host names no origin when it reads, for to its browser
    /// nothing here is foreign. A name without a dot is nobody's to register.
    fn is_rebound(&self, headers: &HeaderMap) -> bool {
        if !self.loopback || self.every {
            return false;
        }
        let Some(host) = only(headers, header::HOST.as_str()) else {
            return false;
        };
        let name = without_port(host);
        let is_listed = |origin: &HeaderValue| {
            let origin = origin.to_str().ok();
            let authority = origin.and_then(|origin| origin.split_once("://"));
            authority.is_some_and(|(_, host)| without_port(host).eq_ignore_ascii_case(name))
        };
        name.contains('.') && !is_address(host) && !self.listed.iter().any(is_listed)
    }

    /// Whether the page came from where the request goes to.
    fn is_own(&self, origin: &HeaderValue, head: &RequestHead) -> bool {
        let host = only(&head.headers, header::HOST.as_str());
        let (Ok(origin), Some(host)) = (origin.to_str(), host) else {
            return false;
        };
        let scheme = match self.proxies.is_https(head, self.tls) {
            true => "https",
            false => "http",
        };
        let from = origin
            .strip_prefix(scheme)
            .and_then(|from| from.strip_prefix("://"));
        let Some(from) = from else {
            return false;
        };
        !from.bytes().any(|byte| byte.is_ascii_uppercase())
            && from.eq_ignore_ascii_case(without_default_port(scheme, host))
            && (!self.loopback || is_address(host))
    }
}

/// Browsers leave the scheme's own port out of an origin.
fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => authority,
    }
}

/// The value of a header that stands there once.
pub fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

/// An IP address or `localhost`, with or without a port: names can be made to mean this host.
pub fn is_address(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let v6 = || {
        let inner = name.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse::<Ipv6Addr>().ok()
    };
    port_fits
        && (name.eq_ignore_ascii_case("localhost")
            || name.parse::<Ipv4Addr>().is_ok()
            || v6().is_some())
}

/// What another page may ask for and read.
struct Terms {
    methods: &'static str,
    headers: &'static str,
    exposed: Option<&'static str>,
    credentials: bool,
}

/// A lane of the lab, whose bytes are counted: no more than it needs.
const LANE: Terms = Terms {
    methods: "GET, POST",
    headers: "Content-Type, If-None-Match, Last-Event-ID, Idempotency-Key",
    exposed: None,
    credentials: true,
};

const LISTED: Terms = Terms {
    methods: "GET, POST, DELETE",
    headers: "Authorization, Content-Type, If-None-Match, Last-Event-ID, Idempotency-Key",
    exposed: Some("ETag, Retry-After"),
    credentials: true,
};

/// Every site: none of them may use what a browser keeps of a user.
const EVERYBODY: Terms = Terms {
    credentials: false,
    ..LISTED
};

/// What lets a page of another origin read an answer.
pub struct Leave {
    origin: HeaderValue,
    terms: &'static Terms,
}

impl Leave {
    pub fn on_a_lane(origin: HeaderValue) -> Leave {
        Leave {
            origin,
            terms: &LANE,
        }
    }

    fn to(origin: HeaderValue) -> Leave {
        Leave {
            origin,
            terms: &LISTED,
        }
    }

    fn to_everybody() -> Leave {
        Leave {
            origin: HeaderValue::from_static("*"),
            terms: &EVERYBODY,
        }
    }

    /// Whether what the browser keeps of a user counts.
    pub fn with_credentials(&self) -> bool {
        self.terms.credentials
    }

    pub fn grant(&self, headers: &mut HeaderMap) {
        let mut insert = |name: HeaderName, value| headers.insert(name, value);
        insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.origin.clone());
        if self.terms.credentials {
            let yes = HeaderValue::from_static("true");
            insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
        if let Some(exposed) = self.terms.exposed {
            let exposed = HeaderValue::from_static(exposed);
            insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }

    /// Answers a browser that asks before it sends what is not simple, such as a JSON body.
    pub fn preflight(&self) -> HttpResponse {
        let mut answer = HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, self.terms.methods))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, self.terms.headers))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
            .finish();
        self.grant(answer.headers_mut());
        answer
    }
}

/// Whether a browser asks what it may send (Fetch §4.8).
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

#[cfg(test)]
mod tests;
