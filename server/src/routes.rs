//! Which handler a path leads to, on the public port and on the admin port, and the small handlers
//! themselves: publish, members, usage, metrics, health, and the answer to all else. Transports, sessions,
//! pages and the lab answer in files of their own.

use crate::body::{is_json, read_body};
use crate::desk::Desk;
use crate::lab::{door, origin, reports, scenarios};
use crate::metrics;
use crate::page;
use crate::problems::Refusal;
use crate::publish;
use crate::session;
use crate::transports::{self, count_control, meter, room, room_name, socketio, websocket};
use crate::usage::Class;
use crate::wire::event::Published;
use actix_web::http::{Method, header};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use std::time::Instant;

/// What the public port serves.
pub fn public(app: &mut ServiceConfig) {
    app.service(web::scope("/rooms").default_service(web::to(in_room)));
    app.service(read_only("/health").route(web::get().to(health)));
    let session = web::resource("/session")
        .route(web::post().to(session::sign_in))
        .route(web::get().to(session::who_is_it))
        .route(web::delete().to(session::sign_out))
        .default_service(web::to(|request| {
            refuse_method(request, "GET, POST, DELETE")
        }));
    app.service(session);
    app.service(read_only("/lab/session").route(web::get().to(door::session)));
    app.service(web::resource("/engine.io/").to(socketio::engineio));
    app.service(web::resource("/socket.io/").to(in_session));
    let client = read_only("/socket.io/socket.io.js");
    app.service(client.route(web::get().to(socketio::client)));
    app.service(web::resource("/lab/echo").to(websocket::echo::serve));
    app.service(read_only("/lab/scenarios").route(web::get().to(scenarios::list)));
    app.service(read_only("/lab/reports").route(web::get().to(reports::list)));
    let report = read_only("/lab/reports/{name}/{stamp}/{file}");
    app.service(report.route(web::get().to(reports::file)));
    app.service(read_only("/").route(web::get().to(page::home)));
    app.service(read_only("/chat").route(web::get().to(page::chat)));
    app.service(read_only("/page/{file:.*}").route(web::get().to(page::file)));
    app.default_service(web::to(not_found));
}

/// What moves to the admin port where there is one.
pub fn lab(app: &mut ServiceConfig) {
    app.service(read_only("/lab/usage").route(web::get().to(usage)));
    app.service(read_only("/metrics").route(web::get().to(prometheus)));
}

/// What the admin port serves beside that.
pub fn admin(app: &mut ServiceConfig) {
    app.service(read_only("/health").route(web::get().to(health)));
    app.default_service(web::to(not_found));
}

fn read_only(path: &str) -> actix_web::Resource {
    web::resource(path.to_owned()).default_service(web::to(|request| refuse_method(request, "GET")))
}

async fn refuse_method(
    request: HttpRequest,
    allowed: &'static str,
) -> Result<HttpResponse, Refusal> {
    count_control(&request);
    Err(Refusal::MethodNotAllowed(allowed))
}

/// `/rooms/{room}/{what}`. Taken apart here: actix's router would try one pattern after the other,
/// which is a tenth of what a long poll costs.
async fn in_room(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Refusal> {
    match meter(&request).tap() {
        None => answer_in_room(request, body).await,
        Some(_) => on_lane(request, body, answer_in_room).await,
    }
}

/// `/socket.io/`
async fn in_session(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Refusal> {
    match meter(&request).tap() {
        None => socketio::socketio(request, body).await,
        Some(_) => on_lane(request, body, socketio::socketio).await,
    }
}

/// The same by a lane of the lab, which has rules of its own on who may ask.
async fn on_lane(
    request: HttpRequest,
    body: web::Payload,
    answer: impl AsyncFnOnce(HttpRequest, web::Payload) -> Result<HttpResponse, Refusal>,
) -> Result<HttpResponse, Refusal> {
    let leave = origin::of_lane(&request).inspect_err(|_| count_control(&request))?;
    if let (Some(leave), &Method::OPTIONS) = (&leave, request.method()) {
        count_control(&request);
        return Ok(leave.preflight());
    }
    let mut answer = answer(request, body)
        .await
        .unwrap_or_else(|refusal| refusal.error_response());
    if let Some(leave) = leave {
        leave.grant(answer.headers_mut());
    }
    Ok(answer)
}

async fn answer_in_room(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Refusal> {
    let mut segments = request.uri().path().split('/').skip(2);
    let (Some(1..), Some(what), None) = (
        segments.next().map(str::len),
        segments.next(),
        segments.next(),
    ) else {
        return not_found(request).await;
    };
    match (what, request.method()) {
        ("events", &Method::POST) => return post_event(request, body).await,
        ("events", _) => return refuse_method(request, "POST").await,
        ("members", &Method::GET) => return members(request).await,
        ("members", _) => return refuse_method(request, "GET").await,
        _ => {}
    }
    match (transports::named(what), request.method()) {
        (None, _) => not_found(request).await,
        (Some(transport), &Method::GET) => transports::serve(transport, request, body).await,
        (Some(_), _) => refuse_method(request, "GET").await,
    }
}

async fn post_event(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Refusal> {
    meter(&request).request(Class::Publish);
    // Before the body: what has no room is not read.
    room_name(&request)?;
    let user = session::publisher(&request)?;
    let key = idempotency_key(&request)?;
    if !is_json(&request) {
        return Err(Refusal::UnsupportedMediaType);
    }
    let desk = Desk::of(&request);
    let read = read_body(&request, body, desk.config.max_event_bytes).await;
    // The body came after the head was counted.
    meter(&request).assign(Class::Publish);
    let address = desk.address(&request);
    desk.pace.take(user.as_deref(), address, Instant::now())?;
    let mut draft = publish::from_json(&read?)?.by(user);
    draft.key = key.or(draft.key);
    let room = room(&request, &desk.hub)?;
    let cursor = desk.hub.publish(&room, &draft, draft.key().as_deref())?;
    Ok(HttpResponse::Created().json(Published {
        cursor: cursor.to_string(),
        offset: cursor.offset,
    }))
}

/// Who is in the room: nobody, in one that is not there.
async fn members(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    count_control(&request);
    session::who(&request)?;
    let room = Desk::of(&request).hub.known(&room_name(&request)?);
    let list = room.map_or_else(|| "[]".into(), |room| room.members().list());
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(list.as_bytes().to_vec()))
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<Box<str>>, Refusal> {
    let Some(key) = request.headers().get("idempotency-key") else {
        return Ok(None);
    };
    let name = "an Idempotency-Key";
    let key = key.to_str().map_err(|_| publish::bad_key(name))?;
    publish::checked_key(key, name).map(|key| Some(key.into()))
}

async fn usage(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    count_control(&request);
    origin::of_lane(&request)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(Desk::of(&request).usage()))
}

async fn prometheus(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    count_control(&request);
    origin::of_lane(&request)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, metrics::CONTENT_TYPE))
        .body(metrics::text(&Desk::of(&request).usage())))
}

async fn health(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    count_control(&request);
    origin::of_lane(&request)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(serde_json::json!({
            "name": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
        })))
}

async fn not_found(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    count_control(&request);
    Err(Refusal::NotFound)
}
