//! The names under which a demo server may be addressed.
//!
//! A web page elsewhere can point its own name at 127.0.0.1 and would then be the same origin (DNS rebinding). It cannot
//! change the `Host` that browsers send.

use std::net::IpAddr;

use hyper::http::uri::Authority;

/// Decides about the `Host` of requests to one server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hosts {
    is_loopback: bool,
    port: u16,
}

impl Hosts {
    pub(super) fn new(listen: IpAddr, port: u16) -> Self {
        Self { is_loopback: listen.is_loopback(), port }
    }

    /// Tells whether `host` names this server. Away from loopback any literal address does: none can be rebound.
    pub(super) fn allow(self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        if host.contains('@') {
            return false;
        }
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        let address = name.parse::<IpAddr>().ok();
        let is_own_name =
            name.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback());
        let is_own = is_own_name && authority.port_u16().unwrap_or(80) == self.port;
        is_own || (!self.is_loopback && address.is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::Hosts;

    #[test]
    fn a_loopback_server_answers_to_its_own_addresses_only() {
        let hosts = Hosts::new(Ipv4Addr::LOCALHOST.into(), 9101);
        for own in ["127.0.0.1:9101", "localhost:9101", "LocalHost:9101", "[::1]:9101"] {
            assert!(hosts.allow(own), "{own}");
        }
        for foreign in
            ["127.0.0.1", "127.0.0.1:9102", "evil.example:9101", "192.0.2.1:9101", "x@127.0.0.1:9101", "", "localhost"]
        {
            assert!(!hosts.allow(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_server_on_the_network_answers_to_addresses_but_to_no_foreign_name() {
        let hosts = Hosts::new(Ipv4Addr::UNSPECIFIED.into(), 9101);
        assert!(hosts.allow("192.0.2.7:9101"));
        assert!(hosts.allow("[2001:db8::7]:9101"));
        assert!(hosts.allow("localhost:9101"));
        assert!(!hosts.allow("evil.example:9101"));
    }
}
