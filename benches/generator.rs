//! The process that makes load or answers it: `generator KIND ARGUMENT…`, see [`benches::generate`].
#![allow(clippy::print_stdout, reason = "what was seen goes to standard output")]

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let said = benches::generate::run(&arguments)?;
    println!("{said}");
    Ok(())
}
