//! Short trials before the others that measure the floor of the model: each load once over WebSocket
//! without a line, where latency should be 0 and what is measured is the harness and the machine.

use super::{LinkPlan, Plan, ServerPlan, TransportPlan, TrialPlan, TroublePlan};
use crate::judge::LEAST_EVENTS;
use crate::results::Parameters;
use crate::target::Target;
use pushlab_server::wire::transport::Transport;
use std::time::Duration;

/// Longest window of a calibration: a mean needs no more, and shorter runs are to stay short.
const LONGEST: Duration = Duration::from_secs(2);
const SETTLING: Duration = Duration::from_millis(300);

impl Plan {
    /// One for each load of the run, in the order of the scenario; none where so little is published
    /// that the model is not judged.
    pub fn calibrations(&self) -> Vec<TrialPlan> {
        let mut loads: Vec<Parameters> = Vec::new();
        let mut trials = Vec::new();
        for set in self.sets.iter().filter(|set| self.decides(set)) {
            let load = set.parameters().load();
            if !loads.contains(&load) {
                loads.push(load);
                trials.push(set.calibration());
            }
        }
        trials
    }

    /// That of the first set which the calibration is for.
    pub fn target_of_calibration(&self, calibration: &TrialPlan) -> &Target {
        let load = calibration.parameters().load();
        let of_load = |set: &&TrialPlan| self.decides(set) && set.parameters().load() == load;
        let set = self.sets.iter().find(of_load);
        set.map_or(&Target::Embedded, |set| self.target_of(&set.name))
    }

    /// The model is of our own server.
    fn decides(&self, set: &TrialPlan) -> bool {
        if set.transport.dialect.is_foreign() {
            return false;
        }
        let seconds = set.duration.as_secs_f64() * f64::from(self.scenario.load.repeats);
        set.publish.rate * seconds >= LEAST_EVENTS as f64
    }
}

impl TrialPlan {
    fn calibration(&self) -> TrialPlan {
        TrialPlan {
            name: "calibration".to_owned(),
            transport: TransportPlan::new(Transport::Websocket),
            ramp: self.ramp.min(LONGEST / 2),
            warm_up: self.warm_up.min(SETTLING),
            duration: (self.duration / 2).min(LONGEST),
            cuts: Vec::new(),
            link: LinkPlan::default(),
            server: ServerPlan {
                trouble: TroublePlan::default(),
                gateway: None,
                ..self.server.clone()
            },
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::{Overrides, Plan};
    use crate::scenario::Scenario;
    use pushlab_server::wire::transport::Transport;
    use std::time::Duration;

    #[test]
    fn every_load_is_calibrated_once() {
        let text = "name = \"x\"\n[load]\nclients = [5, 9]\nduration = \"1s\"\n[publish]\nrate = [900, 1000]\n[[transports]]\nkind = \"sse\"\n[[transports]]\nkind = \"interval-polling\"\ninterval = \"50ms\"\n";
        let plan = Scenario::parse(text, "x").unwrap();
        let plan = Plan::resolve(&plan, &Overrides::default()).unwrap();
        let found = plan.calibrations();
        let clients: Vec<usize> = found.iter().map(|trial| trial.clients).collect();
        assert_eq!((plan.sets.len(), clients), (8, vec![5, 9]));
        assert_eq!(found[0].transport.kind, Transport::Websocket);
        assert_eq!(found[0].duration, Duration::from_millis(500));
    }
}
