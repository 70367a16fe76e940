//! Signing in, being asked who one is, and leaving: `/session`; and whose request it is that bears a
//! cookie or a token. A request without either is nobody's; one with a credential that is none is refused
//! wherever it asks for a room, so that nobody goes on as somebody else than he believes to be.
//!
//! The lab's lanes look at no credential: cookies know no ports, so those of the chat would come along.

use crate::body::{is_json, read_body};
use crate::desk::Desk;
use crate::identity::{BadName, Purpose, User};
use crate::problems::Refusal;
use crate::transports::{count_control, meter};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

pub const COOKIE: &str = "pushlab_session";

/// A name of the longest, each character escaped, and the rest of the object.
const MAX_BODY_BYTES: usize = 1024;

/// Cookies of our name that are looked at; each costs the making of a signature.
const MAX_COOKIES: usize = 8;

#[derive(Deserialize)]
struct SignIn<'a> {
    #[serde(borrow)]
    name: std::borrow::Cow<'a, str>,
    /// For a program: gives a token instead of setting a cookie.
    #[serde(default)]
    token: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    user: &'a User,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// `POST /session`: somebody new, whoever asked.
pub async fn sign_in(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Refusal> {
    off_lanes(&request)?;
    let desk = Desk::of(&request);
    if !is_json(&request) {
        return Err(Refusal::UnsupportedMediaType);
    }
    let read = read_body(&request, body, MAX_BODY_BYTES).await;
    desk.pace.admit(desk.address(&request), Instant::now())?;
    let body = read.map_err(|refusal| match refusal {
        Refusal::TooLarge { .. } => Refusal::from(BadName),
        other => other,
    })?;
    let asked: SignIn<'_> = serde_json::from_slice(&body).map_err(|error| {
        Refusal::BadRequest(format!(r#"the body is not {{"name":"…"}}: {error}"#))
    })?;
    let user = User::new(&asked.name)?;
    let identity = &desk.identity;
    let sign = |purpose| {
        let now = SystemTime::now();
        identity.keys.sign(purpose, &user, identity.lifetime, now)
    };
    let mut response = HttpResponse::Created();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    let token = asked.token.then(|| sign(Purpose::Token));
    if !asked.token {
        let secure = if Desk::is_https(&request) {
            "; Secure"
        } else {
            ""
        };
        let seconds = identity.lifetime.as_secs();
        let cookie = set_cookie(&sign(Purpose::Cookie), seconds) + secure;
        response.insert_header((header::SET_COOKIE, cookie));
    }
    Ok(response.json(Answer { user: &user, token }))
}

/// `GET /session`: who the one is that asks. Nobody is an answer too: a browser shows each 401 as an error,
/// and a page has to ask before it knows.
pub async fn who_is_it(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    off_lanes(&request)?;
    let no_store = (header::CACHE_CONTROL, "no-store");
    Ok(match who(&request)? {
        Some(user) => HttpResponse::Ok().insert_header(no_store).json(&*user),
        None => HttpResponse::NoContent().insert_header(no_store).finish(),
    })
}

/// `DELETE /session`: takes the cookie away from the browser, also one that is none.
pub async fn sign_out(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    off_lanes(&request)?;
    Ok(HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::SET_COOKIE, no_cookie()))
        .finish())
}

fn off_lanes(request: &HttpRequest) -> Result<(), Refusal> {
    count_control(request);
    match meter(request).tap() {
        Some(_) => Err(Refusal::NotFound),
        None => Ok(()),
    }
}

/// RFC 6265 §4.1; the value is of characters that need no quoting. `Lax`, so that a link to the chat finds
/// the visitor signed in, and another site's form or script does not.
fn set_cookie(value: &str, seconds: u64) -> String {
    format!("{COOKIE}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}")
}

/// Has the browser forget the cookie.
pub fn no_cookie() -> String {
    set_cookie("", 0)
}

/// Whose request it is; `None` for one that bears no credential.
pub fn who(request: &HttpRequest) -> Result<Option<Arc<User>>, Refusal> {
    if meter(request).tap().is_some() {
        return Ok(None);
    }
    if let Some(token) = bearer(request) {
        let user = verified(request, Purpose::Token, token);
        return user.map(Some).ok_or(Refusal::BadSession);
    }
    let mut cookies = cookie_values(request).peekable();
    if cookies.peek().is_none() {
        return Ok(None);
    }
    let user = cookies.find_map(|cookie| verified(request, Purpose::Cookie, cookie));
    user.map(Some).ok_or(Refusal::BadSession)
}

fn verified(request: &HttpRequest, purpose: Purpose, credential: &[u8]) -> Option<Arc<User>> {
    let credential = std::str::from_utf8(credential).ok()?;
    let keys = &Desk::of(request).identity.keys;
    let user = keys.verify(purpose, credential, SystemTime::now()).ok()?;
    Some(Arc::new(user))
}

/// The same for one that publishes, which not everybody may.
pub fn publisher(request: &HttpRequest) -> Result<Option<Arc<User>>, Refusal> {
    let user = who(request)?;
    match user.is_some() || may_be_nobody(request) {
        true => Ok(user),
        false => Err(Refusal::NoSession),
    }
}

/// Whether one without a session may publish here. The lab's visitors always may.
pub fn may_be_nobody(request: &HttpRequest) -> bool {
    Desk::of(request).identity.anonymous || meter(request).tap().is_some()
}

/// The token of an `Authorization: Bearer …` (RFC 6750 §2.1). Other schemes belong to a proxy.
pub(crate) fn bearer(request: &HttpRequest) -> Option<&[u8]> {
    let value = request.headers().get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"Bearer ")
        .then(|| token.trim_ascii())
}

/// The values of our cookie, the first few where there are several: a neighbour under the same domain or
/// on a longer path can set one that is none of ours and comes first (RFC 6265 §5.4, §8.6).
pub(crate) fn cookie_values(request: &HttpRequest) -> impl Iterator<Item = &[u8]> {
    let lines = request.headers().get_all(header::COOKIE);
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let values = pairs.filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(COOKIE.as_bytes())?;
        value.strip_prefix(b"=")
    });
    values.take(MAX_COOKIES)
}
