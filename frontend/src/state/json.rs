//! JSON as people read it.

/// JSON with a line for each value, in its own order and with its own numbers; anything else stays as it is, and so
/// does what was cut off somewhere.
pub(crate) fn laid_out(json: &str) -> String {
    if !json.trim_start().starts_with(['{', '[']) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut letters = json.trim().chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quoted => {
                out.push(letter);
                out.extend(letters.next());
                continue;
            }
            '"' => quoted = !quoted,
            _ => {}
        }
        if quoted || letter == '"' {
            out.push(letter);
            continue;
        }
        match letter {
            '{' | '[' => {
                while letters.peek().is_some_and(|next| next.is_whitespace()) {
                    letters.next();
                }
                out.push(letter);
                if let Some(end @ ('}' | ']')) = letters.peek().copied() {
                    letters.next();
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            space if space.is_whitespace() => {}
            _ => out.push(letter),
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(40)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_and_not_changed() {
        let json = r#"{"b":1.50,"a":[{}, [],"x, \"y\": {z}"],"c":null}"#;
        let text = laid_out(json);
        assert_eq!(text.lines().next(), Some("{"));
        assert!(text.contains("\n  \"b\": 1.50,\n"), "{text}");
        assert!(text.contains(r#""x, \"y\": {z}""#), "{text}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&text), value(json));
    }

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        assert_eq!(laid_out("Service: temporarily, down"), "Service: temporarily, down");
        assert_eq!(laid_out(r#"{"a":{"b":"cut of"#), "{\n  \"a\": {\n    \"b\": \"cut of");
    }
}
