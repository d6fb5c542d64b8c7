//! Limit of parked requests, shared by all pools, and the switch that stops all of them. A parked request keeps its
//! connection open, and connections are limited.

use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU64,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// Address of a client as far as per-client limits count it: an IPv4 address, or an IPv6 network (/64), whose
/// addresses one client can have all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientAddress(NonZeroU64);

impl ClientAddress {
    /// Prefix of IPv4 addresses: in the IPv6 range of multicast, which is never a source address.
    const IPV4: u64 = 0xffff_ffff_0000_0000;
}

/// An IPv4-mapped IPv6 address is that IPv4 address.
impl From<IpAddr> for ClientAddress {
    fn from(ip: IpAddr) -> Self {
        let number = match ip.to_canonical() {
            IpAddr::V4(ip) => Self::IPV4 | u64::from(ip.to_bits()),
            IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64,
        };
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN)) // ::1 is the only address of its network
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.get() {
            number @ Self::IPV4.. => write!(f, "{}", Ipv4Addr::from_bits(number as u32)),
            number => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(number) << 64)),
        }
    }
}

/// How many requests may be parked at once, in all pools together.
#[derive(Debug)]
pub struct ParkingLimit {
    /// Total number of permits.
    permits: usize,
    /// Permits in use.
    taken: AtomicUsize,
    /// Permits one address may have while more than nine tenths are in use; 0: a tenth of all.
    share: AtomicUsize,
    /// Permits in use per address.
    by_address: Mutex<HashMap<ClientAddress, usize>>,
    /// Set when the server drains.
    closed: AtomicBool,
}

impl ParkingLimit {
    /// Creates a limit of `permits`.
    #[must_use]
    pub fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            permits,
            taken: AtomicUsize::new(0),
            share: AtomicUsize::new(0),
            by_address: Mutex::default(),
            closed: AtomicBool::new(false),
        })
    }

    /// Sets how many permits one address may have while more than nine tenths are in use; `None`: a tenth of all.
    pub fn set_share(&self, share: Option<usize>) {
        self.share.store(share.unwrap_or_default(), Ordering::Relaxed);
    }

    /// Rejects all requests from now on.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether [`ParkingLimit::close`] was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// A permit for a client at this address; `None` when all are in use, or the address has had its share. Without an
    /// address there is no share. Dropping the permit returns it.
    #[must_use]
    pub fn take(self: &Arc<Self>, address: Option<ClientAddress>) -> Option<ParkingPermit> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let permit = ParkingPermit { parking: Arc::clone(self), address };
        let own = address.map_or(0, |address| {
            let mut by_address = self.by_address();
            let own = by_address.entry(address).or_default();
            *own += 1;
            *own
        });
        let is_scarce = taken >= self.permits - self.permits / 10;
        (taken < self.permits && !(is_scarce && own > self.share())).then_some(permit)
    }

    fn share(&self) -> usize {
        match self.share.load(Ordering::Relaxed) {
            0 => (self.permits / 10).max(1),
            share => share,
        }
    }

    fn by_address(&self) -> MutexGuard<'_, HashMap<ClientAddress, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Right to keep one request parked.
#[derive(Debug)]
pub struct ParkingPermit {
    parking: Arc<ParkingLimit>,
    address: Option<ClientAddress>,
}

impl Drop for ParkingPermit {
    fn drop(&mut self) {
        self.parking.taken.fetch_sub(1, Ordering::Relaxed);
        let Some(address) = self.address else { return };
        let mut by_address = self.parking.by_address();
        if let Some(own) = by_address.get_mut(&address) {
            *own -= 1;
            if *own == 0 {
                by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(ip: &str) -> ClientAddress {
        ClientAddress::from(ip.parse::<IpAddr>().unwrap())
    }

    /// Permits for this address until it gets no more.
    fn fill(parking: &Arc<ParkingLimit>, ip: Option<&str>) -> Vec<ParkingPermit> {
        std::iter::from_fn(|| parking.take(ip.map(address))).collect()
    }

    #[test]
    fn an_address_is_an_ipv4_address_or_an_ipv6_network() {
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_eq!(address("192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(address("2001:db8::1").to_string(), "2001:db8::/64");
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:0:0:2"));
        let others = ["192.0.2.1", "192.0.2.2", "0.0.0.1", "::1", "2001:db8::1", "2001:db8:0:1::1"];
        for (index, one) in others.iter().enumerate() {
            assert!(others[..index].iter().all(|other| address(other) != address(one)), "{one}");
        }
    }

    #[test]
    fn an_address_has_a_share_of_the_last_tenth() {
        let parking = ParkingLimit::new(100);
        let first = fill(&parking, Some("192.0.2.1"));
        assert_eq!(first.len(), 90);

        let others = ["192.0.2.2", "2001:db8::1"].map(|ip| fill(&parking, Some(ip)));

        assert_eq!(others.map(|permits| permits.len()), [10, 0], "a tenth each, until all are taken");
        drop(first);
        assert_eq!(fill(&parking, Some("2001:db8::2")).len(), 90);
    }

    #[test]
    fn a_share_can_be_set_and_the_local_socket_has_none() {
        let parking = ParkingLimit::new(100);
        parking.set_share(Some(95));
        let mut permits = fill(&parking, Some("192.0.2.1"));
        assert_eq!(permits.len(), 95);

        parking.set_share(Some(1));
        permits.truncate(92);
        assert_eq!(fill(&parking, Some("192.0.2.1")).len(), 0);
        assert_eq!(fill(&parking, Some("192.0.2.2")).len(), 1);

        assert_eq!(fill(&parking, None).len(), 8);
        drop(permits);
        assert!(parking.by_address().is_empty(), "no address without a permit is remembered");
    }
}
