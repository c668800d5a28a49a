//! What stands around the program: jobs of CI, manual, completions, service unit, recipe of the image. Each is used here the
//! way that people use it, as far as the machine has what that needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{CommandFactory as _, Parser as _};
use runner::cli::Cli;
use serde_json::Value;
use shared::scenario::read_tree;

use crate::process::{Home, KEY, undisturbed};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn packaging(name: &str) -> String {
    fs::read_to_string(root().join("packaging").join(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_json::to_value(read_tree(&packaging(name), name).unwrap()).unwrap()
}

/// Runs lines as a job would, in a folder of their own, with `throng` on the path; gives the code and what was said.
fn job(home: &Home, lines: &[&str], target: &str) -> (Option<i32>, String) {
    let folder = Path::new(env!("CARGO_BIN_EXE_throng")).parent().unwrap();
    let output = Command::new("sh")
        .args(["-ec", &lines.join("\n")])
        .current_dir(home.path(""))
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .env("HOME", home.path(""))
        .env("TARGET", target)
        .env("API_KEY", KEY)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

/// The commands of `throng` in a job, shortened: what a gate says in five seconds it says in thirty.
fn commands(lines: Vec<&str>) -> Vec<String> {
    let ours = lines.into_iter().filter(|line| line.contains("throng ") && !line.contains("tar "));
    ours.map(|line| line.replace("-d 30s", "-d 3s").replace(" after 5s", " after 1s")).collect()
}

#[test]
fn the_jobs_for_ci_pass_on_a_target_that_is_well_and_fail_on_one_that_is_not() {
    let (github, gitlab) = (yaml("github-actions.yml"), yaml("gitlab-ci.yml"));
    assert!(github["jobs"]["gate"]["env"]["API_KEY"].is_string() && packaging("gitlab-ci.yml").contains("API_KEY"));
    let steps = github["jobs"]["gate"]["steps"].as_array().unwrap();
    let github = commands(steps.iter().filter_map(|step| step["run"].as_str()).collect());
    let gitlab =
        commands(gitlab["load"]["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect());
    let flat = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let (run, compare) = (github.iter().position(|line| line.contains("throng run ")).unwrap(), github.len() - 1);
    assert_eq!(
        github[..=run].iter().map(flat).collect::<Vec<_>>(),
        gitlab[..=run].iter().map(flat).collect::<Vec<_>>()
    );
    assert!(run >= 2 && compare > run && gitlab[compare].contains(&flat(&github[compare])), "{github:#?}\n{gitlab:#?}");

    let home = Home::new();
    let (_target, url) = home.target(&[]);
    let lines: Vec<&str> = gitlab.iter().map(String::as_str).collect();
    let (code, said) = undisturbed(|| job(&home, &lines, &url), |(_, said)| said);
    assert_eq!(code, Some(0), "{said}");
    assert!(home.path("results.json").is_file() && home.path("report.html").is_file(), "{said}");
    // Compared with itself, nothing is worse.
    fs::copy(home.path("results.json"), home.path("baseline.json")).unwrap();
    let (code, said) = job(&home, &[&github[compare]], &url);
    assert_eq!(code, Some(0), "{said}");

    let (_failing, url) = home.target(&["--error-rate", "0.9"]);
    let (code, said) = job(&home, &[&github[run]], &url);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("✗ error_rate"), "{said}");
}

#[test]
fn every_command_has_a_page_in_the_manual_that_troff_can_read() {
    let home = Home::new();
    let folder = home.path("man");
    let ended = home.ended(&["man", folder.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let page = |name: &str| fs::read_to_string(folder.join(format!("{name}.1"))).unwrap();
    for command in Cli::command().get_subcommands() {
        let page = page(&format!("throng-{}", command.get_name()));
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let Some(long) = argument.get_long() else { continue };
            assert!(page.contains(&long.replace('-', "\\-")), "{}: --{long}", command.get_name());
        }
    }
    assert!(folder.join("throng-runs-compare.1").is_file());
    let first = page("throng").replace("\\-", "-");
    for part in ["EXIT STATUS", "130", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"] {
        assert!(first.contains(part), "{part}");
    }
    // Each variable that a flag can be given by stands on the first page.
    let commands = Cli::command();
    for command in commands.get_subcommands() {
        for variable in command.get_arguments().filter_map(|argument| argument.get_env()) {
            assert!(first.contains(variable.to_str().unwrap()), "{variable:?}");
        }
    }
    let Ok(version) = Command::new("groff").arg("--version").output() else { return };
    assert!(version.status.success());
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let output = Command::new("groff").args(["-man", "-ww", "-Tascii"]).arg(&path).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", path.display());
    }
}

#[test]
fn the_examples_of_the_manual_are_commands_that_can_be_typed() {
    let home = Home::new();
    home.ended(&["man", home.path("man").to_str().unwrap()]);
    let page = fs::read_to_string(home.path("man/throng.1")).unwrap().replace("\\-", "-").replace("\\*(Aq", "'");
    let examples = page.split(".SH EXAMPLES").nth(1).unwrap();
    let typed = examples.lines().filter_map(|line| line.strip_prefix("\\fB")?.strip_suffix("\\fR"));
    let mut count = 0;
    for line in typed {
        let words = words(line);
        assert!(Cli::try_parse_from(&words).is_ok(), "{line}");
        count += 1;
    }
    assert!(count >= 5, "{page}");
}

/// The words of a command, with what stands in quotes as one.
fn words(line: &str) -> Vec<String> {
    line.split(['\'', '"']).enumerate().fold(Vec::new(), |mut words, (index, part)| {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
        words
    })
}

#[test]
fn every_command_in_the_guide_is_one_that_can_be_typed() {
    let mut pages = vec![root().join("README.md")];
    pages.extend(fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    let mut count = 0;
    for page in pages.iter().filter(|page| page.extension().is_some_and(|ending| ending == "md")) {
        let text = fs::read_to_string(page).unwrap().replace("\\\n", " ");
        let mut fenced = false;
        for line in text.lines() {
            if line.starts_with("```") {
                fenced = !fenced;
            }
            let line = line.trim_start_matches("$ ");
            if !fenced || !line.starts_with("throng ") {
                continue;
            }
            // What the shell takes for itself: comments, the background, files.
            let line = [" #", " &", " > "].into_iter().fold(line, |line, end| line.split(end).next().unwrap());
            let parsed = Cli::try_parse_from(words(line));
            assert!(parsed.is_ok(), "{}: {line}\n{}", page.display(), parsed.unwrap_err());
            count += 1;
        }
    }
    assert!(count >= 12, "{count}");
}

#[test]
fn bash_completes_commands_flags_and_their_values() {
    let home = Home::new();
    let completions = home.ended(&["completions", "bash"]).stdout;
    let script = home.write("throng.bash", &completions);
    let completed = |words: &[&str]| {
        let line = format!(
            "source {script}; COMP_WORDS=({}); COMP_CWORD={}; _throng throng '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        let output = Command::new("bash").args(["--norc", "-c", &line]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(completed(&["throng", "val"]), ["validate"]);
    assert_eq!(completed(&["throng", "runs", "comp"]), ["compare"]);
    assert_eq!(completed(&["throng", "run", "--practice-t"]), ["--practice-target"]);
    let formats = completed(&["throng", "generate", "--format", ""]);
    assert!(formats.contains(&"jsonl".to_owned()) && formats.contains(&"csv".to_owned()), "{formats:?}");
    let commands = completed(&["throng", ""]);
    for command in Cli::command().get_subcommands() {
        assert!(commands.contains(&command.get_name().to_owned()), "{}", command.get_name());
    }
}

/// The value of a line such as `ExecStart=…`.
fn setting<'a>(unit: &'a str, name: &str) -> &'a str {
    unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap()
}

#[test]
fn the_service_unit_is_one_that_systemd_takes() {
    let unit = packaging("throng.service");
    let mut words = setting(&unit, "ExecStart").split(' ');
    assert_eq!(words.next(), Some("/usr/local/bin/throng"));
    let words = std::iter::once("throng").chain(words);
    assert!(Cli::try_parse_from(words).is_ok());
    assert_eq!(setting(&unit, "Environment"), format!("THRONG_DATA_DIR=/var/lib/{}", setting(&unit, "StateDirectory")));
    for part in ["DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet=\n"] {
        assert!(unit.contains(part), "{part}");
    }
    if !Command::new("systemd-analyze").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return;
    }
    // The program and its manual are not installed on the machine that runs the tests.
    let home = Home::new();
    let unit = unit.replace("/usr/local/bin/throng", env!("CARGO_BIN_EXE_throng"));
    let unit: Vec<&str> = unit.lines().filter(|line| !line.starts_with("Documentation=")).collect();
    let path = home.write("throng.service", &unit.join("\n"));
    let output = Command::new("systemd-analyze").args(["verify", &path]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("throng.service")).collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
}

#[test]
fn the_recipe_of_the_image_names_what_is_there_and_starts_what_can_be_started() {
    let recipe = packaging("Containerfile").replace("\\\n", " ");
    let lines = |word: &str| -> Vec<String> {
        recipe.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).map(str::to_owned).collect()
    };
    // Copied from the first stage is what the build leaves there, or what is in the checkout.
    let copied = lines("COPY --from=build");
    assert!(copied.len() >= 2);
    for line in copied {
        let paths: Vec<&str> = line.split_whitespace().collect();
        for path in &paths[..paths.len() - 1] {
            let path = path.strip_prefix("/throng/").unwrap();
            assert!(path == "target/release/throng" || root().join(path).is_file(), "{path}");
        }
    }
    let pinned = fs::read_to_string(root().join("rust-toolchain.toml")).unwrap();
    let compiler =
        lines("FROM").into_iter().find_map(|from| Some(from.split("rust:").nth(1)?.split('-').next()?.to_owned()));
    assert!(pinned.contains(&format!("channel = \"{}.", compiler.unwrap())));
    assert_ne!(lines("USER"), ["root"]);
    assert_eq!(lines("ENV"), [format!("THRONG_DATA_DIR={}", lines("VOLUME")[0])]);
    let list = |line: &str| serde_json::from_str::<Vec<String>>(&line[line.find('[').unwrap()..]).unwrap();
    let start: Vec<String> = [list(&lines("ENTRYPOINT")[0]), list(&lines("CMD")[0])].concat();
    assert!(Cli::try_parse_from(&start).is_ok(), "{start:?}");
    let health = list(&lines("HEALTHCHECK")[0]);
    assert!(Cli::try_parse_from(&health).is_ok(), "{health:?}");

    // Beyond loopback it wants a token, and with one the check of its health gets in.
    let home = Home::new();
    let arguments: Vec<&str> = start[1..].iter().map(String::as_str).collect();
    let refused = home.ended(&arguments);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("THRONG_TOKEN"), "{}", refused.stderr);
    let (_server, address) = home.serve(&["--token", "a-token-of-some-length"]);
    let url = format!("{}/api/status", address.split("/?").next().unwrap());
    let told = |token: Option<&str>| {
        let mut command = home.throng(&["health", &url]);
        token.map(|token| command.env("THRONG_TOKEN", token));
        command.output().unwrap().status.code()
    };
    assert_eq!((told(None), told(Some("another")), told(Some("a-token-of-some-length"))), (Some(3), Some(3), Some(0)));
}
