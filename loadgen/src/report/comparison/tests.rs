//! What people and programs read of a comparison.

use super::*;
use crate::comparison::{NOISE_THRESHOLD, compare};
use crate::report::fixture;

fn with<R>(change: impl Fn(&mut Results), judge: impl FnOnce(&Compared<'_>) -> R) -> R {
    let a = fixture::every_transport();
    let mut b = fixture::every_transport();
    change(&mut b);
    let comparison = compare(&a, &b, NOISE_THRESHOLD);
    judge(&Compared {
        a: Side {
            said: "main",
            results: &a,
        },
        b: Side {
            said: "reports/<chat>",
            results: &b,
        },
        differences: &[],
        comparison: &comparison,
    })
}

/// WebSocket's p99 30 % higher; over 12,500 samples it is not known better than to some percent.
fn slower(results: &mut Results) {
    for trial in results.trials.iter_mut().filter(|t| t.name == "websocket") {
        let p99 = &mut trial.latency_us.delivery.p99;
        *p99 = p99.map(|p99| p99 * 130 / 100);
    }
}

#[test]
fn equal_runs_differ_in_nothing() {
    with(
        |_| {},
        |compared| {
            assert!(!compared.comparison.regressed());
            assert!(regressions(compared).is_empty());
            let text = text(compared);
            assert!(text.contains("\nNo difference seen.\n"), "{text}");
            // Long polling has an invalid repeat.
            assert!(text.contains("too few repeats"), "{text}");
        },
    );
}

#[test]
fn a_regression_stands_first_in_a_pull_request_and_last_on_a_terminal() {
    with(slower, |compared| {
        let said = regressions(compared);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("WebSocket, latency p99: "), "{said:?}");
        assert!(said[0].ends_with(", slower"), "{said:?}");
        let markdown = markdown(compared);
        let mut lines = markdown.lines().filter(|line| !line.is_empty());
        assert_eq!(lines.nth(1), Some("**1 figure is worse, none better.**"));
        assert!(markdown.contains("reports/&lt;chat&gt;"), "{markdown}");
        let open = markdown.split("<details>").next().unwrap();
        assert_eq!(open.matches("**slower**").count(), 1, "{open}");
        let text = text(compared);
        assert!(text.contains("1 figure is worse, none better."), "{text}");
        let widest = text.lines().take_while(|line| !line.contains("worse,"));
        let widest = widest.map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{text}");
    });
}

#[test]
fn the_page_draws_both_curves_and_loads_nothing() {
    with(slower, |compared| {
        let page = html(compared);
        for load in [
            "http://", "https://", "src=", "@import", "url(", "<link", "<script",
        ] {
            assert!(!page.contains(load), "{load}");
        }
        assert_eq!(page.matches("A: WebSocket").count(), 2, "wide and narrow");
        assert_eq!(page.matches("B: WebSocket").count(), 2);
        assert!(page.contains("reports/&lt;chat&gt;"));
        assert!(page.len() < 1 << 20, "{}", page.len());
        if let Some(directory) = std::env::var_os("LOOK") {
            let path = std::path::Path::new(&directory).join("comparison.html");
            std::fs::write(path, page).unwrap();
        }
    });
}

#[test]
fn what_was_forced_is_said_everywhere() {
    let differences = [Difference {
        key: "environment.cores".to_owned(),
        a: Some("2".to_owned()),
        b: None,
    }];
    with(
        |_| {},
        |compared| {
            let forced = Compared {
                differences: &differences,
                ..*compared
            };
            assert!(markdown(&forced).contains("> - environment.cores: 2 \\| not set\n"));
            assert!(html(&forced).contains("environment.cores: 2 | not set"));
            let json: serde_json::Value = serde_json::from_slice(&json(&forced)).unwrap();
            assert_eq!(json["differences"][0]["key"], "environment.cores");
            assert_eq!(json["regressed"], false);
        },
    );
}
