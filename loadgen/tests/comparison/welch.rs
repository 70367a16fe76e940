//! The recorded baseline of G8: what autocannon-compare does. It takes the messages of one run for
//! independent samples and puts them through Welch's t-test; with thousands of messages anything
//! that moves a whole run, as every machine does a little, is "significant".

use loadgen::results::{Distribution, Results};

use base64::Engine;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

/// Whether any transport's first repeat of B is slower than A's at p < 0.05.
pub fn alarm(a: &Results, b: &Results) -> bool {
    let first = |results: &Results| -> Vec<Distribution> {
        let firsts = results.trials.iter().filter(|trial| trial.repeat == 1);
        let mut firsts: Vec<_> = firsts.collect();
        firsts.sort_by(|x, y| x.name.cmp(&y.name));
        let latencies = firsts.iter().map(|trial| trial.latency_us.delivery.clone());
        latencies.collect()
    };
    (first(a).iter().zip(first(b))).any(|(a, b)| t(a, &b) > 1.96)
}

/// Positive where `b` is slower. With thousands of samples Student's law is the normal one.
fn t(a: &Distribution, b: &Distribution) -> f64 {
    let ((mean_a, error_a), (mean_b, error_b)) = (mean_and_error(a), mean_and_error(b));
    (mean_b - mean_a) / (error_a.powi(2) + error_b.powi(2)).sqrt()
}

fn mean_and_error(distribution: &Distribution) -> (f64, f64) {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(&distribution.hdr)
        .unwrap();
    let histogram: Histogram<u64> = Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .unwrap();
    let error = histogram.stdev() / (histogram.len() as f64).sqrt();
    (histogram.mean(), error)
}
