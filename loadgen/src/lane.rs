//! What a trial's threads share, and what one thread's tasks share.

use crate::net::alarm::Alarm;
use crate::net::connection::{Scratch, scratch};
use crate::net::dial::Endpoint;
use crate::net::link::Link;
use crate::net::metered::Tally;
use crate::net::sockets::{Sockets, WireWindow};
use crate::plan::{TransportPlan, TrialPlan};
use crate::recorder::{Recorder, SecondSample};
use crate::results::Exchanges;
use crate::table::Table;
use crate::target::{Foreign, Manner};
use crate::token::RunTag;
use crate::totals::{Totals, Traffic};
use pushlab_server::wire::lab_headers::Template;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The facts of a trial that do not change while it runs.
#[derive(Debug)]
pub struct Setting {
    pub plan: TrialPlan,
    pub endpoint: Endpoint,
    /// Where the publisher's own connection goes: past the trouble, if there is any.
    pub direct: Endpoint,
    pub tag: RunTag,
    pub table: Arc<Table>,
    /// Of each client, as its `Cookie` header has it; none where they have no names.
    pub cookies: Vec<String>,
    pub manner: Manner,
}

impl Setting {
    /// Names are plain ASCII, so that they stand in a URL as they are.
    pub fn room_name(room: usize) -> String {
        format!("room-{room}")
    }

    /// How the server is spoken to, if it is not ours.
    pub fn foreign(&self) -> Option<&Foreign> {
        self.manner.foreign.as_ref()
    }

    /// Where clients that cannot publish on their own connection do it.
    pub fn posts_to(&self) -> &Endpoint {
        match self.foreign() {
            Some(_) => &self.direct,
            None => &self.endpoint,
        }
    }

    pub fn cookie(&self, client: usize) -> Option<&str> {
        self.cookies.get(client).map(String::as_str)
    }
}

/// One thread of the generator.
pub struct Lane {
    pub setting: Arc<Setting>,
    pub totals: Arc<Totals>,
    pub recorder: RefCell<Recorder>,
    pub scratch: Scratch,
    /// Of every GET, and the size of the head that answers it; `None` = as they come.
    pub request_head: Option<Template>,
    pub answer_bytes: Option<usize>,
    pub exchanges: Rc<Cell<Exchanges>>,
    pub sockets: Rc<Sockets>,
    /// Set when the measure window has closed.
    pub wire: Cell<Option<WireWindow>>,
    alarm: Option<Rc<Alarm>>,
}

impl Lane {
    /// With an alarm where clients have a line.
    pub fn new(
        setting: Arc<Setting>,
        totals: Arc<Totals>,
        seconds: mpsc::UnboundedSender<SecondSample>,
        alarm: Option<Alarm>,
    ) -> Self {
        let TransportPlan { kind, headers, .. } = setting.plan.transport;
        let answer_head = headers.response().and_then(|h| h.response(kind));
        let recorder = Recorder::new(setting.table.clone(), totals.clone(), seconds);
        Lane {
            setting,
            totals,
            recorder: RefCell::new(recorder),
            scratch: scratch(),
            request_head: headers.request().map(|headers| headers.request(kind)),
            answer_bytes: answer_head.map(|head| head.bytes),
            exchanges: Rc::default(),
            sockets: Rc::default(),
            wire: Cell::default(),
            alarm: alarm.map(Rc::new),
        }
    }

    /// Bytes, segments and deliveries so far, all at one instant.
    pub fn wire_mark(&self) -> Option<WireWindow> {
        let totals = self.totals.snapshot();
        Some(WireWindow {
            bytes: totals.delivery_bytes(),
            segments: self.sockets.segments()?,
            deliveries: totals.deliveries,
        })
    }

    /// The line of a client, if there is one.
    pub fn link(&self, client: usize) -> Option<Link> {
        let alarm = self.alarm.clone()?;
        Some(Link::new(
            &self.setting.plan,
            client,
            alarm,
            self.scratch.clone(),
        ))
    }

    pub fn tally(&self, client: &Rc<Cell<u64>>, traffic: Traffic) -> Tally {
        Tally {
            totals: self.totals.clone(),
            exchanges: self.exchanges.clone(),
            sockets: self.sockets.clone(),
            client: client.clone(),
            heard: None,
            traffic,
        }
    }
}
