//! Executes the commands of `README.md` and of the guide, and compares what they print with what the pages show.
//!
//! Every line that starts with `$ ` in a fence marked `console` is executed by `sh`, all in one empty folder, with
//! the built `throng` on the path; the lines below it are looked for in the output, in order, `…` standing for
//! anything. A command that serves is run until its address answers, then it gets Ctrl-C.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Passed;
use crate::screen;
use crate::workspace::Workspace;

/// The pages with commands to be followed from top to bottom.
const PAGES: [&str; 2] = ["README.md", "docs/README.md"];

/// Longest that any command of the README may take; they are meant for a first visit.
const PATIENCE: Duration = Duration::from_secs(300);

/// A command and the output that the README shows below it.
#[derive(Debug, Eq, PartialEq)]
struct Example {
    command: String,
    output: Vec<String>,
}

/// What to do with a command.
#[derive(Debug, Eq, PartialEq)]
enum Kind {
    /// Run it to its end.
    Runs,
    /// Run it until its address answers, then stop it.
    Serves,
    /// Leave it: it is what runs right now, or it fetches this very project.
    Known,
}

/// Executes all of them.
pub(crate) fn run_commands(workspace: &Workspace) -> Result<Passed> {
    let throng = workspace.throng();
    if !throng.is_file() {
        bail!("there is no {}; call `cargo xtask build` first", throng.display());
    }
    PAGES.iter().try_fold(0, |passed, page| Ok(passed + run_page(workspace, page)?)).map(Passed)
}

/// Executes those of one page, in an empty folder.
fn run_page(workspace: &Workspace, page: &str) -> Result<u64> {
    let text = fs::read_to_string(workspace.root().join(page)).with_context(|| format!("cannot read {page}"))?;
    let scratch = Scratch::new(workspace)?;
    let mut passed = 0;
    for example in examples(&text) {
        let kind = kind(&example.command);
        if kind == Kind::Known {
            continue;
        }
        screen::detail(format_args!("$ {}", example.command));
        let output = match kind {
            Kind::Serves => scratch.serve(&example.command),
            Kind::Runs | Kind::Known => scratch.run(&example.command),
        }
        .with_context(|| format!("{page}: `{}`", example.command))?;
        if let Some(missing) = missing(&example.output, &output) {
            bail!("{page}: `{}` did not print `{missing}`; it printed:\n{output}", example.command);
        }
        passed += 1;
    }
    if passed == 0 {
        bail!("{page} has no command in a console fence");
    }
    Ok(passed)
}

/// Reads the commands of a page.
fn examples(page: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut is_console = false;
    for line in page.lines() {
        if let Some(fence) = line.strip_prefix("```") {
            is_console = !is_console && fence.trim() == "console";
        } else if !is_console {
        } else if let Some(command) = line.strip_prefix("$ ") {
            found.push(Example { command: command.to_owned(), output: Vec::new() });
        } else if let Some(example) = found.last_mut() {
            example.output.push(line.trim_end().to_owned());
        }
    }
    found
}

fn kind(command: &str) -> Kind {
    let is = |start: &str| command == start || command.starts_with(&format!("{start} "));
    if is("cargo xtask test") || is("git clone") || is("cd") {
        Kind::Known
    } else if is("cargo xtask demo") || is("throng serve") || is("throng target") {
        Kind::Serves
    } else {
        Kind::Runs
    }
}

/// The first shown line that the output lacks, if any.
fn missing<'a>(shown: &'a [String], output: &str) -> Option<&'a str> {
    let mut lines = output.lines().map(str::trim_end);
    let wanted = shown.iter().filter(|line| !line.is_empty() && *line != "…");
    wanted.map(String::as_str).find(|pattern| !lines.any(|line| matches(pattern, line)))
}

/// Whether a line is as shown; `…` stands for any text.
fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// An empty folder in which a newcomer's shell stands.
struct Scratch {
    folder: PathBuf,
    root: PathBuf,
    path: std::ffi::OsString,
}

