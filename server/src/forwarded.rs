//! Who asks, and by which scheme, where a proxy hands the request on: `X-Forwarded-For` and
//! `X-Forwarded-Proto` count from a `--trusted-proxy` and from nobody else, for anybody can write them.
//!
//! What is limited before a request is read, connections and handshakes, is the peer's: a proxy's
//! connections bear many clients.

use actix_web::dev::RequestHead;
use actix_web::http::header::{self, HeaderMap};
use clap::Args;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Who is who")]
pub struct ProxyFlags {
    /// A proxy, or a network of them, such as 127.0.0.1 or 10.0.0.0/8, whose X-Forwarded-For and
    /// X-Forwarded-Proto are believed; repeatable. Then publishes count by the client's address, not by
    /// the proxy's
    #[arg(
        long = "trusted-proxy",
        env = "PUSHLAB_TRUSTED_PROXY",
        value_name = "ADDR",
        value_delimiter = ','
    )]
    pub trusted: Vec<Network>,
}

/// Addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = || {
            let (address, bits) = match text.split_once('/') {
                Some((address, bits)) => (address, Some(bits)),
                None => (text, None),
            };
            let address: IpAddr = address.parse().ok()?;
            let width = width(address);
            let bits = match bits {
                Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                    bits.parse().ok()?
                }
                Some(_) => return None,
                None => width,
            };
            // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
            let canonical = address.to_canonical();
            let bits =
                (bits <= width).then(|| bits.checked_sub(width - self::width(canonical)))??;
            Some(Network {
                address: canonical,
                bits,
            })
        };
        network().ok_or_else(|| {
            format!("{text:?} is no address; write one such as 127.0.0.1, ::1 or 10.0.0.0/8")
        })
    }
}

fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl Network {
    /// `address` is canonical.
    fn contains(&self, address: IpAddr) -> bool {
        let difference = match (self.address, address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => u128::from(one.to_bits() ^ other.to_bits()),
            (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() ^ other.to_bits(),
            _ => return false,
        };
        let rest = width(self.address) - self.bits;
        difference.checked_shr(rest).unwrap_or(0) == 0
    }
}

impl ProxyFlags {
    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(address))
    }

    fn hands_on(&self, head: &RequestHead) -> bool {
        !self.trusted.is_empty() && head.peer_addr.is_some_and(|peer| self.trusts(peer.ip()))
    }

    /// The address that the request comes from: the last one that our proxies were asked by, not any
    /// that was there before. The peer's where they do not say.
    pub fn client(&self, head: &RequestHead) -> Option<IpAddr> {
        let peer = head.peer_addr.map(|peer| peer.ip());
        if !self.hands_on(head) {
            return peer;
        }
        self.last_untrusted(&head.headers).or(peer)
    }

    fn last_untrusted(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let lines: Vec<_> = headers.get_all(header::X_FORWARDED_FOR).collect();
        for line in lines.into_iter().rev() {
            for entry in line.to_str().ok()?.rsplit(',') {
                let address = address(entry.trim())?;
                if !self.trusts(address) {
                    return Some(address);
                }
            }
        }
        None
    }

    /// Whether the client came over TLS, as far as a proxy says; else by `own`.
    pub fn is_https(&self, head: &RequestHead, own: bool) -> bool {
        if !self.hands_on(head) {
            return own;
        }
        match crate::origin::only(&head.headers, header::X_FORWARDED_PROTO.as_str()) {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => true,
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => false,
            _ => own,
        }
    }
}

/// Some proxies write the port as well.
fn address(entry: &str) -> Option<IpAddr> {
    let with_port = || Some(entry.parse::<SocketAddr>().ok()?.ip());
    entry.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn flags(trusted: &[&str]) -> ProxyFlags {
        ProxyFlags {
            trusted: trusted.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    fn head(peer: &str, name: header::HeaderName, lines: &[&str]) -> RequestHead {
        let mut head = RequestHead::default();
        head.peer_addr = Some(SocketAddr::new(peer.parse().unwrap(), 1));
        for line in lines {
            let line = HeaderValue::from_str(line).unwrap();
            head.headers.append(name.clone(), line);
        }
        head
    }

    #[test]
    fn networks_are_addresses_that_begin_alike() {
        for (network, address, is_in) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.1.2.3/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            // One address may be written in two ways.
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.0.0.1", true),
        ] {
            assert_eq!(
                flags(&[network]).trusts(address.parse().unwrap()),
                is_in,
                "{address} in {network}"
            );
        }
        for text in [
            "",
            "localhost",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0/8",
            "::/129",
            "::ffff:10.0.0.0/8",
            "127.0.0.1:80",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_client_is_the_last_that_is_no_proxy_of_ours() {
        for (peer, lines, client) in [
            ("192.0.2.7", &["203.0.113.1"][..], "192.0.2.7"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.1"], "203.0.113.1"),
            ("::ffff:127.0.0.1", &["203.0.113.1"], "203.0.113.1"),
            ("127.0.0.1", &["203.0.113.1, 203.0.113.2"], "203.0.113.2"),
            ("127.0.0.1", &["203.0.113.1", "203.0.113.2"], "203.0.113.2"),
            ("127.0.0.1", &["203.0.113.1,10.0.0.4"], "203.0.113.1"),
            ("127.0.0.1", &["203.0.113.1", "10.0.0.4"], "203.0.113.1"),
            ("127.0.0.1", &["10.0.0.5, 10.0.0.4"], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.1:5000"], "203.0.113.1"),
            ("127.0.0.1", &["[2001:db8::1]:5000"], "2001:db8::1"),
            ("127.0.0.1", &["rubbish, 203.0.113.1"], "203.0.113.1"),
            ("127.0.0.1", &["203.0.113.1, rubbish"], "127.0.0.1"),
            (
                "127.0.0.1",
                &["203.0.113.1, rubbish, 10.0.0.4"],
                "127.0.0.1",
            ),
            ("127.0.0.1", &["203.0.113.1,"], "127.0.0.1"),
        ] {
            let head = head(peer, header::X_FORWARDED_FOR, lines);
            let flags = flags(&["127.0.0.1", "10.0.0.0/8"]);
            let expected = Some(client.parse().unwrap());
            assert_eq!(flags.client(&head), expected, "{lines:?} from {peer}");
            let peer = Some(peer.parse().unwrap());
            assert_eq!(self::flags(&[]).client(&head), peer, "nobody is trusted");
        }
    }

    #[test]
    fn a_trusted_proxy_says_the_scheme() {
        for (peer, lines, own, expected) in [
            ("127.0.0.1", &["https"][..], false, true),
            ("127.0.0.1", &["HTTPS"], false, true),
            ("127.0.0.1", &["http"], true, false),
            ("127.0.0.1", &[], true, true),
            ("127.0.0.1", &["https", "https"], false, false),
            ("127.0.0.1", &["https, http"], false, false),
            ("192.0.2.7", &["https"], false, false),
            ("192.0.2.7", &["http"], true, true),
        ] {
            let head = head(peer, header::X_FORWARDED_PROTO, lines);
            let is_https = flags(&["127.0.0.1"]).is_https(&head, own);
            assert_eq!(is_https, expected, "{lines:?} from {peer}");
        }
    }
}
