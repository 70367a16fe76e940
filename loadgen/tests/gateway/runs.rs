//! The command line with a `[gateway]`: what it refuses and why, what its report says, and that
//! nothing of nginx is left behind.

use crate::{before, defaults, nginx_is_here, program};
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const SCENARIO: &str = "name = \"x\"\n[load]\nclients = 3\nramp = \"0ms\"\nwarm_up = \"100ms\"\nduration = \"500ms\"\n[publish]\nrate = 20\n[gateway]\nnginx = \"site.conf\"\nidle_timeout = \"2s\"\n[[transports]]\nkind = \"sse\"\nheartbeat = \"200ms\"\n";

/// A folder with a scenario and what it names.
fn home(scenario: &str, site: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("x.toml"), scenario).unwrap();
    fs::write(home.path().join("site.conf"), site).unwrap();
    home
}

fn loadgen(home: &Path, arguments: &[&str], nginx: Option<&str>) -> Output {
    let mut command = Command::new(program());
    command.args(arguments).current_dir(home);
    if let Some(nginx) = nginx {
        command.env("LOADGEN_NGINX", nginx);
    }
    command.output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A machine that is busy with other tests may make a run invalid, which is no matter here.
fn assert_ran(output: &Output) {
    let busy = told(output).contains("the generator was the bottleneck");
    let code = output.status.code();
    assert!(
        code == Some(0) || (busy && code == Some(96)),
        "{code:?}: {}",
        told(output)
    );
}

#[test]
fn a_report_names_the_gateway_and_can_be_run_again_from_its_own_scenario() {
    if !nginx_is_here() {
        return;
    }
    let home = home(SCENARIO, &defaults());
    let ran = loadgen(
        home.path(),
        &["run", "x.toml", "--out", "one", "--no-progress"],
        None,
    );
    assert_ran(&ran);
    let summary = fs::read_to_string(home.path().join("one/summary.md")).unwrap();
    assert!(summary.contains("a gateway, nginx/1."), "{summary}");
    assert!(
        summary.contains("gives up after 2s of silence"),
        "{summary}"
    );
    fs::remove_file(home.path().join("site.conf")).unwrap();
    let again = ["run", "one/scenario.toml", "--out", "two", "--no-progress"];
    let ran = loadgen(home.path(), &again, None);
    assert_ran(&ran);
    assert_eq!(
        fs::read(home.path().join("one/scenario.toml")).unwrap(),
        fs::read(home.path().join("two/scenario.toml")).unwrap()
    );
}

#[test]
fn without_nginx_a_run_is_refused_and_validate_works() {
    let home = home(SCENARIO, &defaults());
    let nowhere = Some("/nonexistent/nginx");
    let ran = loadgen(home.path(), &["run", "x.toml", "--out", "one"], nowhere);
    assert_eq!(ran.status.code(), Some(96));
    assert!(
        told(&ran).contains("nginx is not installed"),
        "{}",
        told(&ran)
    );
    assert!(!home.path().join("one").exists());
    let validated = loadgen(home.path(), &["validate", "x.toml"], nowhere);
    assert_eq!(validated.status.code(), Some(0));
    let said = String::from_utf8(validated.stdout).unwrap();
    let line = "gateway: nginx by site.conf, which gives up after 2s of silence\n";
    assert!(said.contains(line), "{said}");
}

#[test]
fn what_a_gateway_cannot_be_is_refused_with_its_place() {
    let cases = [
        (
            SCENARIO.replace("site.conf", "none.conf"),
            defaults(),
            "x.toml:10:1: gateway.nginx: none.conf cannot be read",
        ),
        (
            SCENARIO.to_owned(),
            "server {}".to_owned(),
            "x.toml:10:1: gateway.nginx: it must say `listen 80;` once",
        ),
        (
            SCENARIO.replace("\"2s\"", "\"2h\""),
            defaults(),
            "x.toml:11:1: gateway.idle_timeout: give 100ms to 1h",
        ),
        (
            SCENARIO.replace("\"sse\"", "\"long-polling\""),
            defaults(),
            "\"heartbeat\" does nothing on long-polling",
        ),
        (
            format!("{SCENARIO}[target]\nurl = \"http://127.0.0.1:1\"\n"),
            defaults(),
            "\"heartbeat\" is for the embedded server",
        ),
        (
            format!(
                "{}[target]\nurl = \"http://127.0.0.1:1\"\n",
                SCENARIO.replace("heartbeat = \"200ms\"\n", "")
            ),
            defaults(),
            "a gateway stands before the embedded server",
        ),
    ];
    for (scenario, site, problem) in cases {
        let home = home(&scenario, &site);
        let validated = loadgen(home.path(), &["validate", "x.toml"], None);
        assert_eq!(validated.status.code(), Some(104), "{problem}");
        assert!(told(&validated).contains(problem), "{}", told(&validated));
    }
}

#[test]
fn what_nginx_says_against_its_configuration_is_told() {
    if !nginx_is_here() {
        return;
    }
    let wrong = defaults().replace("proxy_http_version", "proxy_http_wersion");
    let home = home(SCENARIO, &wrong);
    let ran = loadgen(home.path(), &["run", "x.toml", "--out", "one"], None);
    assert_eq!(ran.status.code(), Some(1));
    let told = told(&ran);
    assert!(told.contains("the gateway did not come up"), "{told}");
    assert!(
        told.contains("unknown directive \"proxy_http_wersion\""),
        "{told}"
    );
    assert!(!home.path().join("one").exists());
}

#[test]
fn nothing_is_left_of_a_gateway() {
    if !nginx_is_here() {
        return;
    }
    // Nobody is there to be passed on to, which is nothing to nginx.
    let gateway = before("127.0.0.1:1".parse().unwrap(), &defaults());
    let address = gateway.address;
    TcpStream::connect(address).unwrap();
    drop(gateway);
    assert!(TcpStream::connect(address).is_err());
}
