//! The server under test: an embedded one, started afresh as a child process for each trial, with a
//! real gateway before it if the plan has one; or another, that runs already or that a command starts.
//! Control requests go by reqwest, never over measured connections.

mod child;
mod embedded;
mod gateway;
mod described;
mod manner;
mod program;
mod processes;

pub use described::{Described, Source};
pub use embedded::{EMBEDDED_SUBCOMMAND, serve_embedded, workers};
pub use gateway::{GATEWAY_SUBCOMMAND, Gateway, find_nginx, keep_gateway, nginx_version};
pub use manner::{Foreign, Manner, Template, in_a_url};
pub use program::{PROGRAM_SUBCOMMAND, keep_program};

use crate::net::dial::Endpoint;
use crate::net::failure::Failure;
use crate::net::tls::{self, Secure, Trust, TrustError};
use crate::plan::ServerPlan;
use embedded::{Child, Started};
use processes::Processes;
use program::Program;
use pushlab_server::wire::usage::Usage;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

/// Where a trial's server comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A child process of this binary, new for each trial.
    Embedded,
    /// Base URLs, such as `http://127.0.0.1:8080`; control requests go to `admin` if given.
    Remote {
        url: String,
        admin: Option<String>,
        trust: Trust,
    },
    /// Whatever else a `[target]` says.
    Described(Box<Described>),
}

/// Why there is no server to measure. URLs in messages are without credentials and query.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("cannot start the embedded server: {0}")]
    Spawn(std::io::Error),
    #[error("the embedded server did not come up: {0}")]
    NotUp(String),
    #[error(
        "{url} is no URL of a server: {problem}; give one such as http://127.0.0.1:8080, or https://…"
    )]
    BadUrl { url: String, problem: String },
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error(
        "{url} is not trusted: {problem}; name its certificate by --cacert FILE, or measure it without knowing who it is by --insecure"
    )]
    Untrusted { url: String, problem: String },
    #[error("{url} cannot be reached: {problem}; is the server running, and is the port right?")]
    Unreachable { url: String, problem: String },
    #[error(
        "nginx is not installed, and [gateway] asks for it: `apt install nginx-light` brings it, or name the program in LOADGEN_NGINX"
    )]
    NoNginx,
    #[error(
        "{url} signs nobody in: {problem}; named = true needs a pushlab server with POST /session"
    )]
    SignIn { url: String, problem: String },
    #[error("the gateway did not come up: {0}")]
    Gateway(String),
    #[error("the server that [target] command starts did not come up: {0}")]
    Command(String),
    #[error(
        "there is no process {pid} on this machine; write the pid of the server in [target], or leave it away"
    )]
    NoProcess { pid: u32 },
    #[error("the variable {name}, which [target] names, is not in the environment; set it")]
    NoVariable { name: String },
    #[error(
        "with its variables filled in, \"{key}\" has blanks or control characters, which no path can have"
    )]
    BadPath { key: &'static str },
    #[error("the value of the header {name} has control characters, which no header can have")]
    BadHeader { name: String },
    #[error(
        "{url} is not a pushlab server: {found}; start one with `pushlab-server --listen {address}`, or leave the target away to measure the embedded one"
    )]
    NotPushlab {
        url: String,
        address: String,
        found: String,
    },
}

/// A server that a trial can use.
pub struct Server {
    pub endpoint: Endpoint,
    /// For the publisher's own connection: past the trouble and the gateway, if there are any.
    pub direct: Endpoint,
    /// Ends before the server that it passes on to.
    gateway: Option<Gateway>,
    child: Option<Child>,
    /// What a command started.
    program: Option<Program>,
    /// Where they are on this machine and known.
    processes: Option<Processes>,
    pub manner: Manner,
    /// Of a server of ours.
    lab: Option<Lab>,
    /// Whether it said what it spends when it was asked first: what two count is never mixed.
    keeps_books: OnceLock<bool>,
}

/// What only a pushlab server has beside its rooms.
struct Lab {
    control: reqwest::Client,
    usage_url: Url,
    /// Beside the control port, for that knows no sessions.
    sessions: reqwest::Client,
    session_url: Url,
}

/// Of a client that has one: all of the same length.
pub fn client_name(client: usize) -> String {
    format!("client-{client:06}")
}

const CONTROL_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Health {
    name: String,
    version: String,
}

