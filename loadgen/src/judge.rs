//! Holds the measured against the model by stated tolerances: holds, does not, or too
//! few events. Pure. The model gets from the measurement only how many events there were and the
//! floor of the calibration; where it has no closed form there is no verdict.

mod tolerance;

use crate::merged::Merged;
use crate::model::{Coming, Forecast, Law, Situation};
use crate::plan::{Plan, TrialPlan, WayUp};
use crate::results::{Calibration, Floor, Holds, ModelFigure, ModelRow, Trial};
use crate::target::Target;
use pushlab_server::wire::transport::Transport;

/// Events below which nothing is decided.
pub const LEAST_EVENTS: u64 = 1_000;

/// A histogram keeps three digits, so a quantile read from it may be this much off.
const HISTOGRAM_DIGITS: f64 = 0.001;

/// Of quantiles: below it a tail is the scheduler's, with an emulated
/// line or without.
const QUANTILE_US: f64 = 1_000.0;

/// A row for every (name, parameters) that ran, in the order of `plan`; the model is of no foreign server.
pub fn judge(plan: &Plan, trials: &[Trial], calibration: &[Calibration]) -> Vec<ModelRow> {
    (plan.sets.iter())
        .filter(|set| !set.transport.dialect.is_foreign())
        .filter_map(|set| {
            let parameters = set.parameters();
            let ran = |trial: &&Trial| trial.name == set.name && trial.parameters == parameters;
            let all: Vec<&Trial> = trials.iter().filter(ran).collect();
            let valid: Vec<&Trial> = all.iter().copied().filter(|trial| trial.valid).collect();
            let embedded = *plan.target_of(&set.name) == Target::Embedded;
            (!all.is_empty()).then(|| Case::of(set, &valid, calibration, embedded).row())
        })
        .collect()
}

struct Case<'a> {
    set: &'a TrialPlan,
    trials: &'a [&'a Trial],
    floor: Option<Floor>,
    /// The server is ours, so its heads are known.
    embedded: bool,
    /// Sums over the trials.
    events: u64,
    window_s: f64,
    deliveries: f64,
    requests: f64,
    situation: Situation,
    forecast: Forecast,
    way_up: Option<WayUp>,
}

