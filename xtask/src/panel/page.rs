//! Reads the root `index.html` the way Trunk does, and writes the page that the runner serves.

use anyhow::{Context as _, Result, bail};

/// What a `<link data-trunk>` asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Asset {
    /// The crate that becomes WebAssembly; there is exactly one.
    Program,
    /// A style sheet, by path.
    Style(String),
    /// An icon, by path, with its type.
    Icon(String, String),
}

/// A page cut at its `data-trunk` links.
#[derive(Debug)]
pub(crate) struct Page {
    /// What stands before the first link, between two links, and after the last.
    pieces: Vec<String>,
    /// The links in order.
    pub(crate) assets: Vec<Asset>,
}

/// The names under which the assets are served.
pub(crate) struct Names<'a> {
    /// The joined style sheet.
    pub(crate) style: &'a str,
    /// The script that starts the program.
    pub(crate) start: &'a str,
    /// The program's JavaScript side.
    pub(crate) script: &'a str,
    /// The program.
    pub(crate) program: &'a str,
    /// Icons in the order of the page.
    pub(crate) icons: &'a [String],
}

impl Page {
    /// Cuts a page at its links.
    ///
    /// # Errors
    /// A link of a kind that is not supported, a link without its path, or not exactly one program.
    pub(crate) fn parse(html: &str) -> Result<Self> {
        let (mut pieces, mut assets, mut rest) = (Vec::new(), Vec::new(), html);
        while let Some(found) = rest.find("<link data-trunk") {
            let length = rest[found..].find('>').context("a <link data-trunk is not closed")? + 1;
            let tag = &rest[found..found + length];
            pieces.push(rest[..found].to_owned());
            assets.push(asset(tag)?);
            rest = &rest[found + length..];
        }
        pieces.push(rest.to_owned());
        let programs = assets.iter().filter(|asset| **asset == Asset::Program).count();
        if programs != 1 {
            bail!("the page has {programs} links with rel=\"rust\"; it needs one");
        }
        Ok(Self { pieces, assets })
    }

    /// The page with each link replaced by what the browser is to load: the style sheets become one, in the place of
    /// the first. All scripts are files, so that the content security policy can forbid inline ones.
    pub(crate) fn write(&self, names: &Names<'_>) -> String {
        let mut html = String::new();
        let mut icons = names.icons.iter();
        let mut style = Some(names.style);
        for (index, piece) in self.pieces.iter().enumerate() {
            html.push_str(piece);
            let tag = match self.assets.get(index) {
                None => continue,
                Some(Asset::Style(_)) => match style.take() {
                    Some(name) => format!(r#"<link rel="stylesheet" href="/{name}" />"#),
                    None => {
                        // The line of a style sheet that was joined into the first would stay as an empty one.
                        html.truncate(html.trim_end().len());
                        continue;
                    }
                },
                Some(Asset::Icon(_, kind)) => {
                    let Some(name) = icons.next() else { continue };
                    format!(r#"<link rel="icon" href="/{name}" type="{kind}" />"#)
                }
                Some(Asset::Program) => format!(
                    "<link rel=\"preload\" href=\"/{}\" as=\"fetch\" type=\"application/wasm\" crossorigin />\n    \
                     <link rel=\"modulepreload\" href=\"/{}\" />\n    \
                     <script type=\"module\" src=\"/{}\"></script>",
                    names.program, names.script, names.start
                ),
            };
            html.push_str(&tag);
        }
        html
    }
}

/// The script that starts the program; a file of its own, as inline scripts are forbidden.
pub(crate) fn start_script(script: &str, program: &str) -> String {
    format!("import start from \"/{script}\";\nawait start({{ module_or_path: \"/{program}\" }});\n")
}

/// Reads one link.
fn asset(tag: &str) -> Result<Asset> {
    let path = || attribute(tag, "href").with_context(|| format!("{tag} has no href"));
    match attribute(tag, "rel").as_deref() {
        Some("rust") => Ok(Asset::Program),
        Some("css") => Ok(Asset::Style(path()?)),
        Some("icon") => Ok(Asset::Icon(path()?, attribute(tag, "type").unwrap_or_else(|| "image/x-icon".to_owned()))),
        Some(other) => bail!("{tag}: rel=\"{other}\" is not supported; write rust, css or icon"),
        None => bail!("{tag} has no rel"),
    }
}

/// The value of an attribute in double quotes.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let length = tag[start..].find('"')?;
    Some(tag[start..start + length].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &str = r#"<head>
    <link data-trunk rel="icon" href="styles/throng.svg" type="image/svg+xml" />
    <link data-trunk rel="css" href="styles/tokens.css" />
    <link data-trunk rel="css" href="styles/base.css" />
    <link data-trunk rel="rust" href="frontend/Cargo.toml" data-bin="frontend" />
  </head>"#;

    #[test]
    fn links_become_what_the_browser_loads() {
        let page = Page::parse(HTML).unwrap();
        assert_eq!(page.assets[1], Asset::Style("styles/tokens.css".to_owned()));
        let icons = ["throng-3.svg".to_owned()];
        let names = Names {
            style: "style-1.css",
            start: "start-5.js",
            script: "panel-2.js",
            program: "panel-4_bg.wasm",
            icons: &icons,
        };
        assert_eq!(
            page.write(&names),
            r#"<head>
    <link rel="icon" href="/throng-3.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/style-1.css" />
    <link rel="preload" href="/panel-4_bg.wasm" as="fetch" type="application/wasm" crossorigin />
    <link rel="modulepreload" href="/panel-2.js" />
    <script type="module" src="/start-5.js"></script>
  </head>"#
        );
    }

    #[test]
    fn a_page_that_cannot_be_built_is_refused() {
        for (html, part) in [
            ("<head></head>", "0 links"),
            (r#"<link data-trunk rel="sass" href="a.scss" />"#, "sass"),
            (r#"<link data-trunk rel="css" />"#, "no href"),
            ("<link data-trunk rel=", "not closed"),
        ] {
            let error = Page::parse(html).unwrap_err().to_string();
            assert!(error.contains(part), "{html}: {error}");
        }
    }
}
