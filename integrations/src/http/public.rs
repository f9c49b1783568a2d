//! Reads an address that came in somebody's answer: a log's, an artifact's.
//!
//! Such an address is hostile: it may name a host inside, the machine's metadata, or a name that points there
//! now and then. What holds: only `https` on its usual port to an address of the open internet is connected to;
//! what a name stands for is judged by the very addresses that the connection is made to; no credentials are
//! sent; each redirect is judged like the first address. The exception is the service's own origin as the operator
//! wrote it, which may be anywhere; [`super::api::Api`] reads that.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::LOCATION;

use super::api::{Called, Failure, Refused};
use super::{Answered, Broken, exchange};
use crate::clock::SharedClock;

/// So many redirects are followed.
const REDIRECTS: usize = 3;

/// Reads public addresses and nothing else.
#[derive(Clone)]
pub struct Public {
    http: reqwest::Client,
    clock: SharedClock,
}

impl Public {
    /// A reader that looks names up as the machine does.
    ///
    /// # Errors
    /// TLS could not be set up.
    pub fn new(clock: SharedClock) -> Result<Public, String> {
        Public::with(clock, Arc::new(System))
    }

    /// A reader with its own way of looking names up, which is filtered like any other.
    ///
    /// # Errors
    /// TLS could not be set up.
    #[expect(clippy::disallowed_methods, reason = "a client that refuses addresses inside is built here alone")]
    pub fn with(clock: SharedClock, names: Arc<dyn Lookup>) -> Result<Public, String> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("Muster/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(std::time::Duration::from_secs(5))
            .no_proxy()
            .dns_resolver(Arc::new(Filtered(names)))
            .build()
            .map_err(|error| format!("the HTTP client can't be built: {}", error.without_url()))?;
        Ok(Public { http, clock })
    }

    /// Reads what stands at `address`.
    ///
    /// # Errors
    /// [`Refused::NotAllowed`] where it may not be reached; nothing was sent then.
    pub async fn read(&self, address: &str) -> Called<Answered> {
        let mut url = Url::parse(address).map_err(|_| not_allowed("it is no URL"))?;
        check(&url)?;
        for _ in 0..=REDIRECTS {
            let answered = match exchange(self.clock.as_ref(), self.http.get(url.clone())).await {
                Ok(answered) => answered,
                // The filter's refusal comes as a failure to connect.
                Err(Broken::NotSent(why) | Broken::Lost(why)) if why.contains(INSIDE) => {
                    return Err(not_allowed(INSIDE));
                }
                Err(Broken::NotSent(why) | Broken::Lost(why)) => return Err(Failure::transient(why)),
                Err(Broken::TooLong(why)) => return Err(Failure::refused(Refused::TooLong, why)),
            };
            match answered.status {
                200..=299 => return Ok(answered),
                301 | 302 | 303 | 307 | 308 => {
                    let next = answered.headers.get(LOCATION).and_then(|value| value.to_str().ok());
                    url = follow(&url, next)?;
                }
                404 | 410 => return Err(Failure::refused(Refused::NotFound, "it is not there any more")),
                429 | 500.. => return Err(Failure::transient(format!("status {}", answered.status))),
                status => return Err(Failure::refused(Refused::Malformed, format!("status {status}"))),
            }
        }
        Err(not_allowed("there are too many redirects"))
    }
}

/// Where a redirect leads, if that may be asked for.
fn follow(from: &Url, location: Option<&str>) -> Called<Url> {
    let next = location.and_then(|location| from.join(location).ok());
    let next = next.ok_or_else(|| not_allowed("a redirect leads nowhere"))?;
    check(&next)?;
    Ok(next)
}

const INSIDE: &str = "the address is not one of the open internet";

fn not_allowed(why: &str) -> Failure {
    Failure::refused(Refused::NotAllowed, format!("the address was not read: {why}"))
}

/// Whether an address may be asked for, as far as it can be told before its name is looked up.
fn check(url: &Url) -> Called<()> {
    if url.scheme() != "https" || url.port_or_known_default() != Some(443) {
        return Err(not_allowed("only https on its usual port is read"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(not_allowed("it holds a name or password"));
    }
    match url.host() {
        Some(url::Host::Ipv4(address)) if is_public(address.into()) => Ok(()),
        Some(url::Host::Ipv6(address)) if is_public(address.into()) => Ok(()),
        // A name without a dot is one inside, with or without the one at the end that stands for the root.
        Some(url::Host::Domain(name)) if name.trim_end_matches('.').contains('.') => Ok(()),
        _ => Err(not_allowed(INSIDE)),
    }
}

/// Looks a name up.
pub trait Lookup: Send + Sync {
    /// The addresses of `name`.
    fn lookup(&self, name: String) -> std::pin::Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;
}

struct System;

impl Lookup for System {
    fn lookup(&self, name: String) -> std::pin::Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 443)).await?.map(|address| address.ip()).collect()) })
    }
}

/// Lets through only names all of whose addresses are public: one that has both kinds is up to something.
struct Filtered(Arc<dyn Lookup>);

impl Resolve for Filtered {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.lookup(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await?;
            if found.is_empty() || !found.iter().all(|address| is_public(*address)) {
                return Err(INSIDE.into());
            }
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// Whether an address is one of the open internet: none of IANA's special-purpose registries
/// (RFC 6890 and its successors), also not through a form of IPv6 that carries an IPv4 address.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        // Azure's metadata and name service, which is in no registry.
        || address == Ipv4Addr::new(168, 63, 129, 16))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Only global unicast (2000::/3), and of that none of the special parts: Teredo and its neighbours (2001::/23),
    // documentation (2001:db8::/32, 3fff::/20), 6to4 (2002::/16).
    (0x2000..0x4000).contains(&segments[0])
        && !(segments[0] == 0x2001 && segments[1] < 0x0200)
        && !(segments[0] == 0x2001 && segments[1] == 0x0db8)
        && !(segments[0] == 0x3fff && segments[1] < 0x1000)
        && segments[0] != 0x2002
}

#[cfg(test)]
mod tests;
