//! What can be typed while a run goes on: single keys, and whole commands behind a colon.

use std::collections::BTreeMap;

use shared::run::Command;

/// By how much one key changes the rate.
const RATE_STEP: f64 = 1.25;
/// Longest command that is taken.
const MOST_TYPED: usize = 1_000;
/// Shown below the figures.
pub(super) const HINT: &str = "space pause  + − rate  0 planned rate  s stop  : more  ? help";
/// Shown when asked for.
const HELP: &str = "\
space  pause and resume          +  −  0  a quarter faster, slower, as planned
s      stop, wait for answers    :        a command, ended by Enter:
         rate 2                  twice the planned rate
         users 50                so many users, or requests at once; of one workload: users shop 50
         weights view=8 buy=1    other weights for these events of a mix; of one workload: weights shop view=8
         fault flaky 0           no more of these faults; flaky.delay 3: three times as many delays
         pause, resume, stop, abort";

/// What somebody at the terminal wants.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    /// A command to the run.
    Command(Command),
    /// Something to read.
    Say(String),
    /// What is being typed has changed.
    Typed,
}

/// Keys, and the command that they are about to become.
#[derive(Debug, Default)]
pub(super) struct Keys {
    typed: Option<Vec<u8>>,
}

impl Keys {
    /// The command as far as it is typed.
    pub(super) fn typed(&self) -> Option<String> {
        let typed = self.typed.as_ref()?;
        Some(format!(": {}▏", String::from_utf8_lossy(typed).replace(char::is_control, "")))
    }

    /// Takes a key; `paused` and `multiplier` say how the run stands.
    pub(super) fn press(&mut self, key: u8, paused: bool, multiplier: f64) -> Option<Wish> {
        if let Some(typed) = &mut self.typed {
            match key {
                b'\r' | b'\n' => {
                    let text = String::from_utf8_lossy(typed).into_owned();
                    self.typed = None;
                    return Some(match command(&text) {
                        Ok(Some(command)) => Wish::Command(command),
                        Ok(None) => Wish::Typed,
                        Err(problem) => Wish::Say(problem),
                    });
                }
                // Escape, and Ctrl-U.
                0x1b | 0x15 => self.typed = None,
                // Backspace takes a whole character.
                0x08 | 0x7f => while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
                key if typed.len() < MOST_TYPED => typed.push(key),
                _ => {}
            }
            return Some(Wish::Typed);
        }
        let rate = |multiplier: f64| {
            let multiplier = (multiplier * 1_000.0).round() / 1_000.0;
            Some(Wish::Command(Command::SetRateMultiplier { multiplier: multiplier.clamp(0.001, 1_000.0) }))
        };
        match key {
            b' ' | b'p' => Some(Wish::Command(if paused { Command::Resume } else { Command::Pause })),
            b'+' | b'=' => rate(multiplier * RATE_STEP),
            b'-' | b'_' => rate(multiplier / RATE_STEP),
            b'0' => rate(1.0),
            b's' | b'q' => Some(Wish::Command(Command::Stop)),
            b':' => {
                self.typed = Some(Vec::new());
                Some(Wish::Typed)
            }
            b'?' | b'h' => Some(Wish::Say(HELP.to_owned())),
            _ => None,
        }
    }
}

/// The command that a line says; none for an empty one.
///
/// # Errors
///
/// What is wrong with it, and how it is written.
fn command(text: &str) -> Result<Option<Command>, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let Some((&first, rest)) = words.split_first() else { return Ok(None) };
    let command = match (first, rest) {
        ("pause", []) => Command::Pause,
        ("resume", []) => Command::Resume,
        ("stop", []) => Command::Stop,
        ("abort", []) => Command::Abort,
        ("rate", [multiplier]) => Command::SetRateMultiplier { multiplier: number(multiplier)? },
        ("users", [users]) => Command::SetUsers { workload: None, users: whole(users)? },
        ("users", [workload, users]) => {
            Command::SetUsers { workload: Some((*workload).to_owned()), users: whole(users)? }
        }
        ("weights", [_, ..]) => weights(rest)?,
        ("fault" | "faults", [fault, factor]) => {
            let factor = match *factor {
                "off" => 0.0,
                "on" => 1.0,
                factor => number(factor)?,
            };
            Command::SetFault { fault: (*fault).to_owned(), factor }
        }
        ("rate", _) => return Err("write `rate 2`: the planned rate is multiplied by that".to_owned()),
        ("users", _) => return Err("write `users 50`, or `users WORKLOAD 50`".to_owned()),
        ("weights", _) => return Err("write `weights view=8 buy=1`, the workload before that if need be".to_owned()),
        ("fault" | "faults", _) => return Err("write `fault NAME 0`, or `fault NAME.KIND 2`".to_owned()),
        _ => return Err(format!("`{first}` is no command: pause, resume, rate, users, weights, fault, stop, abort")),
    };
    Ok(Some(command))
}

