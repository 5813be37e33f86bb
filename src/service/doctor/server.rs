//! The servers that profiles need: the way to them, their names, their certificates, their clocks. Each is sent one request
//! without a token or a client.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::super::tokens::ends::CLOCK_SLACK;
use super::super::{Service, home_data_center, issuing_data_center, transport_error};
use super::{Check, LOOK, Patient, Subject, Verdict, limited, within};
use crate::aside::aside;
use crate::clock::{self, Moment};
use crate::config::{Profile, ProviderSource};
use crate::error::Advice;
use crate::http::client::ProxyChoice;
use crate::http::{Chain, Link, Method, Request, TransportFailure, tls};
use crate::words::duration;

/// Looking a name up takes milliseconds, unless the first name server is dead.
const LOOK_UP: Duration = Duration::from_secs(3);
const SLOW_LOOK_UP: Duration = Duration::from_secs(1);
/// Connecting, TLS and the answer.
const ANSWER: Duration = Duration::from_secs(5);

const SET_CLOCK: &str = if cfg!(target_os = "linux") {
    "set it: `timedatectl set-ntp true`, or the host's clock of a virtual machine"
} else {
    "have the system set it by a time server, or set the host's clock of a virtual machine"
};

/// Who looks names up.
const RESOLVER: &str = if cfg!(unix) { "`/etc/resolv.conf`" } else { "the settings of the network" };

/// From here on a clock is wrong, though not yet so that anything fails.
const NOTICEABLE: SignedDuration = SignedDuration::from_secs(60);

/// Certificates that are renewed by a program have more time left than this.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A server that some profile needs.
struct Server(Url);

impl Patient {
    /// Looks at the servers of the profiles that are meant, each once.
    pub(super) async fn check_servers(&self, end: Moment) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut servers: Vec<Server> = Vec::new();
        for profile in self.profiles() {
            for url in self.addresses(profile, &mut checks).await {
                if !servers.iter().any(|Server(known)| known.origin() == url.origin()) {
                    servers.push(Server(url));
                }
            }
        }
        let more = limited(&mut servers, Subject::Connection, "server", "name a profile to look at its servers");
        let looked_at = servers.into_iter().map(|server| async move {
            let host = server.host();
            within(end, Subject::Connection, &host, server.check(&self.service, self.ca_certificate.as_deref())).await
        });
        checks.extend(together(join_all(looked_at).await));
        checks.extend(more);
        checks
    }

    async fn addresses(&self, profile: &Profile, checks: &mut Vec<Check>) -> Vec<Url> {
        let Ok(source) = self.service.config.provider(profile) else { return Vec::new() };
        let Some(provider) = source.known() else {
            let issuer = if let ProviderSource::Discovered(server) = source { server.issuer_url() } else { None };
            return issuer.into_iter().collect();
        };
        // Opened for one profile only, since there may be thousands of records.
        let grant = if self.profile.is_some() {
            let opened = clock::within(LOOK, Box::pin(self.service.grant(profile))).await;
            if opened.is_none() {
                let seen = format!("not read within {}, so those of the configuration are asked", duration(LOOK));
                let check =
                    Check::warning(Subject::Connection, profile.name.as_str(), format!("its servers were {seen}"));
                checks.push(check.advise("see what the lines of the store say"));
            }
            opened.and_then(Result::ok)
        } else {
            None
        };
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
    fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    async fn check(self, service: &Service, ca_certificate: Option<&Path>) -> Vec<Check> {
        let host = self.host();
        let choice = match service.http.proxy_for(&self.0) {
            Ok(choice) => choice,
            Err(failure) => return vec![failed(Subject::Proxy, &host, &failure)],
        };
        let mut checks = Vec::new();
        checks.extend(of_proxy(&choice, &host));
        let asked = choice.proxy.as_ref().unwrap_or(&self.0);
        let name = asked.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if name.parse::<IpAddr>().is_err() {
            let mut looked_up = look_up(&name, asked.port_or_known_default().unwrap_or(443)).await;
            if let (Some(variable), Some(_), Verdict::Error) = (choice.named_by, &choice.proxy, looked_up.verdict) {
                looked_up.seen = format!("{}; `{variable}` names it as the proxy", looked_up.seen);
                looked_up.advice = vec![format!("correct `{variable}`, or unset it").into()];
            }
            let is_known = looked_up.verdict < Verdict::Error;
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
                let mut check = failed(Subject::Tls, host, &failure);
                check.seen.extend(shown.as_deref().and_then(tls::words_of_shown).map(|words| format!("; {words}")));
                return vec![check];
            }
            Err(failure @ TransportFailure::Proxy(..)) => return vec![failed(Subject::Proxy, host, &failure)],
            Err(failure) => return vec![failed(Subject::Connection, host, &failure)],
        };
        let secure = if self.0.scheme() == "https" { "" } else { ", without TLS, on this machine only" };
        let seen = format!("HTTP {} after {} ms{secure}", response.status, took.as_millis());
        checks.push(Check::ok(Subject::Connection, host, seen));
        if let Some(shown) = shown {
            let added = ca_certificate.map(Path::to_owned);
            let chain = aside(move || Chain::of(&shown, &tls::trusted(added.as_deref()))).await;
            checks.push(of_chain(&chain, host, now));
        }
        // The answer was made about half-way between.
        let made = response.date().map(|date| (date, clock::earlier(now, took / 2)));
        checks.extend(made.map(|(date, then)| of_clock(host, then.duration_until(date))));
        checks
    }
}