impl<'a> Case<'a> {
    fn of(
        set: &'a TrialPlan,
        trials: &'a [&'a Trial],
        calibration: &[Calibration],
        embedded: bool,
    ) -> Case<'a> {
        let load = set.parameters().load();
        let floor = (calibration.iter())
            .find(|found| found.valid && found.parameters == load)
            .map(|found| found.floor);
        let sum = |part: fn(&Trial) -> f64| trials.iter().map(|trial| part(trial)).sum::<f64>();
        // What was published, not what was asked: the model is judged, not the draw of the schedule.
        let heard = sum(|trial| trial.expected as f64)
            / (set.clients as f64 * set.duration.as_secs_f64() * trials.len().max(1) as f64);
        let service_s = floor.map_or(0.0, |floor| floor.mean_us / 1e6);
        let situation = set.situation(heard, service_s);
        Case {
            events: trials.iter().map(|trial| trial.published).sum(),
            window_s: sum(|trial| trial.window_s),
            deliveries: sum(|trial| trial.window_deliveries as f64),
            requests: sum(|trial| trial.requests as f64),
            forecast: situation.forecast(),
            way_up: set.way_up(),
            situation,
            set,
            trials,
            floor,
            embedded,
        }
    }

    fn row(&self) -> ModelRow {
        let mut notes = self.notes();
        let law = self.law();
        let mut figures = Vec::new();
        // Where nothing is decided nothing was calibrated: the figures are shown all the same.
        let undecided = self.events < LEAST_EVENTS;
        let floor = self.floor.or(undecided.then(Floor::default));
        if let (Some(law), Some(floor), Some(up)) = (law, floor, self.way_up) {
            figures.extend(self.latencies(law, floor, up, &mut notes));
        }
        if self.heard() && !self.is_cut() && !self.may_fall_back() && !self.has_gateway() {
            figures.extend(self.bytes());
            figures.extend(self.requests());
        }
        figures.extend(self.empty_share());
        ModelRow {
            name: self.set.name.clone(),
            transport: self.set.transport.kind,
            parameters: self.set.parameters(),
            events: self.events,
            floor: self.floor,
            latency: law.zip(self.way_up).map(|(law, up)| law.later(up.sure_s)),
            figures,
            notes,
        }
    }

    fn has_gateway(&self) -> bool {
        self.set.server.gateway.is_some()
    }

    fn may_fall_back(&self) -> bool {
        self.set.transport.fallback_after.is_some()
    }

    fn heard(&self) -> bool {
        self.situation.events_per_s > 0.0 && self.deliveries > 0.0
    }

    /// Where something makes latency that the formulas leave out, there is none.
    fn law(&self) -> Option<Law> {
        let line = &self.set.link;
        let plain_line =
            line.jitter.is_zero() && line.bytes_per_s.is_none() && line.stall.is_none();
        let heard = self.situation.events_per_s > 0.0 && self.way_up.is_some();
        let undisturbed = !self.is_cut() && !self.may_fall_back() && !self.has_gateway();
        let plain = heard && plain_line && undisturbed;
        let buffer = (self.set.server.trouble.buffer).filter(|_| self.is_buffered());
        match (self.forecast.latency.filter(|_| plain)?, buffer) {
            (law, None) => Some(law),
            (_, Some(bytes)) => self.situation.buffered(bytes as f64),
        }
    }

    /// A buffering proxy lets polls pass, and everything after an upgrade.
    fn is_buffered(&self) -> bool {
        match self.set.transport.kind {
            Transport::HttpStreaming | Transport::Sse => self.set.server.trouble.buffer.is_some(),
            Transport::IntervalPolling
            | Transport::LongPolling
            | Transport::Websocket
            | Transport::Socketio => false,
        }
    }

    /// Connections are lost on purpose, or never come about.
    fn is_cut(&self) -> bool {
        let trouble = &self.set.server.trouble;
        !self.set.cuts.is_empty() || trouble.cuts() || trouble.block_upgrade.is_some()
    }

    fn notes(&self) -> Vec<String> {
        let line = &self.set.link;
        let no_form = |why: &str| format!("no closed form for latency: {why}");
        let because = [
            (self.is_cut(), no_form("connections are cut")),
            (
                self.has_gateway(),
                "what a gateway adds, or cuts, is not in the formulas, so nothing is judged"
                    .to_owned(),
            ),
            (
                self.is_buffered() && !self.situation.is_on_a_beat(),
                no_form("a buffer fills as irregularly as the events come"),
            ),
            (
                self.may_fall_back(),
                no_form("a client may have fallen back to long polling"),
            ),
            (
                self.situation.coming == Coming::Bursts,
                no_form("the events of a burst wait for one another"),
            ),
            (!line.jitter.is_zero(), no_form("the line's delay varies")),
            (
                line.bytes_per_s.is_some(),
                no_form("messages wait for one another on a narrow line"),
            ),
            (line.stall.is_some(), no_form("the line stalls")),
            (
                self.way_up.is_none(),
                no_form("publishes are asked for faster than they can be answered"),
            ),
            (
                self.situation.events_per_s == 0.0,
                "nothing was published".to_owned(),
            ),
            (
                self.floor.is_none() && self.events >= LEAST_EVENTS,
                "no floor was measured, so latency is not judged".to_owned(),
            ),
            (
                !self.embedded,
                "the heads of a server that runs elsewhere are not known, so bytes are not judged"
                    .to_owned(),
            ),
        ];
        let mut notes: Vec<String> = because
            .into_iter()
            .filter_map(|(holds, note)| holds.then_some(note))
            .collect();
        let polls = self.is_held();
        if notes.is_empty() && polls && self.forecast.latency.is_none() {
            notes.push(no_form(
                "events on a beat closer than the gap between two requests, dealt over rooms",
            ));
        }
        notes
    }

    fn latencies(
        &self,
        law: Law,
        floor: Floor,
        up: WayUp,
        notes: &mut Vec<String>,
    ) -> Vec<ModelFigure> {
        let n = self.draws();
        let us = |seconds: f64| seconds * 1e6;
        let all = || self.trials.iter().map(|trial| &trial.latency_us.delivery);
        let count: u64 = all().map(|part| part.count).sum();
        let sum: f64 = all()
            .filter_map(|part| Some(part.mean? * part.count as f64))
            .sum();
        let mean = us(law.mean_s() + up.sure_s + up.waits_s);
        let deviation = us(law.deviation_s().hypot(up.deviation_s));
        let harness = self.harness();
        let spread = 3.0 * deviation / n.sqrt() + floor.mean_us + harness.mean_us;
        let measured = (count > 0).then(|| sum / count as f64 - floor.mean_us);
        let mut figures = vec![self.figure(
            "latency_mean_us",
            mean,
            measured,
            mean - spread,
            mean + spread,
        )];
        let merged = Merged::of(all());
        for (name, q, (floor_us, harness_us)) in [
            ("latency_p50_us", 0.5, (floor.p50_us, harness.p50_us)),
            ("latency_p99_us", 0.99, (floor.p99_us, harness.p99_us)),
        ] {
            // Whatever the law: a sample's quantile lies between the law's quantiles at q ∓ 3σ; and
            // events that wait on their way up cannot shift it by more than their share.
            let sigma = (q * (1.0 - q) / n).sqrt();
            let (low, high) = (q - 3.0 * sigma, q + 3.0 * sigma + up.waiting);
            if low <= 0.0 || high >= 1.0 {
                if up.waiting > 0.0 && q + 3.0 * sigma < 1.0 {
                    notes.push(format!(
                        "no closed form for p{:.0}: {:.1} % of the events wait for the publish before them",
                        q * 100.0,
                        up.waiting * 100.0
                    ));
                }
                continue;
            }
            let at = |q: f64| us(law.quantile_s(q) + up.sure_s);
            let measured = (merged.as_ref()).and_then(|merged| merged.at(q));
            let measured = measured.map(|measured| measured as f64 - floor_us);
            let off_us = floor_us + harness_us + QUANTILE_US + at(high) * HISTOGRAM_DIGITS;
            figures.push(self.figure(name, at(q), measured, at(low) - off_us, at(high) + off_us));
        }
        figures
    }

    fn figure(
        &self,
        name: &str,
        model: f64,
        measured: Option<f64>,
        low: f64,
        high: f64,
    ) -> ModelFigure {
        let verdict = match measured {
            _ if self.events < LEAST_EVENTS => Holds::TooFewEvents,
            Some(measured) if (low..=high).contains(&measured) => Holds::Holds,
            Some(_) | None => Holds::DoesNot,
        };
        ModelFigure {
            figure: name.to_owned(),
            model,
            measured,
            low,
            high,
            verdict,
        }
    }

    fn empty_share(&self) -> Option<ModelFigure> {
        let share = self.forecast.empty_share?;
        // An answer with the current value is never empty.
        let undisturbed = !self.is_cut() && !self.has_gateway();
        if self.requests == 0.0 || !undisturbed || self.set.transport.latest {
            return None;
        }
        let empty: u64 = self.trials.iter().map(|trial| trial.empty_responses).sum();
        let measured = empty as f64 / self.requests;
        let off = self.empty_deviation(share);
        Some(self.figure(
            "empty_share",
            share,
            Some(measured),
            share - off,
            share + off,
        ))
    }

    fn requests(&self) -> Option<ModelFigure> {
        let rate = self.forecast.requests_per_s.filter(|rate| *rate > 0.0)?;
        let each = rate / (self.situation.events_per_s * self.forecast.delivered_share?);
        let off = each * self.rate_tolerance(each);
        let measured = Some(self.requests / self.deliveries);
        Some(self.figure(
            "requests_per_delivery",
            each,
            measured,
            each - off,
            each + off,
        ))
    }

    fn bytes(&self) -> Option<ModelFigure> {
        let rate = self.situation.events_per_s;
        let each = self.forecast.app_bytes_per_s? / rate;
        // A connection a poll has a handshake a poll, which no formula has.
        let shakes_hands = self.set.server.tls && !self.set.transport.keep_alive;
        let plain = !self.set.transport.msgpack && self.embedded && !shakes_hands;
        let off = self.digits() + self.heads(rate) + self.cut_messages();
        let measured = self.measured_bytes();
        plain.then(|| self.figure("bytes_per_delivery", each, measured, each - off, each + off))
    }

    /// Heartbeats and handshakes are not the formulas'.
    fn measured_bytes(&self) -> Option<f64> {
        const COUNTED: [&str; 6] = [
            "payload",
            "framing",
            "packets",
            "http_headers",
            "empty_polls",
            "tls",
        ];
        let mut sum = 0.0;
        for trial in self.trials {
            let kinds = trial.bytes.per_delivery_by_kind.as_ref()?;
            let bytes: f64 = COUNTED.iter().filter_map(|kind| kinds.get(*kind)).sum();
            sum += bytes * trial.window_deliveries as f64;
        }
        Some(sum / self.deliveries)
    }
}

#[cfg(test)]
mod tests;
