//! JSON values as YAML. Text is quoted unless it is plainly a word, so no reader takes `no` for false.

use serde_json::Value;

/// Writes one document.
pub(crate) fn render(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

fn block(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    indent(depth, text);
                }
                text.push_str(&scalar_text(key));
                text.push(':');
                child(value, depth, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    indent(depth, text);
                }
                text.push_str("- ");
                block(item, depth + 1, text);
            }
        }
        Value::Object(_) => text.push_str("{}\n"),
        Value::Array(_) => text.push_str("[]\n"),
        Value::String(word) => text.push_str(&(scalar_text(word) + "\n")),
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&format!("{value}\n")),
    }
}

fn child(value: &Value, depth: usize, text: &mut String) {
    let nested = match value {
        Value::Object(map) if !map.is_empty() => Some(depth + 1),
        Value::Array(items) if !items.is_empty() => Some(depth),
        _ => None,
    };
    if let Some(depth) = nested {
        text.push('\n');
        indent(depth, text);
        block(value, depth, text);
    } else {
        text.push(' ');
        block(value, depth, text);
    }
}

fn indent(depth: usize, text: &mut String) {
    text.extend(std::iter::repeat_n("  ", depth));
}

fn scalar_text(word: &str) -> String {
    let plain = word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&word.to_ascii_lowercase().as_str());
    if plain {
        word.to_owned()
    } else {
        Value::from(word).to_string()
    }
}