/// What was seen of all servers, with each name once; where none has an address, in one line, since that is one trouble.
fn together(servers: Vec<Vec<Check>>) -> Vec<Check> {
    let is_name = |check: &Check| check.subject == Subject::Dns;
    let is_unknown =
        |checks: &Vec<Check>| checks.last().is_some_and(|last| is_name(last) && last.verdict == Verdict::Error);
    let are_all_unknown = servers.iter().all(is_unknown);
    let mut together: Vec<Check> = Vec::new();
    for check in servers.into_iter().flatten() {
        let has = |known: &Check| known.about.split(", ").any(|name| name == check.about);
        let tells_the_same = |known: &&mut Check| is_name(known) && (are_all_unknown || has(known));
        match together.iter_mut().filter(|_| is_name(&check)).find(tells_the_same) {
            None => together.push(check),
            Some(known) if has(known) => {}
            Some(known) => known.about = format!("{}, {}", known.about, check.about),
        }
    }
    together
}

fn failed(subject: Subject, host: &str, failure: &TransportFailure) -> Check {
    let error = transport_error("", failure);
    Check { seen: failure.to_string(), ..Check::failed(subject, host, &error) }
}

/// Whether somebody stands in between, where a variable speaks of that.
fn of_proxy(choice: &ProxyChoice, host: &str) -> Option<Check> {
    let named_by = choice.named_by?;
    Some(match (&choice.proxy, choice.exempted_by) {
        (Some(proxy), _) => Check::ok(Subject::Proxy, host, format!("through {proxy}, which `{named_by}` names")),
        (None, Some(exempted_by)) => {
            Check::ok(Subject::Proxy, host, format!("directly, since `{exempted_by}` exempts it"))
        }
        (None, None) => Check::ok(Subject::Proxy, host, format!("directly: `{named_by}` is for `https` only")),
    })
}

/// A database is asked directly, whatever proxy there is for others.
pub(super) fn of_database(service: &Service) -> Option<Check> {
    let address = Url::parse("postgres://database").ok()?;
    of_proxy(&service.http.proxy_for(&address).ok()?, "PostgreSQL")
}

async fn look_up(name: &str, port: u16) -> Check {
    let begun = clock::now();
    let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((name, port))).await;
    let took = clock::now() - begun;
    let resolver = format!("check the name, the network and {RESOLVER}");
    let addresses: Vec<SocketAddr> = match found {
        Err(_) => {
            let seen = format!("no answer within {}", duration(LOOK_UP));
            return Check::error(Subject::Dns, name, seen).advise(resolver);
        }
        Ok(Err(error)) => return Check::error(Subject::Dns, name, format!("no address: {error}")).advise(resolver),
        Ok(Ok(addresses)) => addresses.collect(),
    };
    if addresses.is_empty() {
        return Check::error(Subject::Dns, name, "no address").advise(resolver);
    }
    let mut shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    shown.dedup();
    let more = shown.len().saturating_sub(4);
    shown.truncate(4);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let seen = format!("{}{more}, after {} ms", shown.join(", "), took.as_millis());
    if took > SLOW_LOOK_UP {
        let advice = format!("the first name server in {RESOLVER} may be dead");
        return Check::warning(Subject::Dns, name, seen).advise(advice);
    }
    Check::ok(Subject::Dns, name, seen)
}

