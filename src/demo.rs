//! The built-in demo: a stand-in for Zoho's accounts servers and APIs in two data centers, with a real approval page.
//!
//! [`Demo`] starts and stops the servers. What they know is in `accounts`, a plain state machine; `server` and the modules
//! beside it are thin HTTP. Everything is made up at the start and gone at the end: no file is touched.

mod accounts;
mod apis;
mod exchange;
mod hosts;
mod listener;
mod oauth;
mod pages;
mod parameters;
mod random;
mod server;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::accounts::{Accounts, DataCenter, Person, TokenKind};
use self::hosts::Hosts;
use self::listener::BoundedListener;
use self::server::{Shared, Site};
use crate::clock;

/// How to start a [`Demo`].
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen at. Anything but loopback lets the whole network in.
    pub listen: IpAddr,
    /// The port of the `us` data center, 0 for any; `eu` takes any.
    pub port: u16,
    /// How long a device has to wait between two polls.
    pub interval: Duration,
    pub code_lifetime: Duration,
    /// How long an access token is valid.
    pub token_lifetime: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            interval: Duration::from_secs(5),
            code_lifetime: Duration::from_secs(300),
            token_lifetime: Duration::from_secs(3600),
        }
    }
}

/// Where a [`Demo`] answers, and the client that it knows. Serializes to the line that `demo --serve` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Addresses {
    /// Of the data center in which the client is registered, as is `api_domain`.
    pub accounts_server: String,
    pub api_domain: String,
    pub client_id: String,
    /// No secret to keep: it opens nothing but this demo, until the demo ends.
    pub client_secret: String,
    /// Where a person types the code.
    pub approval_page: String,
    /// Where a person gets a code by hand, in the data center of `accounts_server`; the other has such a page too.
    pub self_client_page: String,
    pub data_centers: DataCenters,
}

/// The addresses of both data centers.
#[derive(Clone, Debug, Serialize)]
pub struct DataCenters {
    pub us: DataCenterAddresses,
    pub eu: DataCenterAddresses,
}

/// The addresses of one data center.
#[derive(Clone, Debug, Serialize)]
pub struct DataCenterAddresses {
    pub accounts_server: String,
    pub api_domain: String,
}

/// What the demo person says to a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Approves as the person whose account lives where the client is registered.
    Approve,
    /// Approves as the person whose account lives in the other data center, so that the poll answers `other_dc`.
    ApproveFromOtherDataCenter,
    Decline,
}

/// The running servers. They stop when this is dropped.
pub struct Demo {
    shared: Arc<Shared>,
    /// Its end tells the servers to stop.
    _running: watch::Sender<()>,
}

impl Demo {
    /// Starts both data centers' servers on the current tokio runtime. Fails where an address cannot be listened at, and where
    /// the system gives no random numbers, since all codes and tokens would be alike.
    pub async fn start(options: Options) -> io::Result<Demo> {
        let _: [u8; 1] = crate::random::bytes()?;
        let us = listeners(options.listen, options.port).await?;
        let eu = listeners(options.listen, 0).await?;
        let (us_port, eu_port) = (us[0].local_addr()?.port(), eu[0].local_addr()?.port());
        let accounts = Accounts::new(options.interval, options.code_lifetime, options.token_lifetime);
        let addresses = addresses(options.listen, us_port, eu_port, &accounts);
        let shared = Arc::new(Shared::new(accounts, addresses));
        let (running, stopped) = watch::channel(());
        let us = us.into_iter().map(|listener| (DataCenter::Us, listener, us_port));
        let eu = eu.into_iter().map(|listener| (DataCenter::Eu, listener, eu_port));
        for (data_center, listener, port) in us.chain(eu) {
            let site = Site::new(data_center, Hosts::new(options.listen, port), Arc::clone(&shared));
            let answer = move |request| server::answer(site.clone(), request);
            tokio::spawn(BoundedListener::new(listener).serve(answer, stopped.clone()));
        }
        Ok(Demo { shared, _running: running })
    }

    pub fn addresses(&self) -> &Addresses {
        &self.shared.addresses
    }

    /// Gives a refresh token as if the person of the decision had approved these scopes before, whose first access token lives
    /// for `first_lifetime`. `None` where nobody would have: who declines, or is asked for scopes that do not exist.
    pub fn grant(&self, decision: Decision, scopes: &[&str], first_lifetime: Duration) -> Option<String> {
        let person = decision.person()?;
        self.shared.accounts().grant(person, scopes, first_lifetime, clock::now()).ok()
    }

    /// Ends a grant as its person would on the provider's page. Tells whether there was one.
    pub fn end(&self, decision: Decision, refresh_token: &str) -> bool {
        let person = decision.person();
        let at_home = |person: Person| {
            self.shared.accounts().revoke(person.home(), refresh_token, Some(TokenKind::Refresh), clock::now())
        };
        person.is_some_and(at_home)
    }

    /// Decides as the demo person at the keyboard. Tells whether a sign-in with this code was waiting for it.
    pub fn decide(&self, user_code: &str, decision: Decision) -> bool {
        self.shared.accounts().decide(user_code, decision, clock::now())
    }
}

/// Listens at `listen`, and on loopback in any case: programs here take plain `http` from nowhere else.
async fn listeners(listen: IpAddr, port: u16) -> io::Result<Vec<TcpListener>> {
    let first = TcpListener::bind((listen, port)).await?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    if !listen.is_loopback() && !listen.is_unspecified() {
        listeners.push(TcpListener::bind((loopback(listen), port)).await?);
    }
    Ok(listeners)
}

/// Programs on this machine are told loopback addresses; the page, which a phone may open, one that others reach.
fn addresses(listen: IpAddr, us_port: u16, eu_port: u16, accounts: &Accounts) -> Addresses {
    let here = if listen.is_loopback() { listen } else { loopback(listen) };
    let at = |port: u16| {
        let origin = format!("http://{}", SocketAddr::new(here, port));
        DataCenterAddresses { accounts_server: origin.clone(), api_domain: origin }
    };
    let home = at(us_port);
    let page = |path: &str| format!("http://{}{path}", SocketAddr::new(reachable(listen), us_port));
    Addresses {
        approval_page: page(pages::DEVICE),
        self_client_page: page(pages::SELF_CLIENT),
        accounts_server: home.accounts_server.clone(),
        api_domain: home.api_domain.clone(),
        client_id: accounts.client.id.clone(),
        client_secret: accounts.client.secret.clone(),
        data_centers: DataCenters { us: home, eu: at(eu_port) },
    }
}

fn loopback(listen: IpAddr) -> IpAddr {
    match listen {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}

/// An address under which others reach what listens at `listen`.
fn reachable(listen: IpAddr) -> IpAddr {
    if !listen.is_unspecified() {
        return listen;
    }
    let elsewhere = match listen {
        // Addresses for documentation (RFC 5737, RFC 3849). Connecting a UDP socket picks the route and sends nothing.
        IpAddr::V4(_) => IpAddr::from(Ipv4Addr::new(192, 0, 2, 1)),
        IpAddr::V6(_) => IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    };
    let own_address = || -> io::Result<IpAddr> {
        let socket = UdpSocket::bind((listen, 0))?;
        socket.connect((elsewhere, 9))?;
        Ok(socket.local_addr()?.ip())
    };
    own_address().unwrap_or_else(|_| loopback(listen))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::reachable;

    #[test]
    fn addresses_for_others_are_concrete() {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(reachable(here), here);
        assert!(!reachable(Ipv4Addr::UNSPECIFIED.into()).is_unspecified());
    }
}