fn weights(words: &[&str]) -> Result<Command, String> {
    let (workload, pairs) = match words {
        [first, rest @ ..] if !first.contains('=') => (Some((*first).to_owned()), rest),
        all => (None, all),
    };
    let mut weights = BTreeMap::new();
    for pair in pairs {
        let (name, weight) = pair.split_once('=').ok_or_else(|| format!("`{pair}` is no weight: write `{pair}=3`"))?;
        weights.insert(name.to_owned(), number(weight)?);
    }
    if weights.is_empty() {
        return Err("write `weights view=8 buy=1`, the workload before that if need be".to_owned());
    }
    Ok(Command::SetWeights { workload, weights })
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.trim_start_matches(['×', 'x']).parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("`{text}` is no number"))
}

fn whole(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_error| format!("`{text}` is no number of users"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(text: &str) -> Vec<Wish> {
        let mut keys = Keys::default();
        text.bytes().filter_map(|key| keys.press(key, false, 2.0)).filter(|wish| *wish != Wish::Typed).collect()
    }

    #[test]
    fn single_keys_pause_stop_and_change_the_rate() {
        let mut keys = Keys::default();
        assert_eq!(keys.press(b' ', false, 1.0), Some(Wish::Command(Command::Pause)));
        assert_eq!(keys.press(b' ', true, 1.0), Some(Wish::Command(Command::Resume)));
        let rate = |multiplier| Wish::Command(Command::SetRateMultiplier { multiplier });
        assert_eq!(pressed("+-0s"), [rate(2.5), rate(1.6), rate(1.0), Wish::Command(Command::Stop)]);
        assert_eq!(keys.press(b'+', false, 1_000.0), Some(rate(1_000.0)));
        assert_eq!(keys.press(b'z', false, 1.0), None);
    }

    #[test]
    fn commands_behind_a_colon_reach_everything_that_can_be_changed() {
        let users = |workload: Option<&str>| Command::SetUsers { workload: workload.map(str::to_owned), users: 50 };
        assert_eq!(pressed(":users 50\r"), [Wish::Command(users(None))]);
        assert_eq!(pressed(":users shop 50\n"), [Wish::Command(users(Some("shop")))]);
        let weights = BTreeMap::from([("page.view".to_owned(), 8.0), ("buy".to_owned(), 0.5)]);
        let expected = Command::SetWeights { workload: Some("shop".to_owned()), weights };
        assert_eq!(pressed(":weights shop page.view=8 buy=0.5\r"), [Wish::Command(expected)]);
        let fault = |factor| Wish::Command(Command::SetFault { fault: "flaky.delay".to_owned(), factor });
        assert_eq!(pressed(":fault flaky.delay 3\r:fault flaky.delay off\r"), [fault(3.0), fault(0.0)]);
        assert_eq!(pressed(":abort\r"), [Wish::Command(Command::Abort)]);
    }

    #[test]
    fn what_is_typed_can_be_mended_and_given_up() {
        assert_eq!(pressed(":stöp\u{7f}\u{7f}op\r"), [Wish::Command(Command::Stop)]);
        assert_eq!(pressed(":abort\u{1b} "), [Wish::Command(Command::Pause)]);
        assert_eq!(pressed(":\r"), []);
        let mut keys = Keys::default();
        keys.press(b':', false, 1.0);
        keys.press(b'r', false, 1.0);
        assert_eq!(keys.typed().as_deref(), Some(": r▏"));
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (typed, told) in [
            (":faster\r", "is no command"),
            (":users many\r", "no number of users"),
            (":rate\r", "write `rate 2`"),
            (":weights shop\r", "write `weights"),
            (":weights a=3 b\r", "write `b=3`"),
            (":fault flaky NaN\r", "is no number"),
        ] {
            let wishes = pressed(typed);
            assert!(matches!(wishes.as_slice(), [Wish::Say(text)] if text.contains(told)), "{typed}: {wishes:?}");
        }
    }
}
