//! SIGHUP.

use std::io::Read as _;

use respair_faults::{Gate, Relay, Script, Step, conforming_text};

use super::{Gateway, said};
use crate::bin::{Home, are_shown, playing};

fn config(relay: &Relay, more: &str) -> String {
    format!(
        "model:\n  provider: custom\n  base_url: {}\n{more}",
        relay.base_url()
    )
}

#[test]
fn new_requests_go_by_the_new_file_and_streams_go_on() {
    let gate = Gate::new();
    let script = Script::stream(&conforming_text(["of", " one"]))
        .after_first("response.output_text.delta", Step::Gate(gate.clone()));
    let (one, two) = (playing(script), said("of two"));
    let home = Home::with_config(&config(&one, "serve:\n  listen: 127.0.0.1:0\n"));
    let mut gateway = Gateway::spawn(&mut home.command(&["serve", "--log", "json"]));
    let mut socket = gateway.ask("/v1/responses", "m");
    let mut begun = [0; 15];
    socket.read_exact(&mut begun).unwrap();
    let file = home.path(".config/respair/config.yaml");
    let put = |text: String| std::fs::write(&file, text).unwrap();

    put(config(
        &two,
        "serve:\n  listen: 127.0.0.1:9\n  threads: 3\n  limits: {body: 1 KiB}\n",
    ));
    gateway.signal("-HUP");
    let said = gateway.says();
    assert_eq!(
        said,
        "notice: reloaded ~/.config/respair/config.yaml: new requests go to custom\n"
    );
    let kept = gateway.says();
    let address = &gateway.address;
    assert_eq!(
        kept,
        format!(
            "warning: `serve.listen` takes effect at the next start (it listens on {address})\n"
        )
    );
    assert_eq!(
        gateway.says(),
        "warning: `serve.threads` takes effect at the next start (now one a core)\n"
    );
    assert!(gateway.answer("/v1/responses", "m").contains("of two"));
    assert_eq!(gateway.log()["ending"], "completed");
    let refused = gateway.answer("/v1/responses", &"m".repeat(2000));
    assert!(refused.contains("serve.limits.body"), "{refused}");
    gateway.log();

    // A broken file says where, and changes nothing.
    for (text, why) in [
        (
            "model: {provider: custom, base_url: nowhere}",
            "base_url: does not begin with http",
        ),
        ("model: [", ":1:"),
        ("{}", "chooses no endpoint"),
    ] {
        put(text.to_owned());
        gateway.signal("-HUP");
        let mut told = gateway.says();
        assert!(told.contains(why), "{told}");
        while !told.ends_with("warning: not reloaded: what was configured before still holds\n") {
            let line = gateway.says();
            assert!(!line.is_empty(), "{told}");
            told.push_str(&line);
        }
        assert!(gateway.answer("/v1/responses", "m").contains("of two"));
        gateway.log();
    }

    // The stream that had begun before all of that.
    gate.open();
    let mut rest = String::new();
    socket.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("of one") && rest.ends_with("0\r\n\r\n"),
        "{rest}"
    );
    assert_eq!(gateway.log()["ending"], "completed");
    assert_eq!(
        gateway.stopped(),
        "notice: stopping: what is under way may go on for 30 s; Ctrl-C again ends it now\n"
    );
}

#[test]
fn without_a_file_there_is_nothing_to_reload() {
    let one = said("of one");
    let home = Home::new();
    let mut gateway = Gateway::start(&home, &["--upstream", &one.base_url()]);
    gateway.signal("-HUP");
    assert_eq!(
        gateway.says(),
        "notice: nothing to reload: there is no configuration file\n"
    );
    assert!(gateway.answer("/v1/responses", "m").contains("of one"));
}

#[test]
fn flags_win_over_the_file() {
    let one = said("of one");
    let home = Home::with_config(&config(
        &one,
        "serve:\n  listen: 127.0.0.1:9\n  drain: 7\n  allow_origins: [http://a.example]\n  record: {dir: never, size: 1 KiB}\n",
    ));
    let mut gateway = Gateway::start(
        &home,
        &[
            "--drain",
            "3",
            "--threads",
            "2",
            "--allow-origin",
            "http://b.example",
            "--record",
            "records",
        ],
    );
    let warning = gateway.says();
    assert!(
        warning.contains("answers are recorded in records"),
        "{warning}"
    );
    gateway.answer("/v1/responses", "m");
    gateway.log();
    let rest = gateway.stopped();
    assert!(rest.contains("may go on for 3 s"), "{rest}");
    assert!(!home.path("never").exists());
    let entries = std::fs::read_dir(home.path("records")).unwrap();
    let sizes: Vec<u64> = entries
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .collect();
    assert!(
        sizes.len() == 2 && sizes.iter().all(|size| (1024..1200).contains(size)),
        "{sizes:?}"
    );
}

/// The notice of a reload finds no room, and streams go on.
#[cfg(target_os = "linux")]
#[test]
fn a_message_that_nobody_reads_holds_up_no_request() {
    if !are_shown() {
        return;
    }
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let (one, two) = (said("of one"), said("of two"));
    let home = Home::with_config(&config(&one, "serve: {listen: '127.0.0.1:0'}\n"));
    let gateway = Gateway::spawn(&mut home.command(&["serve"]));
    let standard_error = format!("/proc/{}/fd/2", gateway.child.id());
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits();
    let mut full = std::fs::OpenOptions::new()
        .write(true)
        .custom_flags(i32::try_from(nonblocking).unwrap())
        .open(standard_error)
        .unwrap();
    while full.write(b"\n").is_ok() {}
    let file = home.path(".config/respair/config.yaml");
    std::fs::write(file, config(&two, "")).unwrap();
    gateway.signal("-HUP");
    // It is said once it is done.
    while !gateway.answer("/v1/responses", "m").contains("of two") {}
    for _ in 0..3 {
        assert!(gateway.answer("/v1/responses", "m").contains("of two"));
    }
}
