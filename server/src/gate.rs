//! What every request passes before any handler: whether its head is too long, and whether the page that
//! asks may (`origin`). One service around the whole app, so that no route can be forgotten. Lanes of the
//! lab have rules of their own (`lab/origin`) and pass.

use crate::net::heads::InHand;
use crate::net::metered::Meter;
use crate::origin::{Leave, Origins, is_preflight};
use crate::problems::Refusal;
use crate::usage::Class;
use actix_http::body::BoxBody;
use actix_http::{Payload, Request, Response, StatusCode};
use actix_service::{Service, ServiceFactory};
use actix_web::ResponseError;
use actix_web::http::header::{self, HeaderValue};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// Makes the gate of each worker.
pub struct Gated<F> {
    app: F,
    rules: Rc<Rules>,
}

struct Rules {
    origins: Origins,
    max_head_bytes: u32,
}

impl<F> Gated<F> {
    pub fn new(app: F, origins: Origins, max_head_bytes: u32) -> Gated<F> {
        Gated {
            app,
            rules: Rc::new(Rules {
                origins,
                max_head_bytes,
            }),
        }
    }
}

impl<F> ServiceFactory<Request> for Gated<F>
where
    F: ServiceFactory<Request, Config = ()>,
    F::Future: 'static,
    F::Service: 'static,
    F::Response: Into<Response<BoxBody>>,
    <F::Service as Service<Request>>::Future: Unpin,
{
    type Response = Response<BoxBody>;
    type Error = F::Error;
    type Config = ();
    type Service = Gate<F::Service>;
    type InitError = F::InitError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Service, Self::InitError>>>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let rules = Rc::clone(&self.rules);
        let app = self.app.new_service(());
        Box::pin(async move {
            Ok(Gate {
                app: app.await?,
                rules,
            })
        })
    }
}

pub struct Gate<S> {
    app: S,
    rules: Rc<Rules>,
}

impl<S> Service<Request> for Gate<S>
where
    S: Service<Request>,
    S::Future: Unpin,
    S::Response: Into<Response<BoxBody>>,
{
    type Response = Response<BoxBody>;
    type Error = S::Error;
    type Future = Passage<S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.app.poll_ready(context)
    }

    fn call(&self, mut request: Request) -> Self::Future {
        let has_body = !matches!(request.payload(), Payload::None);
        let meter = request.conn_data::<Rc<Meter>>();
        let ahead = meter.map_or(0, |meter| meter.progress.ahead());
        let in_hand = meter.map(|meter| InHand::new(meter, has_body));
        if meter.is_some_and(|meter| meter.tap().is_some()) {
            return Passage::Plain(self.app.call(request), in_hand);
        }
        let refuse = |answer: Response<BoxBody>| {
            if let Some(meter) = meter {
                meter.request(Class::Control);
            }
            Passage::Answered(Some(Box::new(answer)))
        };
        let rules = &self.rules;
        // What came with it may be its body; a look tells.
        if ahead > rules.max_head_bytes && bytes(&request) > rules.max_head_bytes as usize {
            let limit = rules.max_head_bytes;
            let refusal = Refusal::HeadTooLarge { limit };
            return refuse(self.dressed(refusal.error_response().into(), None));
        }
        match rules.origins.judge(request.head()) {
            Err(refusal) => refuse(self.dressed(refusal.error_response().into(), None)),
            Ok(Some(leave)) if is_preflight(request.method(), &request.head().headers) => {
                refuse(self.dressed(leave.preflight().into(), None))
            }
            Ok(None) if !rules.origins.vary() => Passage::Plain(self.app.call(request), in_hand),
            Ok(leave) => {
                // A WebSocket and a simple POST bring the cookie without asking.
                if leave
                    .as_ref()
                    .is_some_and(|leave| !leave.with_credentials())
                {
                    request.head_mut().headers.remove(header::COOKIE);
                }
                Passage::Dressed(Box::new(Dressed {
                    leave,
                    varies: rules.origins.vary(),
                    answer: self.app.call(request),
                    _in_hand: in_hand,
                }))
            }
        }
    }
}

impl<S> Gate<S> {
    fn dressed(&self, answer: Response<BoxBody>, leave: Option<&Leave>) -> Response<BoxBody> {
        dress(answer, leave, self.rules.origins.vary())
    }
}

/// What a head took on the wire, by its usual spelling.
fn bytes(request: &Request) -> usize {
    let lines = request.head().headers.iter();
    let lines: usize = lines
        .map(|(name, value)| name.as_str().len() + ": \r\n".len() + value.len())
        .sum();
    let target = request.uri().path_and_query();
    let target = target.map_or(0, |target| target.as_str().len());
    request.method().as_str().len() + target + "  HTTP/1.1\r\n\r\n".len() + lines
}

/// The way of one request. Small, for each connection has room for it.
pub enum Passage<F> {
    Plain(F, Option<InHand>),
    Dressed(Box<Dressed<F>>),
    Answered(Option<Box<Response<BoxBody>>>),
}

/// An answer that says who may read it, or that this depends on who asks.
pub struct Dressed<F> {
    leave: Option<Leave>,
    varies: bool,
    answer: F,
    _in_hand: Option<InHand>,
}

impl<F, R, E> Future for Passage<F>
where
    F: Future<Output = Result<R, E>> + Unpin,
    R: Into<Response<BoxBody>>,
{
    type Output = Result<Response<BoxBody>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.get_mut() {
            Passage::Plain(answer, in_hand) => {
                let answer = ready!(Pin::new(answer).poll(context));
                drop(in_hand.take());
                answer.map(Into::into)
            }
            Passage::Dressed(dressed) => {
                let answer = ready!(Pin::new(&mut dressed.answer).poll(context));
                answer.map(|answer| dress(answer.into(), dressed.leave.as_ref(), dressed.varies))
            }
            Passage::Answered(answer) => {
                Ok(*answer.take().expect("a future is polled until it is ready"))
            }
        })
    }
}

/// Who may read an answer stands on it, refusals too; an upgrade has no reader of that kind.
fn dress(mut answer: Response<BoxBody>, leave: Option<&Leave>, varies: bool) -> Response<BoxBody> {
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return answer;
    }
    let headers = answer.headers_mut();
    if let Some(leave) = leave {
        leave.grant(headers);
    }
    if varies {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    answer
}