impl Target {
    /// Whether it speaks another dialect than ours.
    pub fn is_foreign(&self) -> bool {
        match self {
            Target::Embedded | Target::Remote { .. } => false,
            Target::Described(described) => described.entry.dialect().is_foreign(),
        }
    }

    /// Whether a remote target is there and is one of ours; its version. The embedded one is ours.
    pub async fn check(&self) -> Result<Option<String>, TargetError> {
        match self {
            Target::Embedded => Ok(Some(env!("CARGO_PKG_VERSION").to_owned())),
            Target::Remote { url, admin, trust } => {
                reach(url, trust).await?;
                let asked = admin.as_ref().unwrap_or(url);
                let control = control(asked, trust, &[])?;
                let version = health(&control, &parse(asked)?).await?;
                Ok(Some(version))
            }
            Target::Described(described) => described.check().await,
        }
    }

    /// Starts or finds the server of one trial. `program` is what is started instead of this
    /// binary; tests need that.
    pub async fn open(
        &self,
        plan: &ServerPlan,
        program: Option<&Path>,
    ) -> Result<Server, TargetError> {
        let (child, public, direct, admin, trust) = match self {
            Target::Embedded => {
                let Started {
                    child,
                    public,
                    direct,
                    admin,
                    trust,
                } = Child::start(plan, program).await?;
                (Some(child), public, direct, admin, trust)
            }
            Target::Remote { url, admin, trust } => {
                let admin = admin.clone().unwrap_or(url.clone());
                (None, url.clone(), url.clone(), admin, trust.clone())
            }
            Target::Described(described) => return described.open(program).await,
        };
        let gateway = match &plan.gateway {
            Some(gateway) => {
                let upstream = endpoint(&public, &trust).await?.address;
                Some(gateway::start(gateway.clone(), upstream, program).await?)
            }
            None => None,
        };
        let public = match &gateway {
            Some(gateway) => format!("http://{}", gateway.address),
            None => public,
        };
        Ok(Server {
            endpoint: endpoint(&public, &trust).await?,
            direct: endpoint(&direct, &trust).await?,
            gateway,
            child,
            program: None,
            processes: None,
            manner: Manner::default(),
            lab: Some(Lab::at(&direct, Some(&admin), &trust, &[])?),
            keeps_books: OnceLock::new(),
        })
    }
}

impl Lab {
    /// `headers` are for the server that clients talk to, and for no other that administers it.
    fn at(
        direct: &str,
        admin: Option<&str>,
        trust: &Trust,
        headers: &[(String, String)],
    ) -> Result<Lab, TargetError> {
        let (asked, with) = match admin {
            Some(admin) => (admin, &[][..]),
            None => (direct, headers),
        };
        Ok(Lab {
            control: control(asked, trust, with)?,
            usage_url: join(&parse(asked)?, "lab/usage"),
            sessions: control(direct, trust, headers)?,
            session_url: join(&parse(direct)?, "session"),
        })
    }

    /// `None` where the server does not tell.
    async fn usage(&self) -> Option<Usage> {
        let answer = self.control.get(self.usage_url.clone()).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => answer.json().await.ok(),
            Ok(_) | Err(_) => None,
        }
    }

    async fn sign_in(&self, client: usize) -> Result<String, TargetError> {
        let body = serde_json::json!({ "name": client_name(client) });
        let refused = |problem: String| TargetError::SignIn {
            url: shown(self.session_url.as_str()),
            problem,
        };
        let request = self.sessions.post(self.session_url.clone());
        let answer = (request
            .header("Content-Type", "application/json")
            .body(body.to_string()))
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(|error| refused(cause(&error.without_url())))?;
        let cookie = answer.headers().get("set-cookie");
        let pair = cookie.and_then(|cookie| cookie.to_str().ok()?.split(';').next());
        pair.map(str::to_owned)
            .ok_or_else(|| refused("it sets no cookie".to_owned()))
    }
}

fn control(
    url: &str,
    trust: &Trust,
    headers: &[(String, String)],
) -> Result<reqwest::Client, TargetError> {
    let mut with = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        // Of a target both were looked at before.
        if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            value.set_sensitive(true);
            with.append(name, value);
        }
    }
    let tls = match is_secure(&parse(url)?) {
        true => trust.config()?,
        false => tls::nobody()?,
    };
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .timeout(CONTROL_PATIENCE)
        .default_headers(with)
        .build()
        .map_err(|error| TargetError::BadUrl {
            url: shown(url),
            problem: error.to_string(),
        })
}

