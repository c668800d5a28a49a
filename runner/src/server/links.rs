//! Addresses under which a server can be opened: where it listens everywhere, `0.0.0.0` leads nowhere for a person.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Addresses of documentation: nobody is there, but the way to them begins at this machine's own address.
const FAR_IPV4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const FAR_IPV6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// What to open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Links {
    /// From this machine.
    pub here: SocketAddr,
    /// From other machines, where that is another address and known.
    pub elsewhere: Option<SocketAddr>,
}

impl Links {
    /// The addresses of a server that listens at `address`.
    pub fn to(address: SocketAddr) -> Self {
        if !address.ip().is_unspecified() {
            return Self { here: address, elsewhere: None };
        }
        let (loopback, far) = match address.ip() {
            IpAddr::V4(_) => (IpAddr::V4(Ipv4Addr::LOCALHOST), FAR_IPV4),
            IpAddr::V6(_) => (IpAddr::V6(Ipv6Addr::LOCALHOST), FAR_IPV6),
        };
        let at = |ip| SocketAddr::new(ip, address.port());
        Self { here: at(loopback), elsewhere: own_address(address.ip(), far).map(at) }
    }
}

/// This machine's address on the way to another. Connecting a UDP socket asks for the way and sends nothing.
fn own_address(any: IpAddr, far: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((far, 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_opened_where_it_listens_and_one_everywhere_on_loopback() {
        for (listens, here) in [
            ("127.0.0.1:7878", "127.0.0.1:7878"),
            ("10.1.2.3:80", "10.1.2.3:80"),
            ("0.0.0.0:7878", "127.0.0.1:7878"),
            ("[::]:7878", "[::1]:7878"),
        ] {
            let links = Links::to(listens.parse().unwrap());
            assert_eq!(links.here, here.parse().unwrap(), "{listens}");
            let elsewhere = links.elsewhere.map(|address| address.ip());
            assert!(elsewhere.is_none_or(|ip| !ip.is_loopback() && !ip.is_unspecified()), "{elsewhere:?}");
        }
        let own = Links::to(([10, 1, 2, 3], 80).into());
        assert_eq!(own.elsewhere, None);
    }
}
