//! Which side is in the way of more load: told from the figures of the step that failed. Shares of
//! CPU are those of the whole window, so a side that is at its end shows well below 100 %.

use crate::outcome::UNSENT;
use crate::results::{CapacityStep, Expectation, Limit, Side, Trial};

/// From here on a side counts as at its end.
const SERVER_AT_ITS_END: f64 = 0.85;
const MACHINE_AT_ITS_END: f64 = 0.9;

/// What server and generator share; known where the server is embedded.
#[derive(Clone, Copy)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    /// Of the server.
    pub(crate) workers: usize,
}

/// What a step was, for the curve.
pub(crate) fn step(
    load: f64,
    (at, trial): (usize, &Trial),
    judged: &[Expectation],
    machine: Option<Machine>,
) -> CapacityStep {
    let per_window = |cpu_s: f64, of: usize| cpu_s / (trial.window_s * of as f64);
    let measured = trial.window_s > 0.0;
    let server = trial.server.cpu_s.filter(|_| measured);
    let both = server.zip(trial.generator.cpu_s);
    let failed = judged.iter().filter(|one| !one.holds).map(failure);
    let refused: u64 = (trial.errors.iter())
        .filter(|(class, _)| class.starts_with("publish-"))
        .map(|(_, count)| count)
        .sum();
    let refused = (refused > 0).then(|| format!("{refused} publishes were refused or cut off"));
    CapacityStep {
        load,
        trial: at,
        holds: trial.valid && refused.is_none() && judged.iter().all(|one| one.holds),
        p99_us: trial.latency_us.delivery.p99,
        deliveries_per_s: measured.then(|| trial.window_deliveries as f64 / trial.window_s),
        server_cpu_share: server
            .zip(machine)
            .map(|(cpu_s, machine)| per_window(cpu_s, machine.workers)),
        machine_cpu_share: both
            .zip(machine)
            .map(|((server, generator), machine)| per_window(server + generator, machine.cores)),
        failures: match trial.valid {
            true => failed.chain(refused).collect(),
            false => trial.reasons.clone(),
        },
    }
}

fn failure(one: &Expectation) -> String {
    match &one.problem {
        Some(problem) => format!("{}: {problem}", one.expression),
        None => one.expression.clone(),
    }
}

/// Of a step that failed, and its trial.
pub(crate) fn limit(step: &CapacityStep, trial: &Trial) -> Limit {
    let because = |side, reason: String| Limit { side, reason };
    let failures = step.failures.join("; ");
    if !trial.valid && trial.window_s == 0.0 {
        return because(Side::Connections, failures);
    }
    // Publishes were taken too slowly, and nothing is said against the generator.
    if !trial.valid && trial.errors.contains_key(UNSENT) && trial.reasons.len() == 1 {
        return because(Side::Server, failures);
    }
    if !trial.valid {
        return because(Side::Generator, failures);
    }
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    match (step.server_cpu_share, step.machine_cpu_share) {
        (Some(server), _) if server >= SERVER_AT_ITS_END => because(
            Side::Server,
            format!(
                "{failures} failed, with the server's workers at {} of their CPU",
                percent(server)
            ),
        ),
        (_, Some(machine)) if machine >= MACHINE_AT_ITS_END => because(
            Side::Machine,
            format!(
                "{failures} failed, with server and generator at {} of the machine's CPU",
                percent(machine)
            ),
        ),
        (Some(server), Some(machine)) => because(
            Side::Slo,
            format!(
                "{failures} failed, with the server's workers at {} and the machine at {} of their CPU",
                percent(server),
                percent(machine)
            ),
        ),
        (Some(_) | None, Some(_) | None) => because(Side::Slo, format!("{failures} failed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::TrialPlan;
    use pushlab_server::wire::transport::Transport;

    /// A step of 10 s with one server worker on two cores.
    fn limit_of(change: impl FnOnce(&mut Trial)) -> (Side, String) {
        let planned = TrialPlan::new(Transport::Sse);
        let mut trial = crate::outcome::tests::empty(&planned);
        (trial.valid, trial.window_s) = (true, 10.0);
        trial.server.cpu_s = Some(4.0);
        trial.generator.cpu_s = Some(5.0);
        change(&mut trial);
        let judged = Expectation {
            expression: "latency.p99 < 250ms".to_owned(),
            name: "sse".to_owned(),
            parameters: planned.parameters(),
            figure: "latency.p99".to_owned(),
            unit: crate::results::Unit::Us,
            operator: crate::results::Operator::Below,
            threshold: Some(250_000.0),
            measured: Some(300_000.0),
            holds: false,
            problem: None,
            aborted: false,
        };
        let machine = Machine {
            cores: 2,
            workers: 1,
        };
        let step = step(100.0, (0, &trial), &[judged], Some(machine));
        assert!(!step.holds);
        let Limit { side, reason } = limit(&step, &trial);
        (side, reason)
    }

    #[test]
    fn the_side_at_its_end_is_named() {
        let (side, reason) = limit_of(|trial| trial.server.cpu_s = Some(9.2));
        assert_eq!(side, Side::Server);
        assert_eq!(
            reason,
            "latency.p99 < 250ms failed, with the server's workers at 92 % of their CPU"
        );
        let (side, reason) = limit_of(|trial| trial.generator.cpu_s = Some(15.0));
        assert_eq!(side, Side::Machine);
        assert!(reason.ends_with("server and generator at 95 % of the machine's CPU"));
        let (side, reason) = limit_of(|_| {});
        assert_eq!(side, Side::Slo);
        assert!(reason.ends_with("workers at 40 % and the machine at 45 % of their CPU"));
        let (side, reason) = limit_of(|trial| {
            trial.valid = false;
            trial.errors.clear();
            trial.reasons = vec!["the generator was the bottleneck".to_owned()];
        });
        assert_eq!(side, Side::Generator);
        assert_eq!(reason, "the generator was the bottleneck");
        let (side, _) = limit_of(|trial| {
            trial.valid = false;
            trial.errors.insert(UNSENT.to_owned(), 7);
            trial.reasons = vec!["7 of 9 events were never sent".to_owned()];
        });
        assert_eq!(side, Side::Server);
        let (side, _) = limit_of(|trial| {
            (trial.valid, trial.window_s) = (false, 0.0);
        });
        assert_eq!(side, Side::Connections);
        let (side, reason) = limit_of(|trial| trial.server.cpu_s = None);
        assert_eq!(
            (side, &reason[..]),
            (Side::Slo, "latency.p99 < 250ms failed")
        );
    }
}