fn parse(text: &str) -> Result<Url, TargetError> {
    let bad = |problem: &str| TargetError::BadUrl {
        url: shown(text),
        problem: problem.to_owned(),
    };
    // A WebSocket's URL names the same server.
    let text = match text.strip_prefix("ws") {
        Some(rest) => format!("http{rest}"),
        None => text.to_owned(),
    };
    let url = Url::parse(&text).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("only http and https are measured"));
    }
    if url.host_str().is_none() {
        return Err(bad("it names no host"));
    }
    Ok(url)
}

fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
}

/// A URL as it may be shown: without credentials, query and fragment.
pub fn shown(text: &str) -> String {
    match Url::parse(text) {
        Ok(mut url) => {
            // Both fail only for URLs that cannot have credentials at all.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            url.set_fragment(None);
            url.to_string()
        }
        Err(_) => "the target".to_owned(),
    }
}

fn join(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let prefix = base.path().trim_end_matches('/');
    url.set_path(&format!("{prefix}/{path}"));
    url.set_query(None);
    url
}

async fn endpoint(text: &str, trust: &Trust) -> Result<Endpoint, TargetError> {
    let url = parse(text)?;
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let unreachable = |problem: String| TargetError::Unreachable {
        url: shown(text),
        problem,
    };
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let mut addresses = tokio::net::lookup_host((name, port))
        .await
        .map_err(|error| unreachable(error.to_string()))?;
    Ok(Endpoint {
        address: addresses
            .next()
            .ok_or_else(|| unreachable("its name has no address".to_owned()))?,
        host: match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        },
        prefix: url.path().trim_end_matches('/').to_owned(),
        secure: match is_secure(&url) {
            true => Some(Secure::new(trust, name)?),
            false => None,
        },
    })
}

/// Connects to the port that will be measured, and sends nothing but what TLS says.
async fn reach(url: &str, trust: &Trust) -> Result<(), TargetError> {
    let endpoint = endpoint(url, trust).await?;
    let unreachable = |problem: String| TargetError::Unreachable {
        url: shown(url),
        problem,
    };
    let reached = tokio::time::timeout(CONTROL_PATIENCE, async {
        let socket = tokio::net::TcpStream::connect(endpoint.address).await?;
        match &endpoint.secure {
            None => Ok(()),
            Some(secure) => secure.greet(socket).await,
        }
    });
    match reached.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if tls::is_no_tls(&error) => {
            Err(unreachable("it speaks no TLS, write http://".to_owned()))
        }
        Ok(Err(error)) if Failure::is_of_tls(&error) => Err(TargetError::Untrusted {
            url: shown(url),
            problem: error.to_string(),
        }),
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(_) => Err(unreachable("it does not answer".to_owned())),
    }
}

async fn health(client: &reqwest::Client, base: &Url) -> Result<String, TargetError> {
    let url = shown(base.as_str());
    let address = format!(
        "{}:{}",
        base.host_str().unwrap_or("127.0.0.1"),
        base.port_or_known_default().unwrap_or(80)
    );
    let not_ours = |found: String| TargetError::NotPushlab {
        url: url.clone(),
        address: address.clone(),
        found,
    };
    let answer = client.get(join(base, "health")).send().await;
    let answer = answer.map_err(|error| {
        let unreachable = |problem: String| TargetError::Unreachable {
            url: url.clone(),
            problem,
        };
        match error.without_url() {
            error if error.is_connect() => unreachable(cause(&error)),
            error if error.is_timeout() => unreachable(format!(
                "GET /health has no answer within {CONTROL_PATIENCE:?}"
            )),
            error => not_ours(format!(
                "GET /health is not answered in HTTP ({})",
                cause(&error)
            )),
        }
    })?;
    let status = answer.status();
    if !status.is_success() {
        return Err(not_ours(format!("GET /health answers {status}")));
    }
    let health: Health = (answer.json().await)
        .map_err(|_| not_ours("GET /health answers something else".to_owned()))?;
    if health.name != "pushlab-server" {
        return Err(not_ours(format!("it calls itself {:?}", health.name)));
    }
    Ok(health.version)
}

/// The innermost reason: reqwest's own message says only that the request failed.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

