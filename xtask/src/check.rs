//! Checks what compilers do not: the layers of `ARCHITECTURE.md`, what must be absent, the habits of the tree.

pub(crate) mod habits;
pub(crate) mod imports;
pub(crate) mod layers;
pub(crate) mod purity;
pub(crate) mod source;
pub(crate) mod table;
pub(crate) mod tokens;

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::screen;
use crate::workspace::Workspace;
use source::Crate;
use table::Tables;

/// The crates of the workspace.
const CRATES: [&str; 6] = ["readable", "shared", "runner", "markup", "frontend", "xtask"];

/// Looks at the whole tree.
///
/// # Errors
/// When something is not as the page says; every finding has been shown by then.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    let page = workspace.root().join("ARCHITECTURE.md");
    let page = fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    let crates = CRATES.map(|name| Crate::open(workspace.root(), name)).into_iter().collect::<Result<Vec<_>>>()?;
    let mut problems = layers::problems(&crates, &Tables::read(&page));
    problems.extend(purity::problems(&crates));
    problems.extend(habits::problems(&crates));
    for problem in &problems {
        screen::line(problem);
    }
    let files: usize = crates.iter().map(|krate| krate.files.len()).sum();
    match problems.len() {
        0 => screen::detail(format_args!("{files} source files follow ARCHITECTURE.md")),
        1 => bail!("1 finding against ARCHITECTURE.md"),
        count => bail!("{count} findings against ARCHITECTURE.md"),
    }
    Ok(())
}
