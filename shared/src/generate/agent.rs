//! User agents that agree with devices: what browsers, apps and crawlers call themselves.

/// A user agent and what it runs on.
#[derive(Clone, Copy, Debug)]
pub struct Agent {
    /// Device: desktop, mobile, tablet, api_client, bot.
    pub device: &'static str,
    /// Operating system, or what stands for one.
    pub os: &'static str,
    /// How often it is met among agents of its device, in proportion.
    pub weight: f64,
    /// What it calls itself.
    pub text: &'static str,
}

const fn agent(device: &'static str, os: &'static str, weight: f64, text: &'static str) -> Agent {
    Agent { device, os, weight, text }
}

/// All agents.
pub const AGENTS: [Agent; 20] = [
    agent(
        "desktop",
        "Windows",
        50.0,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    ),
    agent(
        "desktop",
        "Windows",
        12.0,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
    ),
    agent(
        "desktop",
        "Windows",
        6.0,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
    ),
    agent(
        "desktop",
        "macOS",
        14.0,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    ),
    agent(
        "desktop",
        "macOS",
        12.0,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    ),
    agent(
        "desktop",
        "Linux",
        6.0,
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    ),
    agent(
        "mobile",
        "Android",
        55.0,
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
    ),
    agent(
        "mobile",
        "Android",
        8.0,
        "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
    ),
    agent(
        "mobile",
        "iOS",
        35.0,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    ),
    agent(
        "mobile",
        "iOS",
        2.0,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
    ),
    agent(
        "tablet",
        "iPadOS",
        70.0,
        "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    ),
    agent(
        "tablet",
        "Android",
        30.0,
        "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    ),
    agent("api_client", "library", 30.0, "axios/1.7.9"),
    agent("api_client", "library", 25.0, "okhttp/4.12.0"),
    agent("api_client", "library", 20.0, "Go-http-client/2.0"),
    agent("api_client", "library", 15.0, "python-requests/2.32.3"),
    agent("api_client", "library", 10.0, "Dart/3.6 (dart:io)"),
    agent("bot", "crawler", 60.0, "Mozilla/5.0 (compatible; ExampleBot/1.0; +https://bot.example/about)"),
    agent("bot", "crawler", 25.0, "Mozilla/5.0 (compatible; SampleCrawler/2.3; +https://crawler.example/)"),
    agent("bot", "crawler", 15.0, "PreviewFetcher/1.2 (+https://preview.example/)"),
];

/// The agent of a device that a number of [0, 1) chooses; of any device where none is known by that name.
pub fn agent_of(device: &[u8], unit: f64) -> &'static Agent {
    let known = AGENTS.iter().any(|agent| agent.device.as_bytes() == device);
    let fits = |agent: &&Agent| !known || agent.device.as_bytes() == device;
    let total: f64 = AGENTS.iter().filter(fits).map(|agent| agent.weight).sum();
    let mut rest = unit * total;
    let mut last = &AGENTS[0];
    for agent in AGENTS.iter().filter(fits) {
        last = agent;
        rest -= agent.weight;
        if rest < 0.0 {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_agree_with_their_device() {
        for device in ["desktop", "mobile", "tablet", "api_client", "bot"] {
            for step in 0..100 {
                let agent = agent_of(device.as_bytes(), f64::from(step) / 100.0);
                assert_eq!(agent.device, device);
                assert_eq!(agent.text.contains("Mobile"), device == "mobile" || agent.os == "iPadOS", "{}", agent.text);
            }
        }
        assert_eq!(agent_of(b"toaster", 0.999_999).device, "bot");
    }
}
