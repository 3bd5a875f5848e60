//! Types `docs/install.md`: each block of shell commands on the machine that its label names. `systemctl enable --now` starts the
//! unit as it was installed and waits until it is ready, as systemd does with `Type=notify`.

use std::collections::BTreeMap;
use std::path::Path;

use testbed::internet::{Internet, Machine, Unit};
use testbed::{Process, Weft, wait};

/// A block of the document.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    machine: String,
    commands: Vec<String>,
}

/// What runs after the document was followed: units by machine and name.
#[derive(Debug, Default)]
pub(super) struct Installed {
    running: BTreeMap<(String, String), Process>,
}

impl Installed {
    pub(super) fn processes(&self) -> impl Iterator<Item = &Process> {
        self.running.values()
    }

    /// Ends a unit's process with SIGKILL.
    pub(super) fn kill(&mut self, internet: &Internet, machine: &str, name: &str) {
        machine_called(internet, machine).signal(name, "KILL");
        self.running.remove(&(machine.to_owned(), name.to_owned()));
    }

    /// Starts a unit and waits until it says that it is ready.
    pub(super) fn start(&mut self, internet: &Internet, machine: &str, name: &str) {
        let place = machine_called(internet, machine);
        let directory = tempfile::tempdir().unwrap();
        let text = place.run_ok(&format!("cat /etc/systemd/system/{name}.service"));
        std::fs::write(directory.path().join(format!("{name}.service")), text).unwrap();
        let process = Unit::read(directory.path(), name).start(place);
        let part = name.trim_start_matches("weft-");
        let script = format!(
            ". /etc/weft/{part}.env; curl --silent --fail --max-time 5 http://$WEFT_METRICS/readyz"
        );
        let ready = wait::poll(wait::GENEROUS, || {
            place.run(&script).status.success().then_some(())
        });
        assert!(
            ready.is_some(),
            "{name} on {machine} is not ready\n{}",
            process.tail()
        );
        self.running
            .insert((machine.to_owned(), name.to_owned()), process);
    }
}

/// Follows the document to its end.
pub(super) fn follow(internet: &Internet) -> Installed {
    let mut installed = Installed::default();
    for machine in [&internet.west.machine, &internet.east.machine] {
        lay_out_tree(machine);
    }
    for block in blocks(&document()) {
        let machine = machine_called(internet, &block.machine);
        if block.machine == "west" {
            carry_invitation(internet);
        }
        let mut script = Vec::new();
        for command in block.commands {
            if let Some(units) = command.strip_prefix("systemctl enable --now ") {
                run(machine, &mut script);
                for unit in units.split_whitespace() {
                    installed.start(internet, &block.machine, unit);
                }
            } else {
                script.push(command);
            }
        }
        run(machine, &mut script);
    }
    installed
}

/// Runs lines one after the other. Calls through the mesh are tried until they work: the document doesn't say how soon.
fn run(machine: &Machine, script: &mut Vec<String>) {
    let lines = std::mem::take(script);
    let (calls, others): (Vec<String>, Vec<String>) = lines
        .into_iter()
        .partition(|line| line.starts_with("curl "));
    if calls.is_empty() {
        machine.run_ok(&format!("cd /run/tree\n{}", others.join("\n")));
        return;
    }
    for call in calls {
        let mut last = String::new();
        let answered = wait::poll(wait::GENEROUS, || {
            let output = machine.run(&call);
            last = String::from_utf8_lossy(&output.stderr).into_owned();
            output.status.success().then_some(())
        });
        assert!(
            answered.is_some(),
            "{call}: {last}\n{}",
            machine.run_ok("tail -n 30 /tmp/none 2>/dev/null || true")
        );
    }
    machine.run_ok(&format!("cd /run/tree\n{}", others.join("\n")));
}

/// The source tree as somebody has it who has built it.
fn lay_out_tree(machine: &Machine) {
    let tree = Weft::source_tree();
    let (tree, weft) = (tree.display(), Weft::binary());
    machine.run_ok(&format!(
        "umount /usr/local/bin/weft
         rm /usr/local/bin/weft
         mkdir -p tree/target/release /etc/systemd/system
         ln -s '{tree}/deploy' tree/deploy
         ln -s '{}' tree/target/release/weft",
        weft.display()
    ));
}

fn carry_invitation(internet: &Internet) {
    let east = &internet.east.machine;
    if east.run("test -e invitation").status.success() {
        let invitation = east.run_ok("cat invitation; rm invitation");
        let west = &internet.west.machine;
        west.run_ok(&format!(
            "umask 077; printf '%s\\n' '{}' > invitation",
            invitation.trim()
        ));
    }
}

fn machine_called<'a>(internet: &'a Internet, name: &str) -> &'a Machine {
    match name {
        "west" => &internet.west.machine,
        "east" => &internet.east.machine,
        other => panic!("docs/install.md labels a block {other}#"),
    }
}

fn document() -> String {
    std::fs::read_to_string(Weft::source_tree().join(Path::new("docs/install.md"))).unwrap()
}

/// The blocks of shell commands, each under a line like `` `west#` ``.
fn blocks(document: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut machine = None;
    let mut inside = false;
    for line in document.lines() {
        if line == "```sh" {
            let machine = machine
                .take()
                .expect("a block of commands says on which machine");
            found.push(Block {
                machine,
                commands: Vec::new(),
            });
            inside = true;
        } else if line == "```" {
            inside = false;
        } else if inside {
            found
                .last_mut()
                .expect("inside a block")
                .commands
                .push(line.to_owned());
        } else if let Some(label) = line
            .strip_prefix('`')
            .and_then(|rest| rest.strip_suffix("#`"))
        {
            machine = Some(label.to_owned());
        }
    }
    found
}

#[test]
fn install_document_has_blocks_for_both_machines() {
    let blocks = blocks(&document());
    for machine in ["west", "east"] {
        let own: Vec<_> = blocks
            .iter()
            .filter(|block| block.machine == machine)
            .collect();
        assert!(own.len() >= 4, "{machine} has {} blocks", own.len());
        let starts = own
            .iter()
            .flat_map(|block| &block.commands)
            .filter(|command| command.starts_with("systemctl enable --now "));
        assert!(starts.count() >= 2, "{machine} starts nothing");
    }
}
