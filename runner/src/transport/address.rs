//! Where a target is: the parts of its URL that a connection needs.

use std::net::IpAddr;

use reqwest::Url;

/// How URLs begin, whether what they lead to is encrypted, and the port where they name none.
const SCHEMES: [(&str, bool, u16); 6] = [
    ("http", false, 80),
    ("https", true, 443),
    ("ws", false, 80),
    ("wss", true, 443),
    ("mqtt", false, 1883),
    ("mqtts", true, 8883),
];

/// A target's place on the network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    /// What it is written with: `http`, `wss`, `mqtt`.
    pub scheme: &'static str,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// Name or IP address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Name and port as the `Host` header writes them.
    pub authority: String,
    /// Path that every request's path is appended to; without a slash at its end.
    pub base_path: String,
}

impl Address {
    /// Takes apart the URL of a target: `http`, `ws` or `mqtt`, or one of these over TLS.
    ///
    /// # Errors
    ///
    /// Says in a sentence what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| format!("`{url}` is not a URL: {error}"))?;
        let known = SCHEMES.iter().find(|(scheme, ..)| *scheme == url.scheme());
        let Some(&(scheme, secure, usual_port)) = known else {
            let schemes = "http, https, ws, wss, mqtt or mqtts";
            return Err(format!("a target's URL starts with {schemes}, not {}://", url.scheme()));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL that holds a password would show up in logs and results; use `auth`".to_owned());
        }
        let written = url.host_str().ok_or_else(|| format!("`{url}` names no host"))?;
        let host = written.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port().unwrap_or(usual_port);
        let authority = match url.port() {
            Some(port) => format!("{written}:{port}"),
            None => written.to_owned(),
        };
        let base_path = url.path().trim_end_matches('/').to_owned();
        Ok(Self { scheme, secure, host, port, authority, base_path })
    }

    /// The address for people: scheme, host and port.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }
}

/// Whether traffic to this address stays on this machine or its own network.
pub fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => {
            ip.to_ipv4_mapped().is_some_and(|ip| is_private(IpAddr::V4(ip)))
                || ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_comes_apart() {
        let address = Address::parse("http://localhost:8010/base/").unwrap();
        assert_eq!((address.host.as_str(), address.port, address.secure), ("localhost", 8010, false));
        assert_eq!((address.authority.as_str(), address.base_path.as_str()), ("localhost:8010", "/base"));
        let address = Address::parse("https://[::1]").unwrap();
        assert_eq!((address.host.as_str(), address.port, address.authority.as_str()), ("::1", 443, "[::1]"));
    }

    #[test]
    fn a_broker_has_a_port_of_its_own() {
        let address = Address::parse("mqtt://broker.local").unwrap();
        assert_eq!((address.port, address.secure, address.origin().as_str()), (1883, false, "mqtt://broker.local"));
        let address = Address::parse("mqtts://[::1]").unwrap();
        assert_eq!((address.host.as_str(), address.port, address.secure), ("::1", 8883, true));
    }

    #[test]
    fn what_is_not_an_http_url_is_refused_with_a_reason() {
        for wrong in ["localhost:8010", "ftp://host", "http://", "http://user:secret@host", "not a url"] {
            let said = Address::parse(wrong).unwrap_err();
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn only_this_machine_and_its_network_are_private() {
        for ip in ["127.0.0.1", "10.1.2.3", "192.168.0.9", "172.16.0.1", "::1", "fd00::1", "::ffff:127.0.0.1"] {
            assert!(is_private(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["8.8.8.8", "172.32.0.1", "2606:4700::1", "::ffff:8.8.8.8"] {
            assert!(!is_private(ip.parse().unwrap()), "{ip}");
        }
    }
}