impl Scratch {
    fn new(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.target().join("readme");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let old = std::env::var_os("PATH").unwrap_or_default();
        let release = workspace.throng().parent().map(Path::to_owned).unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(release).chain(std::env::split_paths(&old)))
            .context("the target directory cannot stand in PATH")?;
        Ok(Self { folder, root: workspace.root().to_owned(), path })
    }

    /// Starts a command with both its outputs piped; those of cargo in the checkout.
    fn start(&self, command: &str) -> Result<Child> {
        let is_cargo = command.starts_with("cargo ");
        Command::new("sh")
            // `exec` makes the process that is waited for and stopped the command itself.
            .args(["-c", &format!("{}{command}", if is_simple(command) { "exec " } else { "" })])
            .current_dir(if is_cargo { &self.root } else { &self.folder })
            .env("PATH", &self.path)
            .env("THRONG_DATA_DIR", self.folder.join("data"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start sh")
    }

    fn run(&self, command: &str) -> Result<String> {
        let mut child = self.start(command)?;
        let lines = lines_of(&mut child);
        let (mut output, started) = (String::new(), Instant::now());
        loop {
            match lines.recv_timeout(PATIENCE.saturating_sub(started.elapsed())) {
                Ok(line) => output.push_str(&(line.text + "\n")),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _gone = child.kill();
                    bail!("it did not end within {}; it printed:\n{output}", screen::spoken(PATIENCE));
                }
            }
        }
        let status = child.wait().context("cannot wait for it")?;
        if !status.success() {
            bail!("it ended with {status}; it printed:\n{output}");
        }
        Ok(output)
    }

    /// Runs a server until the address that it prints answers, then stops it as Ctrl-C would.
    fn serve(&self, command: &str) -> Result<String> {
        // A free port: the usual one may be in use on the machine of whoever runs the tests.
        let separator = if command.starts_with("cargo ") && !command.contains(" -- ") { " --" } else { "" };
        let mut child = self.start(&format!("{command}{separator} --bind 127.0.0.1:0"))?;
        let lines = lines_of(&mut child);
        let answered = wait_for_answer(&lines);
        let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        let mut output = answered.inspect_err(|_error| {
            let _gone = child.kill();
        })?;
        interrupted.context("cannot interrupt it")?;
        let stopping = Instant::now();
        while let Ok(line) = lines.recv_timeout(Duration::from_secs(30)) {
            output.push_str(&(line.text + "\n"));
        }
        if stopping.elapsed() > Duration::from_secs(20) {
            let _gone = child.kill();
            bail!("it did not stop on Ctrl-C; it printed:\n{output}");
        }
        let status = child.wait().context("cannot wait for it")?;
        if !status.success() && status.code() != Some(130) {
            bail!("it ended with {status} on Ctrl-C; it printed:\n{output}");
        }
        Ok(output)
    }
}

/// Whether a command is one program with its arguments, so that `exec` can stand before it.
fn is_simple(command: &str) -> bool {
    !command.contains(['|', '&', ';', '(']) && command.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// A line that a command printed.
struct Line {
    text: String,
    /// Whether it was printed on standard output; the error stream has other addresses too.
    is_answer: bool,
}

/// The lines of both outputs as they come; ends when both are closed.
fn lines_of(child: &mut Child) -> Receiver<Line> {
    let (tx, rx) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        forward(output, true, tx.clone());
    }
    if let Some(output) = child.stderr.take() {
        forward(output, false, tx);
    }
    rx
}

fn forward(output: impl std::io::Read + Send + 'static, is_answer: bool, tx: Sender<Line>) {
    std::thread::spawn(move || {
        for text in BufReader::new(output).lines().map_while(Result::ok) {
            if tx.send(Line { text, is_answer }).is_err() {
                break;
            }
        }
    });
}

/// Reads lines until one has an address, and asks that address for its page.
fn wait_for_answer(lines: &Receiver<Line>) -> Result<String> {
    let (mut output, started) = (String::new(), Instant::now());
    while let Ok(line) = lines.recv_timeout(PATIENCE.saturating_sub(started.elapsed())) {
        output.push_str(&format!("{}\n", line.text));
        if let Some(address) = address_in(&line.text).filter(|_| line.is_answer) {
            let page = fetch(address).with_context(|| format!("http://{address} does not answer"))?;
            if !page.starts_with("HTTP/1.1 200") {
                bail!("http://{address} answered {}", page.lines().next().unwrap_or_default());
            }
            return Ok(output);
        }
    }
    bail!("it printed no address:\n{output}")
}

/// The host and port of the first `http://` in a line.
fn address_in(line: &str) -> Option<&str> {
    let rest = &line[line.find("http://")? + 7..];
    let end = rest.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|address| address.contains(':'))
}

fn fetch(address: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut page = Vec::new();
    stream.read_to_end(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_with_what_they_show() {
        let page = "text\n```console\n$ throng a\none\ntwo\n$ throng b\n```\n```sh\n$ throng c\n```\n";
        let found = examples(page);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], Example { command: "throng a".into(), output: vec!["one".into(), "two".into()] });
        assert_eq!(found[1].command, "throng b");
    }

    #[test]
    fn output_is_looked_for_in_order() {
        let shown = ["sent … events".to_owned(), "…".to_owned(), "done".to_owned()];
        assert_eq!(missing(&shown, "x\nsent 10 events\ny\ndone\n"), None);
        assert_eq!(missing(&shown, "done\nsent 10 events\n"), Some("done"));
        assert_eq!(missing(&shown, "sent 10 requests\ndone"), Some("sent … events"));
    }

    #[test]
    fn dots_stand_for_any_text_and_nothing_else_does() {
        for (pattern, line, expected) in [
            ("a … c", "a b c", true),
            ("a … c", "a  c", true),
            ("…", "anything", true),
            ("a…", "ab", true),
            ("a", "ab", false),
            ("a … c … e", "a b c d e", true),
            ("a … c", "a b d", false),
        ] {
            assert_eq!(matches(pattern, line), expected, "{pattern} {line}");
        }
    }

    #[test]
    fn an_address_is_found_in_a_line() {
        assert_eq!(address_in("open http://127.0.0.1:7878/ now"), Some("127.0.0.1:7878"));
        assert_eq!(address_in("  http://[::1]:80"), Some("[::1]:80"));
        assert_eq!(address_in("see http://example"), None);
    }

    #[test]
    fn servers_and_known_commands_are_told_apart() {
        assert_eq!(kind("cargo xtask demo"), Kind::Serves);
        assert_eq!(kind("cargo xtask test"), Kind::Known);
        assert_eq!(kind("throng serve --open"), Kind::Serves);
        assert_eq!(kind("throng run commerce-events"), Kind::Runs);
    }
}
