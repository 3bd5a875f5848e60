//! Secrets on disk: modes from creation, whole writes, refusals that say what to do.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_secret_is_0600_in_a_0700_directory() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("a/b");
    create_private_dir(&inner).unwrap();
    let file = inner.join("secret");
    create_private_file(&file, b"one").unwrap();
    assert_eq!(
        (mode(&inner), mode(inner.parent().unwrap()), mode(&file)),
        (0o700, 0o700, 0o600)
    );
}

#[test]
fn a_write_replaces_the_whole_and_leaves_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    create_private_file(&file, b"a longer first one").unwrap();
    fs::write(
        directory.path().join(".secret.new"),
        b"left by a killed process",
    )
    .unwrap();
    create_private_file(&file, b"two").unwrap();
    assert_eq!(read_private_file(&file).unwrap().as_slice(), b"two");
    assert_eq!(mode(&file), 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    create_private_file(&file, b"x").unwrap();
    for open in [0o640, 0o604, 0o660, 0o644] {
        fs::set_permissions(&file, fs::Permissions::from_mode(open)).unwrap();
        let error = read_private_file(&file).unwrap_err().to_string();
        assert!(error.contains(&format!("mode 0{open:o}")), "{error}");
        assert!(
            error.contains(&format!("chmod 600 {}", file.display())),
            "{error}"
        );
    }
}

#[test]
fn a_directory_that_others_can_enter_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let error = create_private_dir(directory.path()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("chmod 700"), "{error}");
}

#[test]
fn what_is_not_there_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    assert!(
        read_private_file(&directory.path().join("none"))
            .unwrap_err()
            .is_not_found()
    );
    let io: io::Error = read_private_file(&directory.path().join("none"))
        .unwrap_err()
        .into();
    assert_eq!(io.kind(), io::ErrorKind::NotFound);
}
