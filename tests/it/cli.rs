//! Wrong input: a clear error, the documented exit code, nothing half done.

mod admission;
mod manifests;
mod processes;
mod typing;

use std::process::Output;

/// Panics unless a command failed with `code` and said all of `words` on stderr, and nothing on stdout.
#[track_caller]
fn assert_refused(output: &Output, code: i32, words: &[&str]) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let data = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(code),
        "stderr: {said}\nstdout: {data}"
    );
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
    assert!(
        data.is_empty(),
        "an error puts nothing on stdout, but: {data}"
    );
    assert!(!said.contains("panicked"), "{said}");
    said
}
