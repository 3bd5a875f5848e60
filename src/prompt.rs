//! Questions to whoever sits at the terminal, and secrets from where no process list shows them (P-18): a prompt, a file, stdin.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;

use crate::failure::Failure;
use crate::output;

/// No secret of ours is longer.
const SECRET_MAX_BYTES: u64 = 64 * 1024;

/// Reads a secret from a file, or from stdin when the name is `-`.
pub(crate) fn secret_from(source: &str, noun: &str, make: &str) -> Result<String, Failure> {
    if source == "-" {
        return line_from_stdin(noun);
    }
    let path = Path::new(source);
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(SECRET_MAX_BYTES).read_to_string(&mut text))
        .map_err(|error| {
            Failure::new(format!("the {noun} can't be read from {source}"))
                .because(error)
                .hint(make)
        })?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::new(format!("{source} is empty, no {noun} in it")).hint(make));
    }
    Ok(text.to_owned())
}

/// Asks for a line on a terminal; reads it in silence from a pipe.
pub(crate) fn ask_for(noun: &str, question: &str) -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        output::note(question);
    }
    line_from_stdin(noun)
}

/// Asks yes or no; anything but a clear yes is a no.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    if std::io::stdin().is_terminal() {
        output::note(&format!("{question} [y/N]"));
    }
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::new("no answer could be read").because(error))?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

fn line_from_stdin(noun: &str) -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(SECRET_MAX_BYTES)
        .read_line(&mut text)
        .map_err(|error| {
            Failure::new(format!("the {noun} can't be read from stdin")).because(error)
        })?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::usage(format!("no {noun} came from stdin")));
    }
    Ok(text.to_owned())
}
