//! Which requests go through a proxy, by the variables that curl and others read.
//!
//! What a variable holds is used or refused, since a request that silently went out directly would show its secrets to a
//! network that was not meant to carry them. A proxy's value may hold a password in any place, so no part of it is told
//! unless it was taken apart without a doubt. `HTTP_PROXY` is for plain `http`, which never leaves this machine, and whoever
//! asks a web server for a page can set it (httpoxy): it is not read.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv6Addr};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::HeaderValue;
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::http::ProxyVariables;

/// Where the proxy for `https` is looked for; the first that is not empty counts.
const PROXY_VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const EXEMPT_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxy for `https`, if there is one, and for whom it is not.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    proxy: Option<Proxy>,
    exempt: Vec<Exempt>,
    exempted_by: Option<&'static str>,
}

/// A proxy, without its password.
#[derive(Debug)]
pub(super) struct Proxy {
    /// The variable that it is from.
    pub(super) named_by: &'static str,
    pub(super) address: Url,
    /// What it is to be told of who asks; marked as sensitive.
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxies {
    /// Reads the variables; the error names the one that cannot be used.
    pub(super) fn from_variables(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, String> {
        let Some((name, value)) = first_of(&PROXY_VARIABLES, variable)? else { return Ok(Self::default()) };
        let proxy = parse_proxy(name, &value).map_err(|problem| {
            // Nothing but a number hides no password.
            let number = value.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("is `{}`, and ", &*value));
            let number = number.unwrap_or_default();
            format!(
                "the variable `{name}` {number}{problem}; it is to read http://HOST:PORT or http://USER:PASSWORD@HOST:PORT"
            )
        })?;
        let exempted = first_of(&EXEMPT_VARIABLES, variable)?;
        let exempted_by = exempted.as_ref().map(|(name, _)| *name);
        let exempt = exempted.map(|(_, list)| parse_exempt(&list)).unwrap_or_default();
        Ok(Self { proxy: Some(proxy), exempt, exempted_by })
    }

    /// Who is asked instead of the server at `url`.
    pub(super) fn between(&self, url: &Url) -> Option<&Proxy> {
        let is_exempt = || self.exempt.iter().any(|exempt| exempt.covers(url));
        self.proxy.as_ref().filter(|_| url.scheme() == "https" && !is_exempt())
    }

    /// The same, with the variables that say so.
    pub(super) fn through(&self, url: &Url) -> Option<(&Proxy, ProxyVariables)> {
        let exempted_by = self.exempted_by.unwrap_or("NO_PROXY");
        self.between(url).map(|proxy| (proxy, ProxyVariables { named_by: proxy.named_by, exempted_by }))
    }

    /// The variable that says who is asked directly.
    pub(super) fn exempted_by(&self) -> Option<&'static str> {
        self.exempted_by
    }

    pub(super) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }
}

/// The first variable with a value, and that without the white space around it.
fn first_of(
    names: &[&'static str],
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<(&'static str, Zeroizing<String>)>, String> {
    for name in names {
        let Some(value) = variable(name) else { continue };
        let value = value.into_string().map(Zeroizing::new);
        let value = value.map_err(|_| format!("the variable `{name}` is no text in UTF-8"))?;
        if !value.trim().is_empty() {
            return Ok(Some((name, Zeroizing::new(value.trim().to_owned()))));
        }
    }
    Ok(None)
}

/// Takes a proxy's address apart. What cannot be used is refused by a clause that tells nothing of it.
fn parse_proxy(named_by: &'static str, value: &str) -> Result<Proxy, &'static str> {
    const QUOTES: [char; 7] = ['"', '\'', '`', '“', '”', '‘', '’'];
    if value.starts_with(QUOTES) || value.ends_with(QUOTES) {
        return Err("stands in quotation marks, which are to be taken away");
    }
    if value.contains(char::is_control) {
        return Err("holds a line end or another control character");
    }
    let (scheme, rest) = split_scheme(value);
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "" | "http" => "http",
        "https" => "https",
        socks if socks.starts_with("socks") => return Err("names a SOCKS proxy, and SOCKS is not supported"),
        _ => return Err("has a scheme other than `http` and `https`"),
    };
    // A password may hold any character, if nobody has encoded it: the last `@` ends it.
    let (user, server) = rest.rsplit_once('@').map_or((None, rest), |(user, server)| (Some(user), server));
    let (server, path) = server.split_at(server.find(['/', '?', '#', '\\']).unwrap_or(server.len()));
    if !matches!(path, "" | "/") {
        return Err("has something behind the host and the port, where a proxy has nothing");
    }
    let address = parse_server(scheme, server)?;
    let authorization = user.filter(|user| !user.is_empty()).map(authorization).transpose()?;
    Ok(Proxy { named_by, address, authorization })
}

/// The scheme, if there is one: a user's name never is, and a password with `://` in it has a `:` before.
fn split_scheme(value: &str) -> (&str, &str) {
    let is_scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || ['+', '-', '.'].contains(&c));
    value.split_once("://").filter(|(scheme, _)| is_scheme(scheme)).unwrap_or(("", value))
}

fn parse_server(scheme: &str, server: &str) -> Result<Url, &'static str> {
    let port_begins = server.rfind(':').filter(|&colon| !server[colon..].contains(']'));
    let (host, port) = server.split_at(port_begins.unwrap_or(server.len()));
    let port = port.strip_prefix(':').unwrap_or_default();
    if host.is_empty() {
        return Err("names no host");
    }
    if host.contains(':') && !host.starts_with('[') {
        return Err("has no valid host name (an IPv6 address stands in brackets)");
    }
    let written = host;
    let host = Host::parse(host).map_err(|_| "has no valid host name")?;
    // Browsers take a number for an address; people mean a port.
    if matches!(host, Host::Ipv4(_)) && !written.contains('.') {
        return Err("has a number in place of a host");
    }
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    if !port.is_empty() && !is_port {
        return Err("has a port that is no number from 1 to 65535");
    }
    let colon = if port.is_empty() { "" } else { ":" };
    Url::parse(&format!("{scheme}://{host}{colon}{port}")).map_err(|_| "has no valid host name")
}