impl Server {
    /// What the server has spent so far; `None` where it does not tell. Of one that keeps no books there
    /// is what its processes spent, and no traffic.
    pub async fn usage(&self) -> Option<Usage> {
        let told = match &self.lab {
            Some(lab) => lab.usage().await,
            None => None,
        };
        if *self.keeps_books.get_or_init(|| told.is_some()) {
            return told;
        }
        Some(Usage {
            process: self.processes?.usage()?,
            ..Usage::default()
        })
    }

    /// Signs in so many clients, over the control plane: the `Cookie` of each.
    pub async fn sign_in(&self, clients: usize) -> Result<Vec<String>, TargetError> {
        let mut cookies = Vec::with_capacity(clients);
        if let Some(lab) = &self.lab {
            for client in 0..clients {
                cookies.push(lab.sign_in(client).await?);
            }
        }
        Ok(cookies)
    }

    /// Whether it is known to run on this machine.
    pub fn is_here(&self) -> bool {
        self.child.is_some() || self.processes.is_some()
    }

    /// The trouble of an embedded server begins or ends.
    pub fn trouble(&mut self, on: bool) {
        if let Some(child) = &mut self.child {
            child.say(on);
        }
    }

    /// Ends the gateway, and with it the connections that it keeps to the server.
    pub fn end_gateway(&mut self) {
        self.gateway = None;
    }

    /// How a server that was started for the trial, or the gateway before it, ended, if it has.
    pub fn ended(&mut self) -> Option<String> {
        let gateway = self.gateway.as_mut().and_then(Gateway::ended);
        let child = gateway.or_else(|| self.child.as_mut()?.ended());
        child.or_else(|| self.program.as_mut()?.ended())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn endpoints_keep_port_and_prefix() {
        let found = endpoint("http://127.0.0.1:8080/lab/", &Trust::System)
            .await
            .unwrap();
        assert_eq!(found.address.to_string(), "127.0.0.1:8080");
        assert_eq!((&*found.host, &*found.prefix), ("127.0.0.1:8080", "/lab"));
        let found = endpoint("http://[::1]", &Trust::System).await.unwrap();
        assert_eq!(found.address.to_string(), "[::1]:80");
        assert_eq!((&*found.host, &*found.prefix), ("[::1]", ""));
    }

    #[tokio::test]
    async fn headers_go_to_the_server_and_to_no_admin_beside_it() {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = std::thread::spawn(move || {
            [(); 2].map(|()| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut head = [0; 4096];
                let length = stream.read(&mut head).unwrap();
                let none = "HTTP/1.1 404 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                stream.write_all(none.as_bytes()).unwrap();
                String::from_utf8_lossy(&head[..length]).into_owned()
            })
        });
        let headers = [("X-Word".to_owned(), "瑶".to_owned())];
        for admin in [None, Some(&*url)] {
            let lab = Lab::at(&url, admin, &Trust::System, &headers).unwrap();
            assert!(lab.usage().await.is_none());
        }
        let with = heads
            .join()
            .unwrap()
            .map(|head| head.contains("x-word: 瑶"));
        assert_eq!(with, [true, false]);
    }

    #[tokio::test]
    async fn errors_name_the_remedy_and_no_secret() {
        let target = |url: &str| Target::Remote {
            url: url.to_owned(),
            admin: None,
            trust: Trust::System,
        };
        let check = async |url: &str| target(url).check().await.unwrap_err().to_string();
        let refused = check("http://me:secret@127.0.0.1:1/?token=secret").await;
        assert!(
            refused.contains("http://127.0.0.1:1/ cannot be reached"),
            "{refused}"
        );
        assert!(refused.contains("refused"), "{refused}");
        assert!(!refused.contains("secret"), "{refused}");
        assert!(check("ftp://example.org").await.contains("only http"));
        let secure = check("https://127.0.0.1:1").await;
        assert!(secure.contains("refused"), "{secure}");
        assert!(check("nonsense").await.contains("no URL"));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn who_counted_first_counts_on() {
        let target = Target::Remote {
            url: "http://127.0.0.1:1".to_owned(),
            admin: None,
            trust: Trust::System,
        };
        let plan = crate::table::tests::plan(1, 1).server;
        for keeps_books in [true, false] {
            let mut server = target.open(&plan, None).await.unwrap();
            server.processes = Some(Processes::of(std::process::id()));
            server.keeps_books = OnceLock::from(keeps_books);
            assert_eq!(server.usage().await.is_none(), keeps_books);
        }
    }
}
