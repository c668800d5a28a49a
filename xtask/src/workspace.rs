//! Where things are, and how this workspace calls cargo and other programs.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// The checkout and where cargo puts what it builds.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds both: the checkout that cargo was called in, the target directory that this program runs from.
    ///
    /// # Errors
    /// When the program was moved out of cargo's target directory.
    pub(crate) fn find() -> Result<Self> {
        // Cargo says so at run time; what was true at compile time may be another checkout with the same target directory.
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = manifest.parent().context("the xtask package has no parent folder")?.to_owned();
        if !root.join("Cargo.toml").is_file() {
            bail!("{} is gone; call `cargo xtask` inside a checkout", root.display());
        }
        // <target>/debug/xtask: holds for CARGO_TARGET_DIR and for a target-dir in any cargo configuration.
        let program = env::current_exe().context("cannot tell where this program is")?;
        let target = program.ancestors().nth(2).context("this program is not in a target directory")?.to_owned();
        Ok(Self { root, target })
    }

    /// The checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target directory.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Where the panel's files go; the runner embeds them from here, so this does not follow `CARGO_TARGET_DIR`.
    pub(crate) fn panel(&self) -> PathBuf {
        self.root.join("target/panel")
    }

    /// The runner as `cargo xtask build` leaves it.
    pub(crate) fn throng(&self) -> PathBuf {
        self.target.join("release").join(format!("throng{}", env::consts::EXE_SUFFIX))
    }

    /// Cargo, in the checkout, building into the same target directory.
    pub(crate) fn cargo<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(arguments).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        // What `cargo xtask` tells this program of itself: some build scripts would take it for a change of theirs.
        for (name, _) in env::vars_os() {
            let told =
                name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
            if told {
                command.env_remove(name);
            }
        }
        command
    }

    /// What makes cargo leave the folders of this machine out of what it builds. They would make two builds of the same
    /// source differ, and say who built it.
    ///
    /// # Errors
    /// When rustc or the home directory is not to be found.
    pub(crate) fn placeless(&self) -> Result<[String; 2]> {
        let flag = |(place, name): (PathBuf, &str)| format!("'--remap-path-prefix={}={name}'", place.display());
        let flags: Vec<String> = self.places()?.into_iter().map(flag).collect();
        Ok(["--config".to_owned(), format!("target.'cfg(all())'.rustflags = [{}]", flags.join(", "))])
    }

    /// The folders that a build reads, and what they are called instead.
    ///
    /// # Errors
    /// When rustc or the home directory is not to be found.
    pub(crate) fn places(&self) -> Result<[(PathBuf, &'static str); 4]> {
        let sysroot = said(Command::new("rustc").args(["--print", "sysroot"]))?;
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(env::home_dir()?.join(".cargo"))).context("there is no home directory")?;
        Ok([
            (home, "/cargo"),
            (PathBuf::from(sysroot.trim()), "/rust"),
            (self.target.clone(), "/throng/target"),
            (self.root.clone(), "/throng"),
        ])
    }
}

/// Runs a program to its end.
///
/// # Errors
/// When it cannot be started or does not succeed; the message has the command as it would be typed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = typed(command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// What a program prints; its errors go to the terminal.
///
/// # Errors
/// When it cannot be started or does not succeed.
pub(crate) fn said(command: &mut Command) -> Result<String> {
    let shown = typed(command);
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` ended with {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The program that cargo says it built, among its messages in JSON.
///
/// # Errors
/// When it names none.
pub(crate) fn built_program(messages: &str) -> Result<String> {
    let executable = |message: &str| -> Option<String> {
        let rest = message.split_once("\"executable\":\"")?.1;
        Some(rest.split_once('"')?.0.replace("\\\\", "\\"))
    };
    messages.lines().rev().find_map(executable).context("cargo did not say where the program is")
}

/// A command as it would be typed, without the environment.
pub(crate) fn typed(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// A word in single quotes when a shell would split or change it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

/// The path of a program that is found the way a shell finds it.
pub(crate) fn found_on_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("/opt/bin/cargo");
        command.args(["test", "--config", "a b"]);
        assert_eq!(typed(&command), "cargo test --config 'a b'");
    }

    #[test]
    fn the_program_is_read_from_cargos_message() {
        let message = r#"{"reason":"compiler-artifact","executable":"/t/portable-1.wasm","fresh":true}"#;
        assert_eq!(built_program(message).unwrap(), "/t/portable-1.wasm");
        assert!(built_program(r#"{"executable":null}"#).is_err());
    }

    #[test]
    fn the_workspace_is_found_from_a_test_too() {
        let workspace = Workspace::find().unwrap();
        assert!(workspace.root().join("shared/Cargo.toml").is_file());
    }
}
