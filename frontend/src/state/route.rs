//! Addresses inside the panel: what follows the `#`.

/// A page, with what it shows.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Route {
    /// The run that goes on, or else the newest.
    #[default]
    Run,
    /// One run of the history.
    PastRun(String),
    /// The gallery.
    Scenarios,
    /// One scenario in the editor.
    Scenario(String),
    /// Every run.
    History,
    /// Runs beside each other.
    Compare(Vec<String>),
    /// The practice target.
    Target,
}

/// The pages of the navigation, with their names.
pub(crate) const PAGES: [(Route, &str); 4] =
    [(Route::Run, "Run"), (Route::Scenarios, "Scenarios"), (Route::History, "History"), (Route::Target, "Target")];

impl Route {
    /// Reads an address's fragment; an unknown one is the Run page.
    pub(crate) fn parse(fragment: &str) -> Self {
        let path = fragment.trim_start_matches('#').trim_matches('/');
        let (page, rest) = path.split_once('/').unwrap_or((path, ""));
        match (page, rest) {
            ("run", "") => Self::Run,
            ("run", id) => Self::PastRun(unescape(id)),
            ("scenarios", "") => Self::Scenarios,
            ("scenarios", name) => Self::Scenario(unescape(name)),
            ("history", "") => Self::History,
            ("history", ids) => Self::Compare(ids.split('/').filter(|id| !id.is_empty()).map(unescape).collect()),
            ("target", _) => Self::Target,
            _ => Self::Run,
        }
    }

    /// The address's fragment, `#` included.
    pub(crate) fn href(&self) -> String {
        match self {
            Self::Run => "#/run".to_owned(),
            Self::PastRun(id) => format!("#/run/{}", escape(id)),
            Self::Scenarios => "#/scenarios".to_owned(),
            Self::Scenario(name) => format!("#/scenarios/{}", escape(name)),
            Self::History => "#/history".to_owned(),
            Self::Compare(ids) => {
                let ids: Vec<String> = ids.iter().map(|id| escape(id)).collect();
                format!("#/history/{}", ids.join("/"))
            }
            Self::Target => "#/target".to_owned(),
        }
    }

    /// Which entry of the navigation is lit.
    pub(crate) fn page(&self) -> Self {
        match self {
            Self::Run | Self::PastRun(_) => Self::Run,
            Self::Scenarios | Self::Scenario(_) => Self::Scenarios,
            Self::History | Self::Compare(_) => Self::History,
            Self::Target => Self::Target,
        }
    }
}

/// Writes a name so that it can stand in a path, of the server's or of the panel's own.
pub(crate) fn escape(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    text
}

const HEX: [u8; 16] = *b"0123456789ABCDEF";

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut read = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                read.push(byte);
                at += 3;
            }
            None => {
                read.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_survives_its_address() {
        for route in [
            Route::Run,
            Route::PastRun("20261120-140322-ab12".to_owned()),
            Route::Scenarios,
            Route::Scenario("my shop/50 %".to_owned()),
            Route::History,
            Route::Compare(vec!["20261120-140322-ab12".to_owned(), "a/b c".to_owned()]),
            Route::Target,
        ] {
            assert_eq!(Route::parse(&route.href()), route);
        }
    }

    #[test]
    fn an_unknown_address_is_the_run_page() {
        for fragment in ["", "#", "#/", "#/nowhere/else", "#/run/"] {
            assert_eq!(Route::parse(fragment), Route::Run, "{fragment}");
        }
    }

    #[test]
    fn a_broken_escape_is_taken_as_it_stands() {
        assert_eq!(unescape("100%"), "100%");
        assert_eq!(unescape("%C3%A9%zz"), "é%zz");
    }
}