/// Who asks, as HTTP Basic (RFC 7617).
fn authorization(user: &str) -> Result<HeaderValue, &'static str> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let (name, password) = (percent_decoded(name), percent_decoded(password));
    if name.contains(&b':') {
        return Err("has a `:` in its user name, which cannot be sent");
    }
    if name.iter().chain(password.iter()).any(u8::is_ascii_control) {
        return Err("has a control character in its user name or password");
    }
    let pair = Zeroizing::new([name.as_slice(), b":", password.as_slice()].concat());
    let words = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(pair.as_slice())));
    let mut value = HeaderValue::from_str(&words).map_err(|_| "has a user name that cannot be sent")?;
    value.set_sensitive(true);
    Ok(value)
}

/// A `%` without two digits behind it stands for itself.
fn percent_decoded(text: &str) -> Zeroizing<Vec<u8>> {
    let digit = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Zeroizing::new(Vec::new()), 0);
    while let Some(&byte) = bytes.get(at) {
        let pair = digit(bytes.get(at + 1)).zip(digit(bytes.get(at + 2))).filter(|_| byte == b'%');
        let value = pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        decoded.push(value.unwrap_or(byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    decoded
}

/// Servers that are asked directly.
#[derive(Debug, PartialEq)]
enum Exempt {
    All,
    /// A name and all below it, or only those below it; at one port or at each.
    Name {
        name: String,
        only_below: bool,
        port: Option<u16>,
    },
    /// The addresses whose first bits are these.
    Network {
        address: u128,
        bits: u32,
        port: Option<u16>,
    },
}

/// Commas and white space stand between the entries. One that names nobody exempts nobody.
fn parse_exempt(list: &str) -> Vec<Exempt> {
    list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty()).filter_map(exempt).collect()
}

fn exempt(entry: &str) -> Option<Exempt> {
    if entry == "*" {
        return Some(Exempt::All);
    }
    if let Some((address, bits)) = entry.split_once('/') {
        let address: IpAddr = unbracketed(address).parse().ok()?;
        let (longest, bits) = (if address.is_ipv4() { 32 } else { 128 }, bits.parse::<u32>().ok()?);
        let bits = (bits <= longest).then_some(bits + 128 - longest)?;
        return Some(Exempt::Network { address: number(address), bits, port: None });
    }
    if let Ok(address) = unbracketed(entry).parse::<IpAddr>() {
        return Some(Exempt::Network { address: number(address), bits: 128, port: None });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (entry, None),
    };
    if let Ok(address) = unbracketed(host).parse::<IpAddr>() {
        return Some(Exempt::Network { address: number(address), bits: 128, port });
    }
    let (name, only_below) = host.strip_prefix("*.").map_or((host, false), |below| (below, true));
    let name = name.trim_start_matches('.').trim_end_matches('.');
    match Host::parse(name).ok()? {
        Host::Domain(name) => Some(Exempt::Name { name: name.to_ascii_lowercase(), only_below, port }),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// An address of either family among those of IPv6.
fn number(address: IpAddr) -> u128 {
    let address = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    Ipv6Addr::to_bits(address)
}

impl Exempt {
    fn covers(&self, url: &Url) -> bool {
        let is_port = |port: &Option<u16>| port.is_none_or(|port| url.port_or_known_default() == Some(port));
        let asked = match url.host() {
            Some(Host::Ipv4(address)) => Ok(number(address.into())),
            Some(Host::Ipv6(address)) => Ok(number(address.into())),
            Some(Host::Domain(name)) => Err(name.trim_end_matches('.')),
            None => return false,
        };
        match (self, asked) {
            (Exempt::All, _) => true,
            (Exempt::Network { address, bits, port }, Ok(asked)) => {
                let differing = (address ^ asked).checked_shr(128 - bits).unwrap_or(0);
                differing == 0 && is_port(port)
            }
            (Exempt::Name { name, only_below, port }, Err(asked)) => {
                let before = asked.strip_suffix(name.as_str());
                let is_named = before.is_some_and(|before| before.ends_with('.') || (before.is_empty() && !only_below));
                is_named && is_port(port)
            }
            (Exempt::Network { .. }, Err(_)) | (Exempt::Name { .. }, Ok(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests;
