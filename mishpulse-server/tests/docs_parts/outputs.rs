//! Whether what a document shows is what came out, up to times, ids, sizes and folders.

use serde_json::Value;

/// Says what differs.
pub fn text(shown: &str, came: &str, folder: &str) -> Result<(), String> {
    let came = came.replace(folder, FOLDER);
    let lines =
        |text: &str| -> Vec<String> { text.lines().map(plain).filter(|line| !line.is_empty()).collect() };
    let (shown, came) = (lines(shown), lines(&came));
    match fits(&shown, &came) {
        true => Ok(()),
        false => Err(format!("shown:\n{}\ncame:\n{}", shown.join("\n"), came.join("\n"))),
    }
}

/// `...` stands for any lines.
fn fits(shown: &[String], came: &[String]) -> bool {
    match shown.split_first() {
        None => came.is_empty(),
        Some((first, rest)) if first == "..." => (0..=came.len()).any(|skipped| fits(rest, &came[skipped..])),
        Some((first, rest)) => came.first() == Some(first) && fits(rest, &came[1..]),
    }
}

/// A line with every id and number as `#`, and with single blanks.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut word = String::new();
    for c in line.trim().chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || c == '-' {
            word.push(c);
            continue;
        }
        text.push_str(&plain_word(&std::mem::take(&mut word)));
        text.push(c);
    }
    // Tables are as wide as their contents.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plain_word(word: &str) -> String {
    let is_key = word.len() >= 32 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let is_id = uuid::Uuid::try_parse(word).is_ok() || is_key;
    let has_digit = |part: &str| part.chars().any(|c| c.is_ascii_digit());
    match is_id {
        true => "#".to_owned(),
        false => {
            let parts = word.split('-').map(|part| if has_digit(part) { "#" } else { part });
            parts.collect::<Vec<_>>().join("-")
        }
    }
}

/// The last JSON that came out, whatever stands before it.
pub fn last_json(came: &str) -> Option<Value> {
    let mut starts = came.match_indices(['[', '{']).map(|(start, _)| start);
    let values = starts.find_map(|start| {
        let values: Result<Vec<Value>, _> =
            serde_json::Deserializer::from_str(&came[start..]).into_iter().collect();
        values.ok().filter(|values| !values.is_empty())
    });
    values?.pop()
}

/// Says where `shown` is not what came. Of an example only the names of fields count.
pub fn json(shown: &Value, came: &Value, is_example: bool, at: &str) -> Result<(), String> {
    match (shown, came) {
        (Value::Object(shown), Value::Object(came)) => {
            let keys = |object: &serde_json::Map<String, Value>| -> Vec<String> {
                let mut keys: Vec<_> = object.keys().cloned().collect();
                keys.sort();
                keys
            };
            if keys(shown) != keys(came) {
                return Err(format!("{at}: shown {:?}, came {:?}", keys(shown), keys(came)));
            }
            shown
                .iter()
                .try_for_each(|(key, value)| json(value, &came[key], is_example, &format!("{at}.{key}")))
        }
        (Value::Array(shown), Value::Array(came)) if is_example => shown.iter().try_for_each(|shown| {
            let mut problems = came.iter().map(|came| json(shown, came, true, at));
            match problems.any(|problem| problem.is_ok()) || came.is_empty() {
                true => Ok(()),
                false => Err(format!("{at}: nothing came like {shown}")),
            }
        }),
        (Value::Array(shown), Value::Array(came)) => {
            if shown.len() != came.len() {
                return Err(format!("{at}: {} shown, {} came", shown.len(), came.len()));
            }
            let mut pairs = shown.iter().zip(came).enumerate();
            pairs.try_for_each(|(index, (shown, came))| json(shown, came, false, &format!("{at}[{index}]")))
        }
        _ if is_example => Ok(()),
        (Value::String(shown), Value::String(came)) if plain(shown) == plain(came) => Ok(()),
        (Value::Number(_), Value::Number(_)) => Ok(()),
        _ if shown == came => Ok(()),
        _ => Err(format!("{at}: shown {shown}, came {came}")),
    }
}

/// Where the reader is.
const FOLDER: &str = "/home/you/pulse";

#[test]
fn what_differs_is_found() {
    assert!(text("a 1\n...\nz", "a 22\nb\nc\nz", "/t").is_ok());
    assert!(text("at /home/you/pulse/x", "at /t/1/x", "/t/1").is_ok());
    assert!(text("a\nb", "a", "/t").is_err() && text("a", "a\nb", "/t").is_err());
    assert!(text("alive 12:03", "dead 12:03", "/t").is_err());
    let [one, other] = ["c1ae1650-c652-49c6-8fd4-6940e01abd7c", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"];
    assert!(text(one, other, "/t").is_ok());
    let value = |text: &str| last_json(text).unwrap();
    assert!(json(&value(r#"{"a":"x1"}"#), &value(r#"head {"a":"x2"}"#), false, "").is_ok());
    assert!(json(&value(r#"{"a":"x"}"#), &value(r#"{"a":"y"}"#), false, "").is_err());
    assert!(json(&value(r#"{"a":1}"#), &value(r#"{"a":1,"b":2}"#), true, "").is_err());
    assert_eq!(value(r#"{"a":1}{"a":2}"#)["a"], 2);
}
