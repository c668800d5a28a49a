//! Names and addresses for clients that are not a run's own: those outside of this network only where that is allowed.

use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::transport::address::is_private;
use crate::transport::dial::Reach;

/// Finds addresses of names.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    reach: Reach,
}

impl Names {
    /// Names as far as this reach.
    pub fn new(reach: Reach) -> Self {
        Self { reach }
    }

    /// Refuses a host that is an address beyond the reach; names are looked at when they are asked for.
    ///
    /// # Errors
    ///
    /// Says which address.
    pub fn check(self, host: &str) -> Result<(), String> {
        match host.parse::<IpAddr>() {
            Ok(ip) if !self.reaches(ip) => Err(beyond(&ip.to_string())),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn reaches(self, ip: IpAddr) -> bool {
        self.reach == Reach::Anywhere || is_private(ip)
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let all: Vec<SocketAddr> = found.collect();
            let near: Vec<SocketAddr> = all.iter().copied().filter(|at| names.reaches(at.ip())).collect();
            if near.is_empty() && !all.is_empty() {
                return Err(beyond(name.as_str()).into());
            }
            let addresses: Addrs = Box::new(near.into_iter());
            Ok(addresses)
        })
    }
}

fn beyond(host: &str) -> String {
    format!("{host} lies outside this network and was not allowed (--allow-target)")
}