/// Whom a chain ends in, and when each of its certificates ends.
pub(super) fn of_chain(chain: &Chain, host: &str, now: Timestamp) -> Check {
    let check = Check::ok(Subject::Tls, host, chain.to_string());
    let ends_soon = |link: &Link| link.until.is_some_and(|until| now.duration_until(until) < SOON);
    // Whoever trusts a root does so whatever its certificate says, but others may not.
    let (shown, root) = chain.links.split_at(chain.links.len().saturating_sub(chain.root_from.is_some().into()));
    match (shown.iter().any(ends_soon), root.iter().any(ends_soon), &chain.root_from) {
        (false, true, Some(place)) => {
            Check { verdict: Verdict::Warning, ..check }.advise(format!("add what takes the place of it to {place}"))
        }
        (false, ..) => check,
        (true, ..) => Check { verdict: Verdict::Warning, ..check }.advise("have whoever runs the server renew it"),
    }
}

/// How far the server is ahead of this machine.
pub(super) fn of_clock(host: &str, ahead: SignedDuration) -> Check {
    let apart = ahead.abs();
    let words = if apart < SignedDuration::from_secs(2) {
        "as the server's".to_owned()
    } else {
        let way = if ahead.is_positive() { "behind" } else { "ahead of" };
        format!("{} {way} the server's", duration(apart.unsigned_abs()))
    };
    let seen = format!("this machine's clock is {words}");
    let advice = Advice::from(SET_CLOCK);
    if apart > CLOCK_SLACK {
        Check::error(Subject::Clock, host, seen).advise(advice)
    } else if apart > NOTICEABLE {
        Check::warning(Subject::Clock, host, seen).advise(advice)
    } else {
        Check::ok(Subject::Clock, host, seen)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::super::Verdict;
    use super::{Chain, Link, of_chain, of_clock};

    #[test]
    fn chains_are_judged_by_the_first_certificate_that_ends() {
        let now = Timestamp::constant(1_800_000_000, 0);
        for (days, root_from, verdict, advice) in [
            (&[15, 15, 15][..], Some("here"), Verdict::Ok, None),
            (&[13, 15, 15], Some("here"), Verdict::Warning, Some("renew it")),
            (&[15, 13, 15], Some("here"), Verdict::Warning, Some("renew it")),
            (&[15, 15, -3], Some("here"), Verdict::Warning, Some("takes the place of it to here")),
            (&[13, 15, 13], Some("here"), Verdict::Warning, Some("renew it")),
            (&[13], Some("here"), Verdict::Warning, Some("takes the place of it to here")),
            (&[15, 15], None, Verdict::Ok, None),
            (&[15, 13], None, Verdict::Warning, Some("renew it")),
            (&[], None, Verdict::Ok, None),
        ] {
            let until = |days: &i64| Some(now + SignedDuration::from_hours(days * 24));
            let links = days.iter().map(|days| Link { name: "x".to_owned(), until: until(days) }).collect();
            let chain = Chain { links, root_from: root_from.map(str::to_owned), signer: "y".to_owned() };
            let check = of_chain(&chain, "h", now);
            assert_eq!(check.verdict, verdict, "{days:?}");
            let said = format!("{:?}", check.advice);
            assert!(check.advice.is_empty() == advice.is_none() && said.contains(advice.unwrap_or("")), "{said}");
        }
    }

    #[test]
    fn clocks_are_judged_by_how_far_they_are_apart() {
        for (ahead, verdict, words) in [
            (0, Verdict::Ok, "is as the server's"),
            (-1, Verdict::Ok, "is as the server's"),
            (30, Verdict::Ok, "30 seconds behind the server's"),
            (61, Verdict::Warning, "61 seconds behind the server's"),
            (-180, Verdict::Warning, "3 minutes ahead of the server's"),
            (301, Verdict::Error, "5 minutes behind the server's"),
            (-4 * 365 * 86_400, Verdict::Error, "1,460 days ahead of the server's"),
        ] {
            let check = of_clock("x", SignedDuration::from_secs(ahead));
            assert_eq!(check.verdict, verdict, "{ahead}");
            assert!(check.seen.ends_with(words), "{}", check.seen);
            assert_eq!(check.advice.is_empty(), verdict == Verdict::Ok);
        }
    }
}
