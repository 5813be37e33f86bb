//! The servers that profiles need: the way to them, their names, their certificates, their clocks. Each is sent one request
//! without a token or a client.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::super::tokens::ends::CLOCK_SLACK;
use super::super::{Service, home_data_center, issuing_data_center, transport_error};
use super::{Check, Patient};
use crate::clock;
use crate::config::{Profile, ProviderSource};
use crate::error::Advice;
use crate::http::client::Way;
use crate::http::{Method, Request, TransportFailure, tls};

/// Looking a name up takes milliseconds, unless the first name server is dead.
const LOOK_UP: Duration = Duration::from_secs(3);
const SLOW_LOOK_UP: Duration = Duration::from_secs(1);
/// Connecting, TLS and the answer.
const ANSWER: Duration = Duration::from_secs(5);

/// From here on a clock is wrong, though not yet so that anything fails.
const NOTICEABLE: SignedDuration = SignedDuration::from_secs(60);

/// Certificates that are renewed by a program have more time left than this.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A server that some profile needs.
pub(super) struct Server(Url);

impl Patient {
    /// Those of all profiles that are meant, each once.
    pub(super) async fn servers(&self) -> Vec<Server> {
        let mut servers: Vec<Server> = Vec::new();
        for profile in self.profiles() {
            for url in self.addresses(profile).await {
                if !servers.iter().any(|Server(known)| known.origin() == url.origin()) {
                    servers.push(Server(url));
                }
            }
        }
        servers
    }

    async fn addresses(&self, profile: &Profile) -> Vec<Url> {
        let Ok(source) = self.service.config.provider(profile) else { return Vec::new() };
        let Some(provider) = source.known() else {
            let issuer = if let ProviderSource::Discovered(server) = source { server.issuer_url() } else { None };
            return issuer.into_iter().collect();
        };
        // Opened for one profile only, since there may be thousands of records.
        let grant = if self.profile.is_some() { self.service.grant(profile).await.ok() } else { None };
        let issuing = grant.as_ref().and_then(|grant| issuing_data_center(profile, &provider, grant).ok());
        let Some(data_center) = issuing.or_else(|| home_data_center(profile, &provider).ok()) else {
            return Vec::new();
        };
        let token = data_center.endpoints.token.clone();
        let named = grant.as_ref().and_then(|grant| grant.api_domain.as_deref());
        let data_center = data_center.clone().in_environment(named);
        [Some(data_center.accounts_server), Some(token), data_center.api_domain].into_iter().flatten().collect()
    }
}

impl Server {
    pub(super) fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    pub(super) async fn check(self, service: &Service, ca_certificate: Option<&Path>) -> Vec<Check> {
        let host = self.host();
        let way = match service.http.way_to(&self.0) {
            Ok(way) => way,
            Err(failure) => return vec![failed("proxy", &host, &failure)],
        };
        let mut checks = Vec::new();
        checks.extend(of_way(&way, &host));
        let asked = way.proxy.as_ref().unwrap_or(&self.0);
        let name = asked.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if name.parse::<IpAddr>().is_err() {
            let looked_up = look_up(&name, asked.port_or_known_default().unwrap_or(443)).await;
            let is_known = looked_up.verdict < super::Verdict::Error;
            checks.push(looked_up);
            if !is_known {
                return checks;
            }
        }
        checks.extend(self.ask(service, &host, ca_certificate).await);
        checks
    }

    async fn ask(&self, service: &Service, host: &str, ca_certificate: Option<&Path>) -> Vec<Check> {
        let mut url = self.0.clone();
        url.set_path("/");
        url.set_query(None);
        let request = Request { method: Method::Head, deadline: ANSWER, ..Request::get(url) };
        let begun = clock::now();
        let reply = service.http.send(request).await;
        let took = clock::now() - begun;
        let name = self.0.host_str().unwrap_or_default();
        let shown = service.http.certificates_of(name);
        let now = clock::wall();
        let mut checks = Vec::new();
        let response = match reply {
            Ok(response) => response,
            Err(failure @ TransportFailure::Tls(..)) => {
                let mut check = failed("TLS", host, &failure);
                if let Some(signer) = shown.as_deref().and_then(tls::signer) {
                    check.seen = format!("{}; its certificate was signed by {signer}", check.seen);
                }
                return vec![check.advise(
                    "where a proxy or a company's own authority signs for all servers, give its certificate by `--ca-cert`",
                )];
            }
            Err(failure @ TransportFailure::Proxy(..)) => return vec![failed("proxy", host, &failure)],
            Err(failure) => return vec![failed("connection", host, &failure)],
        };
        let secure = if self.0.scheme() == "https" { "" } else { ", without TLS, on this machine only" };
        let seen = format!("HTTP {} after {} ms{secure}", response.status, took.as_millis());
        checks.push(Check::ok("connection", host, seen));
        checks.extend(shown.map(|shown| of_certificates(&tls::end_of(&shown, ca_certificate), host, now)));
        // The answer was made about half-way between.
        let made = response.date().map(|date| (date, clock::earlier(now, took / 2)));
        checks.extend(made.map(|(date, then)| of_clock(host, then.duration_until(date))));
        checks
    }
}

fn failed(subject: &'static str, host: &str, failure: &TransportFailure) -> Check {
    let error = transport_error("", failure);
    Check { seen: failure.to_string(), ..Check::failed(subject, host, &error) }
}

/// Whether somebody stands in between, where a variable speaks of that.
fn of_way(way: &Way, host: &str) -> Option<Check> {
    let named_by = way.named_by?;
    Some(match (&way.proxy, way.exempted_by) {
        (Some(proxy), _) => Check::ok("proxy", host, format!("through {proxy}, which `{named_by}` names")),
        (None, Some(exempted_by)) => Check::ok("proxy", host, format!("directly, since `{exempted_by}` exempts it")),
        (None, None) => Check::ok("proxy", host, format!("directly: `{named_by}` is for `https` only")),
    })
}

async fn look_up(name: &str, port: u16) -> Check {
    let begun = clock::now();
    let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((name, port))).await;
    let took = clock::now() - begun;
    let resolver = "check the name, the network and `/etc/resolv.conf`";
    let addresses: Vec<SocketAddr> = match found {
        Err(_) => {
            let seen = format!("no answer within {} seconds", LOOK_UP.as_secs());
            return Check::error("DNS", name, seen).advise(resolver);
        }
        Ok(Err(error)) => return Check::error("DNS", name, format!("no address: {error}")).advise(resolver),
        Ok(Ok(addresses)) => addresses.collect(),
    };
    if addresses.is_empty() {
        return Check::error("DNS", name, "no address").advise(resolver);
    }
    let mut shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    shown.dedup();
    let more = shown.len().saturating_sub(4);
    shown.truncate(4);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let seen = format!("{}{more}, after {} ms", shown.join(", "), took.as_millis());
    if took > SLOW_LOOK_UP {
        let advice = "the first name server in `/etc/resolv.conf` may be dead";
        return Check::warning("DNS", name, seen).advise(advice);
    }
    Check::ok("DNS", name, seen)
}

fn of_certificates(end: &tls::End, host: &str, now: Timestamp) -> Check {
    let from = match &end.root {
        Some((root, place)) => format!("its chain ends in {root}, from {place}"),
        None => format!("signed by {}, whom this system trusts", end.signer),
    };
    let Some(until) = end.until else { return Check::ok("TLS", host, from) };
    let seen = format!("{from}; its certificate ends on {}", until.strftime("%Y-%m-%d"));
    if now.duration_until(until) < SOON {
        return Check::warning("TLS", host, seen).advise("have whoever runs the server renew it");
    }
    Check::ok("TLS", host, seen)
}

/// How far the server is ahead of this machine.
pub(super) fn of_clock(host: &str, ahead: SignedDuration) -> Check {
    let apart = ahead.abs();
    let words = if apart < SignedDuration::from_secs(2) {
        "as the server's".to_owned()
    } else {
        let way = if ahead.is_positive() { "behind" } else { "ahead of" };
        format!("{} {way} the server's", length(apart))
    };
    let seen = format!("this machine's clock is {words}");
    let advice = Advice::from("set it: `timedatectl set-ntp true`, or the host's clock of a virtual machine");
    if apart > CLOCK_SLACK {
        Check::error("clock", host, seen).advise(advice)
    } else if apart > NOTICEABLE {
        Check::warning("clock", host, seen).advise(advice)
    } else {
        Check::ok("clock", host, seen)
    }
}

fn length(time: SignedDuration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} seconds"),
        seconds @ 120..7200 => format!("{} minutes", seconds / 60),
        seconds @ 7200..172_800 => format!("{} hours", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::Verdict;
    use super::of_clock;

    #[test]
    fn clocks_are_judged_by_how_far_they_are_apart() {
        for (ahead, verdict, words) in [
            (0, Verdict::Ok, "is as the server's"),
            (-1, Verdict::Ok, "is as the server's"),
            (30, Verdict::Ok, "30 seconds behind the server's"),
            (61, Verdict::Warning, "61 seconds behind the server's"),
            (-180, Verdict::Warning, "3 minutes ahead of the server's"),
            (301, Verdict::Error, "5 minutes behind the server's"),
            (-4 * 365 * 86_400, Verdict::Error, "1460 days ahead of the server's"),
        ] {
            let check = of_clock("x", SignedDuration::from_secs(ahead));
            assert_eq!(check.verdict, verdict, "{ahead}");
            assert!(check.seen.ends_with(words), "{}", check.seen);
            assert_eq!(check.advice.is_empty(), verdict == Verdict::Ok);
        }
    }
}
